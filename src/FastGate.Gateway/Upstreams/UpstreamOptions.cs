using FastGate.Gateway.Upstreams.Health;

namespace FastGate.Gateway.Upstreams;

public enum Balance
{
    /// <summary>Of two servers drawn by weight the one that would answer sooner.</summary>
    P2cEwma,

    /// <summary>Of two servers drawn by weight the one with fewer exchanges under way.</summary>
    P2c,

    /// <summary>The server with the fewest exchanges under way.</summary>
    Least,

    RoundRobin,

    /// <summary>The same key goes to the same server while that has room.</summary>
    Hash,
}

/// <summary>[upstream.NAME]: servers, how requests are spread over them, and how connections to them are
/// kept.</summary>
public sealed record UpstreamOptions
{
    public required string Name { get; init; }

    /// <summary>At least one that is no backup; no address twice.</summary>
    public required IReadOnlyList<UpstreamServer> Servers { get; init; }

    public Balance Balance { get; init; } = Balance.P2cEwma;

    /// <summary>Keys of a request ("cookie:sid"), together one key; empty unless <see cref="Balance"/> is
    /// <see cref="Balance.Hash"/>.</summary>
    public IReadOnlyList<string> Hash { get; init; } = [];

    /// <summary>How long a server that is usable again takes to its whole weight; 0 for at once.</summary>
    public long SlowStartMs { get; init; }

    /// <summary>Null for no checks.</summary>
    public HealthOptions? Health { get; init; }

    public EjectOptions Eject { get; init; } = new();

    public PoolOptions Pool { get; init; } = new();
}

/// <summary>One entry of an upstream's `servers`.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="Weight">Its share beside the others', 1 to <see cref="WeightMax"/>.</param>
/// <param name="IsBackup">Used only while no other server can be.</param>
public sealed record UpstreamServer(ServerAddress Address, int Weight = 1, bool IsBackup = false)
{
    /// <summary>A larger ratio between two servers is hardly meant, and costs memory where keys are hashed.</summary>
    public const int WeightMax = 256;
}

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
