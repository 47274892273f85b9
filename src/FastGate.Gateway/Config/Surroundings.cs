namespace FastGate.Gateway.Config;

/// <summary>What a configuration depends on besides its files.</summary>
public sealed record Surroundings
{
    /// <summary>The value of an environment variable, or null.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>A check away from the machine that will serve: placeholders without a value are warnings.</summary>
    public bool IsOffline { get; init; }
}
