using System.Net;
using FastGate.Gateway.Config;

namespace FastGate.Tests.Config;

/// <summary>Every class of mistake with the exact text that is printed. The cases stand in problems.txt: a file, and
/// behind "---" what is printed of it. Unless a case is "(whole)", a listener and a route follow, so that a case
/// shows its own mistake only.</summary>
public sealed class ProblemTests
{
    private const string Rest = """

        [[listener]]
        name = "tail"
        bind = ":1"
        [[route]]
        name = "tail"
        match = "/tail"
        respond = {}

        """;

    internal static readonly Dictionary<string, (string Toml, string Expected)> Cases = Parse();

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Prints_exactly(string name)
    {
        var (toml, expected) = Cases[name];
        Assert.Equal(expected, Printed(name, toml));
    }

    internal static string Printed(string name, string toml)
    {
        if (!name.EndsWith("(whole)", StringComparison.Ordinal))
            toml += Rest;
        var surroundings = new Surroundings
        {
            Environment = static variable => variable switch
            {
                "SECRET" => "s3cr3t!",
                "MULTILINE" => "s3cr3t\r\nX-Evil: 1",
                _ => null,
            },
            HostName = "machine.example.com",
            OwnAddresses = static () => [IPAddress.Loopback, IPAddress.Parse("10.9.8.7"), IPAddress.Parse("fe80::7%3")],
        };
        var reading = GateFile.ReadText("gate.toml", toml, surroundings);
        var printed = new StringWriter();
        new ProblemPrinter(printed, reading.Files, colour: false).Print(reading.Problems);
        return printed.ToString();
    }

    private static Dictionary<string, (string, string)> Parse()
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Config", "problems.txt"));
        var cases = new Dictionary<string, (string, string)>();
        foreach (var part in text.Split("=== ", StringSplitOptions.RemoveEmptyEntries))
        {
            var end = part.IndexOf('\n', StringComparison.Ordinal);
            var body = part[(end + 1)..];
            var split = body.IndexOf("---\n", StringComparison.Ordinal);
            cases.Add(part[..end], split < 0 ? (body, "") : (body[..split], body[(split + 4)..]));
        }
        return cases;
    }
}
