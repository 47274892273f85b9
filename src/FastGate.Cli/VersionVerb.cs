using System.CommandLine;
using System.Runtime.InteropServices;

namespace FastGate.Cli;

/// <summary>`fastgate version`: one line for bug reports.</summary>
internal static class VersionVerb
{
    public static Command Create(Terminal terminal)
    {
        var version = new Command("version", "print the version");
        version.SetAction(_ =>
        {
            var number = typeof(VersionVerb).Assembly.GetName().Version?.ToString(3);
            terminal.Out.Write($"fastgate {number} ({RuntimeInformation.FrameworkDescription}, "
                + $"{RuntimeInformation.RuntimeIdentifier})\n");
            return ExitCode.Fine;
        });
        return version;
    }
}
