using System.CommandLine;
using FastGate.Gateway.Config;

namespace FastGate.Cli;

/// <summary>`-c FILE`, which several verbs share, and what it means when nothing is said.</summary>
internal static class ConfigOption
{
    public const string DefaultFile = "gate.toml";

    public static Option<string?> Create() => new("-c", "--config")
    {
        Description = "the configuration; gate.toml in the current directory if nothing is said",
        HelpName = "FILE",
    };

    /// <summary>Null (and said so) if nobody named a file and there is no gate.toml.</summary>
    public static Reading? Read(string? file, bool offline, Terminal terminal)
    {
        if (file is null && !File.Exists(DefaultFile))
        {
            terminal.Say("there is no gate.toml in this directory; name a file with -c, or run a proxy without one:\n"
                + "  fastgate run --listen :8080 --to http://127.0.0.1:9000");
            return null;
        }
        var surroundings = new Surroundings { Environment = terminal.Environment, IsOffline = offline };
        return GateFile.Read(file ?? DefaultFile, surroundings);
    }

    /// <summary>What is wrong, or worth a word, one line after the other.</summary>
    public static string Text(Reading reading, Terminal terminal)
    {
        var text = new StringWriter();
        new ProblemPrinter(text, reading.Files, terminal.HasColour).Print(reading.Problems);
        return text.ToString().TrimEnd('\n');
    }

    public static void Print(Reading reading, Terminal terminal) =>
        new ProblemPrinter(terminal.Error, reading.Files, terminal.HasColour).Print(reading.Problems);
}
