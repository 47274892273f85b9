namespace FastGate.Gateway.Stats;

public enum AccessFormat
{
    Json,
    Text,
    Off,
}

public enum LogLevel
{
    Debug,
    Info,
    Warn,
    Error,
}

/// <summary>[log]: the access log and the process's own messages.</summary>
public sealed record LogOptions
{
    public AccessFormat Access { get; init; } = AccessFormat.Json;

    /// <summary>The absolute path of a file; null is standard output.</summary>
    public string? To { get; init; }

    public LogLevel Level { get; init; } = LogLevel.Info;
}
