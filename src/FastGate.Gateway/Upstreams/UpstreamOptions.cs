namespace FastGate.Gateway.Upstreams;

public enum Balance
{
    Least,
    RoundRobin,
}

/// <summary>[upstream.NAME]: servers that are equal to each other, and how connections to them are kept.</summary>
public sealed record UpstreamOptions
{
    public required string Name { get; init; }

    /// <summary>At least one; no address twice.</summary>
    public required IReadOnlyList<UpstreamServer> Servers { get; init; }

    public Balance Balance { get; init; } = Balance.Least;

    public PoolOptions Pool { get; init; } = new();
}

/// <summary>One entry of an upstream's `servers`.</summary>
public sealed record UpstreamServer(ServerAddress Address, int Weight = 1);

/// <summary>`pool` of an upstream. Bounds are per server and for the whole process; the queue is per
/// upstream.</summary>
public sealed record PoolOptions
{
    public int ConnectionsMax { get; init; } = 1024;

    public int TunnelsMax { get; init; } = 16384;

    /// <summary>How long an idle connection is kept, or <see cref="Bound.None"/>. Below the 5 s that common servers
    /// keep theirs, so that a request seldom meets a connection that is just being closed.</summary>
    public long IdleMs { get; init; } = 4_000;

    public int QueueMax { get; init; } = 1024;

    public long QueueTimeoutMs { get; init; } = 1_000;
}
