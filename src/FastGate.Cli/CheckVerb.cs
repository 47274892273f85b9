using System.CommandLine;
using System.Text;
using System.Text.Json;
using FastGate.Gateway.Config;

namespace FastGate.Cli;

/// <summary>`fastgate check`: compiles the configuration and says what is wrong with it.</summary>
internal static class CheckVerb
{
    public static Command Create(Terminal terminal)
    {
        var file = ConfigOption.Create();
        var offline = new Option<bool>("--offline") { Description = "missing secrets are warnings" };
        var json = new Option<bool>("--json") { Description = "print one JSON document to standard output" };
        var check = new Command("check", "compile the configuration") { file, offline, json };
        check.SetAction(parsed =>
            Run(parsed.GetValue(file), parsed.GetValue(offline), parsed.GetValue(json), terminal));
        return check;
    }

    private static int Run(string? file, bool offline, bool json, Terminal terminal)
    {
        if (ConfigOption.Read(file, offline, terminal) is not { } reading)
            return ExitCode.InvalidConfig;
        var name = file ?? ConfigOption.DefaultFile;
        if (json)
        {
            WriteJson(name, reading, terminal.Out);
        }
        else
        {
            ConfigOption.Print(reading, terminal);
            if (!reading.HasErrors)
            {
                var counts = $"{Count(reading.Listeners, "listener")}, {Count(reading.Routes, "route")}, "
                    + Count(reading.Upstreams, "upstream");
                terminal.Out.Write($"{name}: ok ({counts})\n");
            }
        }
        return reading.HasErrors ? ExitCode.InvalidConfig : ExitCode.Fine;
    }

    private static string Count(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";

    private static void WriteJson(string name, Reading reading, TextWriter to)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("file", name);
            json.WriteBoolean("ok", !reading.HasErrors);
            json.WriteNumber("listeners", reading.Listeners);
            json.WriteNumber("routes", reading.Routes);
            json.WriteNumber("upstreams", reading.Upstreams);
            json.WriteStartArray("problems");
            foreach (var problem in reading.Problems)
            {
                json.WriteStartObject();
                json.WriteString("file", problem.Origin.File);
                json.WriteNumber("line", problem.Origin.Line);
                json.WriteNumber("column", problem.Origin.Column);
                json.WriteNumber("length", problem.Origin.Length);
                json.WriteString("severity", problem.Severity == Severity.Error ? "error" : "warning");
                json.WriteString("sentence", problem.Sentence);
                json.WriteString("hint", problem.Hint);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        to.Write(Encoding.UTF8.GetString(bytes.ToArray()));
        to.Write('\n');
    }
}
