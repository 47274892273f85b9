namespace FastGate.Gateway.Proxy;

/// <summary>How a try may end and still be tried again: the words of <c>on</c>.</summary>
[Flags]
public enum RetryOn : byte
{
    None = 0,

    /// <summary>No connection: refused, unreachable, or not in time. Not a byte of the request has left.</summary>
    Connect = 1,

    /// <summary>The connection ended before the head of an answer was there.</summary>
    Reset = 2,

    /// <summary>The server answered 502, or what it said was not HTTP.</summary>
    Status502 = 4,

    /// <summary>The server answered 503.</summary>
    Status503 = 8,

    /// <summary>The server answered 504, or nothing in time (<c>first_byte</c>, <c>per_try</c>).</summary>
    Status504 = 16,
}

/// <summary>`retry` of a route: whether a request goes to another server when one fails.</summary>
public sealed record RetryOptions
{
    /// <summary>More than that would find what is left to be found nowhere.</summary>
    public const int RetriesMax = 10;

    /// <summary>Servers that refuse are passed by without using one of <see cref="Retries"/> up, so often at most: no
    /// server twice.</summary>
    public const int MovesMax = Upstreams.TriedServers.ServersMax - 1;

    public const int BodyBytesMax = 16 << 20;

    /// <summary>Nothing is tried again.</summary>
    public static RetryOptions Off { get; } = new() { Retries = 0 };

    /// <summary>Tries after the first, each with a server that was not tried yet; 0 for none. Servers that refuse the
    /// connection do not count (<see cref="MovesMax"/>).</summary>
    public int Retries { get; init; } = 1;

    public RetryOn On { get; init; } =
        RetryOn.Connect | RetryOn.Reset | RetryOn.Status502 | RetryOn.Status503 | RetryOn.Status504;

    /// <summary>The most that the connect of one try may take, and the head of its answer once the whole request was
    /// sent; in milliseconds, or <see cref="Bound.None"/>.</summary>
    public long PerTryMs { get; init; } = Bound.None;

    /// <summary>Bytes of a request's body that are kept for the next try; with more of it there is none.</summary>
    public int BodyMax { get; init; } = 64 * 1024;

    /// <summary>Of a hundred requests so many may be tried again, 1 to 100 (<see cref="Upstreams.RetryBudget"/>).
    /// </summary>
    public int BudgetPercent { get; init; } = 20;

    /// <summary>Retries a day that <see cref="BudgetPercent"/> need not cover, for little traffic; 0 for
    /// none.</summary>
    public long BudgetMinPerDay { get; init; } = 3 * 86_400;

    /// <summary><c>hedge</c>: a second copy goes to another server once the first is silent for as long as so many of a
    /// hundred answers take; 0 for never. See <see cref="Hedge"/>.</summary>
    public int HedgePercent { get; init; }

    public bool IsOn => Retries > 0 && On != RetryOn.None;
}
