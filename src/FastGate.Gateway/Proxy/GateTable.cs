using FastGate.Gateway.Routing;
using FastGate.Gateway.Upstreams;
using FastGate.Http;

namespace FastGate.Gateway.Proxy;

/// <summary>A whole configuration, compiled: immutable, and taken once by every exchange.</summary>
internal sealed class GateTable
{
    public required RouteTrie<Route> Routes { get; init; }

    /// <summary>Every route, in the order of their ids.</summary>
    public required Route[] RouteList { get; init; }

    public required ListenerOptions[] Listeners { get; init; }

    public required ServerOptions Server { get; init; }

    public required ClientOptions Client { get; init; }

    public required TrustedProxies TrustedProxies { get; init; }

    public required Upstream[] Upstreams { get; init; }

    /// <summary>Names of the fields by which a route or a server is chosen.</summary>
    public required byte[][] DecidingFields { get; init; }

    public HeadLimits RequestLimits => new(Client.HeadBytesMax, Client.HeadersMax);

    /// <summary>What an upstream may send: as much as a client, by the same words.</summary>
    public HeadLimits ResponseLimits => new(Client.HeadBytesMax, Client.HeadersMax);
}
