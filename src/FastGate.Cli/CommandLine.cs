using System.CommandLine;

namespace FastGate.Cli;

/// <summary>The verbs and what is said about wrong usage.</summary>
internal static class CommandLine
{
    /// <summary>Promised, and not there yet.</summary>
    private static readonly string[] LaterVerbs =
    [
        "init", "explain", "show", "reload", "drain", "schema", "purge", "limits", "audit", "plan", "apply",
        "history", "rollback", "capture", "replay", "convert", "top", "doctor", "hash-key",
    ];

    public static int Run(string[] args, Terminal terminal)
    {
        // No verb means run. Done here and not with options of the root, which would also be taken, and then forgotten,
        // in front of another verb: "fastgate -c other.toml check".
        if (args is [] or [['-', ..], ..] && args is not ["-h" or "--help" or "-?", ..])
            args = ["run", .. args];
        if (LaterVerbs.Contains(args[0]))
            return WrongUsage(terminal, $"'{args[0]}' is not available yet");
        var root = new RootCommand("An HTTP gateway and L7 reverse proxy. No verb means run.");
        // RootCommand brings an option --version; there is a verb for that.
        for (var i = root.Options.Count - 1; i >= 0; i--)
        {
            if (root.Options[i] is VersionOption)
                root.Options.RemoveAt(i);
        }
        root.Subcommands.Add(RunVerb.Create(terminal));
        root.Subcommands.Add(CheckVerb.Create(terminal));
        root.Subcommands.Add(StatsVerb.Create(terminal));
        root.Subcommands.Add(VersionVerb.Create(terminal));
        if (!args[0].StartsWith('-') && !root.Subcommands.Any(verb => verb.Name == args[0]))
            return WrongUsage(terminal, $"there is no verb '{args[0]}'");
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0)
            return WrongUsage(terminal, parsed.Errors[0].Message.TrimEnd('.'));
        return parsed.Invoke(new InvocationConfiguration
        {
            Output = terminal.Out,
            Error = terminal.Error,
            // A bug ends the process with its stack, not with an exit code that means something else.
            EnableDefaultExceptionHandler = false,
            // The verbs handle signals themselves.
            ProcessTerminationTimeout = null,
        });
    }

    public static int WrongUsage(Terminal terminal, string sentence)
    {
        terminal.Say(sentence);
        terminal.Error.Write("usage: fastgate [run] [-c FILE]\n"
            + "       fastgate run --listen ADDRESS --to URL\n"
            + "       fastgate check [-c FILE] [--offline] [--json]\n"
            + "       fastgate stats [--json] [--admin ADDRESS] [-c FILE]\n"
            + "       fastgate version\n");
        return ExitCode.WrongUsage;
    }
}
