namespace FastGate.Gateway.Proxy;

/// <summary>`timeout` of a route, in milliseconds; every one but <see cref="ConnectMs"/> may be
/// <see cref="Bound.None"/>.</summary>
public sealed record TimeoutOptions
{
    public long ConnectMs { get; init; } = 3_000;

    /// <summary>Begins when the request is sent, its body included.</summary>
    public long FirstByteMs { get; init; } = 30_000;

    /// <summary>The gap between bytes in either direction.</summary>
    public long IdleMs { get; init; } = 60_000;

    /// <summary>Takes the place of <see cref="IdleMs"/> after 101.</summary>
    public long TunnelMs { get; init; } = 3_600_000;

    public long TotalMs { get; init; } = Bound.None;
}
