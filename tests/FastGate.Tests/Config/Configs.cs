using FastGate.Gateway.Config;

namespace FastGate.Tests.Config;

/// <summary>Configurations for tests.</summary>
internal static class Configs
{
    public const string Smallest = """
        version = 1
        [[listener]]
        name = "web"
        bind = ":8080"
        [[route]]
        name = "all"
        match = "/*"
        respond = {}

        """;

    public static Reading Read(string toml, Func<string, string?>? environment = null, bool offline = false) =>
        GateFile.ReadText("gate.toml", toml, new Surroundings
        {
            Environment = environment ?? (static _ => null),
            IsOffline = offline,
        });

    /// <summary>Fails with the problems if there are any, warnings too.</summary>
    public static GateConfig Valid(string toml, Func<string, string?>? environment = null)
    {
        var reading = Read(toml, environment);
        Assert.Equal("", Print(reading));
        Assert.NotNull(reading.Config);
        return reading.Config;
    }

    public static string Print(Reading reading, bool colour = false)
    {
        var printed = new StringWriter();
        new ProblemPrinter(printed, reading.Files, colour).Print(reading.Problems);
        return printed.ToString();
    }
}
