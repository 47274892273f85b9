using System.CommandLine;
using System.Runtime.InteropServices;

namespace FastGate.Cli;

/// <summary>`fastgate version`: one line for bug reports.</summary>
internal static class VersionVerb
{
    /// <summary>Three numbers.</summary>
    public static string Number { get; } = typeof(VersionVerb).Assembly.GetName().Version?.ToString(3) ?? "";

    public static Command Create(Terminal terminal)
    {
        var version = new Command("version", "print the version");
        version.SetAction(_ =>
        {
            terminal.Out.Write($"fastgate {Number} ({RuntimeInformation.FrameworkDescription}, "
                + $"{RuntimeInformation.RuntimeIdentifier})\n");
            return ExitCode.Fine;
        });
        return version;
    }
}
