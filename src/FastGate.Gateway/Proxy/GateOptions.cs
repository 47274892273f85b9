using System.Net;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Proxy;

public enum TransportKind
{
    Auto,
    Epoll,
}

/// <summary>[server]: the process.</summary>
public sealed record ServerOptions
{
    /// <summary>0 is "auto": one event loop per core that this process may use.</summary>
    public int Workers { get; init; }

    public TransportKind Transport { get; init; } = TransportKind.Auto;

    /// <summary>How long open exchanges may finish after SIGTERM, or <see cref="Bound.None"/>.</summary>
    public long DrainMs { get; init; } = 25_000;

    /// <summary>How long before that /readyz says 503 while new connections are still taken; 0 for "none".</summary>
    public long DrainDelayMs { get; init; }

    /// <summary>Bytes of buffers and connections on the data path.</summary>
    public long MemoryMax { get; init; } = 1L << 30;

    /// <summary>Whose forwarding headers are believed.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];
}

/// <summary>All that the data path obeys: compiled into a table, checked already. The admin address is the
/// <c>Admin</c> room's, to the right of this one.</summary>
public sealed record GateOptions
{
    public ServerOptions Server { get; init; } = new();

    public LogOptions Log { get; init; } = new();

    public ClientOptions Client { get; init; } = new();

    /// <summary>At least one; names and addresses are distinct.</summary>
    public required IReadOnlyList<ListenerOptions> Listeners { get; init; }

    /// <summary>Names are distinct.</summary>
    public required IReadOnlyList<UpstreamOptions> Upstreams { get; init; }

    /// <summary>At least one; names are distinct, and every name that a route refers to exists.</summary>
    public required IReadOnlyList<RouteOptions> Routes { get; init; }
}
