using FastGate.Gateway.Stats;

namespace FastGate.Gateway.Admin;

/// <summary>What <c>/stats</c> shows of the process that the gate itself does not know.</summary>
public sealed record ProcessFacts
{
    public required string Version { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The same moment in milliseconds of the lanes' clock.</summary>
    public required long StartedMs { get; init; }

    /// <summary>Most descriptors that may be open; null where it is not known.</summary>
    public long? DescriptorsMax { get; init; }

    /// <summary>Lines of either log that were not written.</summary>
    public Func<long> LogDropped { get; init; } = static () => 0;

    /// <summary>Null where nobody watches.</summary>
    public GcPauses? GcPauses { get; init; }
}

/// <summary>The configuration in force.</summary>
/// <param name="Hash">See <c>Config/README.md</c>; null for a proxy without a file.</param>
/// <param name="LoadedAt">When it was read.</param>
/// <param name="LastReload">Null until there was one.</param>
public sealed record LoadedConfig(string? Hash, DateTimeOffset LoadedAt, ReloadResult? LastReload = null);

/// <summary>What came of a reload; the error is null when it is in force.</summary>
public sealed record ReloadResult(DateTimeOffset At, bool IsOk, string? Error);
