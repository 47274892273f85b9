using FastGate.Gateway.Routing;
using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Proxy;

/// <summary>A route as the data path uses it: everything that can be known before the first request is.</summary>
internal sealed class Route
{
    /// <summary>From 1, in the order of the configuration: where its counters are.</summary>
    public required int Id { get; init; }

    public required byte[] Name { get; init; }

    public required TimeoutOptions Timeout { get; init; }

    public RetryOptions Retry { get; init; } = RetryOptions.Off;

    /// <summary>Bytes of a request body; over it: 413.</summary>
    public required long BodyBytesMax { get; init; }

    /// <summary>Forwards here; null when the gate answers itself.</summary>
    public Upstream? Upstream { get; init; }

    /// <summary>How long its requests wait for an answer, by lane, each made by its lane when it first asks; empty
    /// where nothing is hedged.</summary>
    public HeadTimes?[] HeadTimes { get; init; } = [];

    /// <summary>By which its upstream chooses a server; null where it needs none.</summary>
    public RequestHash? BalanceKey { get; init; }

    /// <summary>Taken off the path before it is forwarded; null for nothing.</summary>
    public ForwardedPath? StripPrefix { get; init; }

    public HostHandling Host { get; init; }

    /// <summary>The Host that is sent, for <see cref="HostHandling.Literal"/>.</summary>
    public byte[] HostLiteral { get; init; } = [];

    public HeaderRules RequestHeaders { get; init; } = HeaderRules.None;

    public HeaderRules ResponseHeaders { get; init; } = HeaderRules.None;

    /// <summary>A fixed answer; null for none.</summary>
    public FixedAnswer? Respond { get; init; }

    /// <summary>A redirect; null for none.</summary>
    public Redirect? Redirect { get; init; }

    /// <summary>%2F and %5C may stand in the path.</summary>
    public bool EncodedSlash { get; init; }
}

/// <summary>Where a redirect leads and with which status; <paramref name="CarriesQuery"/>: its target says nothing of
/// the query, so the request's goes along.</summary>
internal sealed record Redirect(Template To, int Status, bool CarriesQuery);

/// <summary>An answer that is the same for every request: its field lines (each with CRLF, framing left out) and its
/// body.</summary>
internal sealed record FixedAnswer(int Status, byte[] Fields, byte[] Body);
