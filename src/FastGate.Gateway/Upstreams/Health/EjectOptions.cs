namespace FastGate.Gateway.Upstreams.Health;

/// <summary>`eject` of an upstream: a server that fails what it is asked for is left alone for a while. What counts as
/// a failure: no connection, one that breaks off, no answer in time, one that is not HTTP, and 502 to 504.</summary>
public sealed record EjectOptions
{
    /// <summary>So many failures in a row eject; 0 for never.</summary>
    public int Consecutive { get; init; } = 5;

    /// <summary>So many of a hundred in <see cref="WindowMs"/> eject; 0 for never.</summary>
    public int RatioPercent { get; init; } = 50;

    /// <summary>Below so many in <see cref="WindowMs"/> their ratio says nothing.</summary>
    public int RequestsMin { get; init; } = 50;

    public long WindowMs { get; init; } = 10_000;

    /// <summary>How long the first time; each one that follows soon is twice as long as the one before.</summary>
    public long BaseMs { get; init; } = 5_000;

    /// <summary>So many of a hundred servers at most are ejected together: of one none, of three one.</summary>
    public int MaxPercent { get; init; } = 50;

    /// <summary>Where fewer of a hundred than this can be used, all are; 0 for never. Also with servers that
    /// <c>health</c> calls down.</summary>
    public int PanicPercent { get; init; } = 30;

    /// <summary>Nothing is ejected.</summary>
    public static EjectOptions Off { get; } = new() { Consecutive = 0, RatioPercent = 0 };

    public bool IsOn => Consecutive > 0 || RatioPercent > 0;
}
