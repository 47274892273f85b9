using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Proxy;

/// <summary>[[route]]: which requests, and what happens to them. Exactly one of <see cref="Upstream"/>,
/// <see cref="Respond"/> and <see cref="Redirect"/> is set. Everything inherited is merged in already.</summary>
public sealed record RouteOptions
{
    public required string Name { get; init; }

    /// <summary>At least one pattern: "[METHOD[,METHOD]] [host]/path".</summary>
    public required IReadOnlyList<SourceText> Match { get; init; }

    public IReadOnlyList<WhenOptions> When { get; init; } = [];

    /// <summary>The name of an <see cref="UpstreamOptions"/> that exists.</summary>
    public string? Upstream { get; init; }

    public RespondOptions? Respond { get; init; }

    public RedirectOptions? Redirect { get; init; }

    /// <summary>Begins with '/' and does not end with one.</summary>
    public string? StripPrefix { get; init; }

    public HostOptions Host { get; init; } = HostOptions.Client;

    public HeaderOptions RequestHeaders { get; init; } = HeaderOptions.Empty;

    public HeaderOptions ResponseHeaders { get; init; } = HeaderOptions.Empty;

    /// <summary>Names of listeners that exist; empty is all of them.</summary>
    public IReadOnlyList<string> Listener { get; init; } = [];

    /// <summary>Lower first, between routes that are equally specific.</summary>
    public int Order { get; init; }

    public bool IgnoreCase { get; init; }

    public bool EncodedSlash { get; init; }

    public TimeoutOptions Timeout { get; init; } = new();

    public RetryOptions Retry { get; init; } = new();

    /// <summary>Bytes, or <see cref="Bound.None"/>; the client's where the route says nothing.</summary>
    public long BodyBytesMax { get; init; } = new ClientOptions().BodyBytesMax;

    /// <summary>Where the route's name was written.</summary>
    public Origin Origin { get; init; }
}

/// <summary>One condition of `when`: the key ("header:X-Beta"), and either the values of which one must be there, or
/// whether the key must be present at all.</summary>
public sealed record WhenOptions(SourceText Key)
{
    /// <summary>Exact values; empty when <see cref="Present"/> is set.</summary>
    public IReadOnlyList<SourceText> Values { get; init; } = [];

    public bool? Present { get; init; }
}

/// <summary>An answer from the gate itself. The body and the header values are literal.</summary>
public sealed record RespondOptions
{
    public int Status { get; init; } = 200;

    public SourceText Body { get; init; } = "";

    public IReadOnlyList<HeaderField> Headers { get; init; } = [];
}

public sealed record RedirectOptions
{
    /// <summary>A template: a path on this host, or an absolute URL.</summary>
    public required SourceText To { get; init; }

    /// <summary>301, 302, 303, 307 or 308.</summary>
    public int Status { get; init; } = 308;
}

public enum HostHandling
{
    /// <summary>As the client sent it.</summary>
    Client,

    /// <summary>The address of the server, as it is configured.</summary>
    Upstream,
    Literal,
}

public sealed record HostOptions(HostHandling Handling, SourceText? Literal = null)
{
    public static HostOptions Client { get; } = new(HostHandling.Client);
}

/// <summary>A field's name and its value; the value is a template in `request_headers` and
/// `response_headers`.</summary>
public sealed record HeaderField(string Name, SourceText Value);

/// <summary>Changes to the fields of a message, in this order: remove, set (replaces), add (appends), default (only
/// where it is missing). Names are valid tokens, none is a field of framing or hop-by-hop.</summary>
public sealed record HeaderOptions
{
    public static HeaderOptions Empty { get; } = new();

    public IReadOnlyList<HeaderField> Set { get; init; } = [];

    public IReadOnlyList<HeaderField> Add { get; init; } = [];

    public IReadOnlyList<HeaderField> Default { get; init; } = [];

    public IReadOnlyList<string> Remove { get; init; } = [];

    public bool IsEmpty => Set.Count + Add.Count + Default.Count + Remove.Count == 0;
}
