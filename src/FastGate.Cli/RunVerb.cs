using System.CommandLine;
using FastGate.Gateway.Config;
using FastGate.Gateway.Proxy;

namespace FastGate.Cli;

/// <summary>`fastgate run`: finds out what to serve, from a file or from the command line, and serves it.</summary>
internal static class RunVerb
{
    public static Command Create(Terminal terminal)
    {
        var file = ConfigOption.Create();
        var listen = new Option<string?>("--listen")
        {
            Description = "without a file: where to listen, \":8080\" or \"127.0.0.1:8080\" or \"unix:/path\"",
            HelpName = "ADDRESS",
        };
        var to = new Option<string?>("--to")
        {
            Description = "without a file: where everything goes, \"http://127.0.0.1:9000\"",
            HelpName = "URL",
        };
        var run = new Command("run", "serve until SIGTERM or SIGINT") { file, listen, to };
        run.SetAction(parsed => Run(parsed.GetValue(file), parsed.GetValue(listen), parsed.GetValue(to), terminal));
        return run;
    }

    private static int Run(string? file, string? listen, string? to, Terminal terminal)
    {
        if (listen is null && to is null)
            return RunFile(file, terminal);
        if (file is not null)
            return CommandLine.WrongUsage(terminal, "--listen and --to run a proxy without a file, -c one with a file");
        if (listen is null || to is null)
            return CommandLine.WrongUsage(terminal, "--listen and --to go together");
        return RunForward(listen, to, terminal);
    }

    private static int RunFile(string? file, Terminal terminal)
    {
        if (ConfigOption.Read(file, offline: false, terminal) is not { } reading)
            return ExitCode.InvalidConfig;
        if (reading.Config is not { } config)
        {
            ConfigOption.Print(reading, terminal);
            return ExitCode.InvalidConfig;
        }
        return Serving.Run(config, ConfigOption.Text(reading, terminal), terminal);
    }

    private static int RunForward(string listen, string to, Terminal terminal)
    {
        if (!BindAddress.TryParse(listen, out var bind, out var error, out var hint))
            return CommandLine.WrongUsage(terminal, $"--listen: {error}{(hint is null ? "" : $"; {hint}")}");
        if (!ForwardTarget.TryParse(to, out var server, out error))
            return CommandLine.WrongUsage(terminal, $"--to: {error}");
        if (!GateConfig.TryForward(bind!, server!, out var config, out error))
            return CommandLine.WrongUsage(terminal, error);
        return Serving.Run(config!, "", terminal);
    }
}
