namespace FastGate.Gateway.Proxy;

public enum PathHandling
{
    Normalize,
    Refuse,
}

public enum UnderscoreHandling
{
    Drop,
    Refuse,
    Pass,
}

/// <summary>[client]: what a client may do.</summary>
public sealed record ClientOptions
{
    public int HeadBytesMax { get; init; } = 32 * 1024;

    public int HeadersMax { get; init; } = 100;

    /// <summary>Bytes, or <see cref="Bound.None"/>; a route may say otherwise.</summary>
    public long BodyBytesMax { get; init; } = 1L << 30;

    public int ConnectionsMax { get; init; } = 100_000;

    public int RequestsPipelinedMax { get; init; } = 64;

    /// <summary>From the first byte of a head to its last.</summary>
    public long HeadTimeoutMs { get; init; } = 10_000;

    public long KeepAliveMs { get; init; } = 75_000;

    /// <summary>Bytes per second, after a grace of 10 s; 0 is no minimum ("none").</summary>
    public long BodyRateMin { get; init; } = 240;

    public PathHandling Path { get; init; } = PathHandling.Normalize;

    public UnderscoreHandling UnderscoreHeaders { get; init; } = UnderscoreHandling.Drop;
}
