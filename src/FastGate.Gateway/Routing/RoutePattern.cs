namespace FastGate.Gateway.Routing;

internal enum SegmentKind : byte
{
    /// <summary>These bytes; empty only at the end, for a path that ends in a slash.</summary>
    Literal = 0,
    /// <summary><c>{name}</c>: one whole segment that is not empty.</summary>
    Name,
    /// <summary>A final <c>/*</c>: everything below, and the place itself with and without its slash.</summary>
    Rest,
}

/// <summary>One segment of a pattern: the bytes of a literal, or the name of a <c>{name}</c>.</summary>
internal readonly record struct PatternSegment(SegmentKind Kind, byte[] Literal, string Name);

/// <summary>One entry of <c>match</c>, parsed: <c>[METHOD[,METHOD]] [host]/path</c>. Immutable. What it leaves to the
/// trie: listeners, <c>when</c>, case.</summary>
internal sealed class RoutePattern
{
    private readonly PatternSegment[] _segments;

    internal RoutePattern(
        string text, string pathText, string[] methods, HostPattern? host, PatternSegment[] segments, bool encodedSlash)
    {
        Text = text;
        PathText = pathText;
        Methods = methods;
        Host = host;
        _segments = segments;
        HasEncodedSlash = encodedSlash;
        HasRest = segments[^1].Kind == SegmentKind.Rest;
        Names = [.. segments.Where(static s => s.Kind == SegmentKind.Name).Select(static s => s.Name)];
    }

    /// <summary>As written.</summary>
    public string Text { get; }
    /// <summary>The path as written: the label <c>http_route</c> of metrics.</summary>
    public string PathText { get; }
    /// <summary>As written, so without the HEAD that GET implies; empty for every method.</summary>
    public IReadOnlyList<string> Methods { get; }
    /// <summary>Null for every host.</summary>
    public HostPattern? Host { get; }
    public ReadOnlySpan<PatternSegment> Segments => _segments;
    /// <summary>The names of its <c>{name}</c>s in order, without <c>rest</c>.</summary>
    public IReadOnlyList<string> Names { get; }
    /// <summary>Ends in <c>/*</c>. The value of <c>{rest}</c> for <c>/v1/*</c> is what follows <c>/v1/</c>: empty for
    /// <c>/v1</c> and <c>/v1/</c>, <c>a/b</c> for <c>/v1/a/b</c>, <c>a/</c> for <c>/v1/a/</c>.</summary>
    public bool HasRest { get; }
    /// <summary>A literal contains %2F or %5C: without encoded_slash the route can never match.</summary>
    public bool HasEncodedSlash { get; }

    /// <summary>Parses one entry of <c>match</c>. Null when it is wrong; then every problem found was added, with its
    /// offset in <paramref name="text"/>.</summary>
    public static RoutePattern? Parse(string text, List<RoutingProblem> problems) =>
        new RoutePatternParser(text, problems).Parse();

    public override string ToString() => Text;
}
