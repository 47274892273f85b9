using System.CommandLine;
using System.Text;
using System.Text.Json;
using FastGate.Gateway;
using FastGate.Gateway.Admin;

namespace FastGate.Cli;

/// <summary>`fastgate stats`: the numbers of the running process, as a table or as the document itself.</summary>
internal static class StatsVerb
{
    public static Command Create(Terminal terminal)
    {
        var file = ConfigOption.Create();
        var json = new Option<bool>("--json") { Description = "print the JSON document to standard output" };
        var admin = new Option<string?>("--admin")
        {
            Description = "the admin address of the process; that of the configuration if nothing is said",
            HelpName = "ADDRESS",
        };
        var stats = new Command("stats", "show the numbers of the running process") { file, json, admin };
        stats.SetAction(parsed =>
            Run(parsed.GetValue(file), parsed.GetValue(json), parsed.GetValue(admin), terminal));
        return stats;
    }

    private static int Run(string? file, bool json, string? admin, Terminal terminal)
    {
        if (TryTarget(file, admin, terminal, out AdminTarget? target) is var code and not ExitCode.Fine)
            return code;
        if (!AdminCall.TryGet(target!, "/stats", out byte[] body, out var error))
        {
            terminal.Say(error);
            return ExitCode.CouldNotStart;
        }
        try
        {
            using var document = JsonDocument.Parse(body);
            if (json)
                terminal.Out.Write(Encoding.UTF8.GetString(body) + "\n");
            else
                StatsTable.Write(document.RootElement, terminal.Out);
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException
            or InvalidOperationException or FormatException)
        {
            terminal.Say($"{target!.Shown} does not answer as a fastgate does");
            return ExitCode.CouldNotStart;
        }
        return ExitCode.Fine;
    }

    /// <summary>With `--admin` a token goes along only if its file was named: what lies in this directory by chance is
    /// not sent to an address that somebody typed. Without either, the address is where a proxy without a file has
    /// it.</summary>
    private static int TryTarget(string? file, string? admin, Terminal terminal, out AdminTarget? target)
    {
        target = null;
        var options = new AdminOptions();
        if (file is not null || (admin is null && File.Exists(ConfigOption.DefaultFile)))
        {
            if (ConfigOption.Read(file, offline: false, terminal) is not { } reading)
                return ExitCode.InvalidConfig;
            if (reading.Config is null)
            {
                ConfigOption.Print(reading, terminal);
                return ExitCode.InvalidConfig;
            }
            options = reading.Config.Admin;
        }
        if (admin is not null)
        {
            return AdminTarget.TryParse(admin, options.Token, out target, out var error)
                ? ExitCode.Fine
                : CommandLine.WrongUsage(terminal, $"--admin: {error}");
        }
        target = AdminTarget.Of(options);
        return target is not null
            ? ExitCode.Fine
            : CommandLine.WrongUsage(terminal, "[admin] listen has port 0: say which one it became with --admin");
    }
}
