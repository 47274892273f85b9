namespace FastGate.Gateway.Routing;

/// <summary>The bounds of this room. All of them limit what a configuration may say; a request is bounded by the
/// head's limits before it comes here.</summary>
internal static class RoutingLimits
{
    /// <summary>Characters of one entry of <c>match</c>.</summary>
    public const int PatternCharsMax = 4096;
    /// <summary>Segments of one pattern; also the depth of the recursion that matches.</summary>
    public const int SegmentsMax = 64;
    /// <summary>Names of all patterns of one route together: what a match has room for.</summary>
    public const int NamesMax = 16;
    public const int NameCharsMax = 64;
    /// <summary>Listeners of a process: a route keeps a bit for each.</summary>
    public const int ListenersMax = 64;
    /// <summary>Method tokens that no RFC this gateway knows defines, over the whole table: a bit for each beside the
    /// known ones.</summary>
    public const int CustomMethodsMax = 48;
    /// <summary>Names in a <c>when</c>, by design of its conditions joined by and.</summary>
    public const int WhenConditionsMax = 16;
    public const int WhenValuesMax = 256;
    public const int WhenTextCharsMax = 4096;
    /// <summary>Characters of a rewrite, a redirect or a header value.</summary>
    public const int TemplateCharsMax = 8192;
    /// <summary>Findings of one kind in one build; a table that is wrong a thousand times is told so a hundred
    /// times.</summary>
    public const int FindingsMax = 100;
    /// <summary>RFC 1035 section 2.3.4; longer names in a request match only routes without a host.</summary>
    public const int HostBytesMax = 253;
}
