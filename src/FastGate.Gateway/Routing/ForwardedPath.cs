using System.Text;

namespace FastGate.Gateway.Routing;

/// <summary><c>strip_prefix</c>, compiled: what is left of a path for the upstream. The prefix is made of whole
/// segments and every pattern of the route begins with it, so at request time there is nothing to compare.</summary>
internal sealed class ForwardedPath
{
    private readonly int _prefixBytes;

    private ForwardedPath(string prefix)
    {
        Prefix = prefix;
        _prefixBytes = prefix.Length;
    }

    public string Prefix { get; }

    /// <summary>Parses a prefix for a route with these patterns. Null when it is wrong; then problems were added, with
    /// offsets in <paramref name="prefix"/>.</summary>
    public static ForwardedPath? Parse(
        string prefix, IReadOnlyList<RoutePattern> patterns, bool ignoreCase, List<RoutingProblem> problems)
    {
        int before = problems.Count;
        if (prefix.Length == 0 || prefix[0] != '/')
        {
            problems.Add(new RoutingProblem(0, Math.Min(1, prefix.Length), "a prefix begins with '/'"));
        }
        else if (prefix == "/")
        {
            problems.Add(new RoutingProblem(0, 1, "there is nothing in '/' to strip", "leave strip_prefix out"));
        }
        else if (prefix.EndsWith('/'))
        {
            problems.Add(new RoutingProblem(prefix.Length - 1, 1, "a prefix does not end with '/'",
                $"write {prefix.TrimEnd('/')}"));
        }
        else if (prefix.AsSpan().IndexOfAny('{', '}', '*') is var special and >= 0)
        {
            problems.Add(new RoutingProblem(special, 1, "a prefix is plain text",
                "rewrite = \"...\" can use variables"));
        }
        if (problems.Count > before || RoutePattern.Parse(prefix, problems) is not { } parsed)
        {
            return null;
        }
        if (parsed.Host is not null || parsed.Methods.Count > 0)
        {
            problems.Add(new RoutingProblem(0, prefix.Length, "a prefix is a path alone"));
            return null;
        }
        foreach (RoutePattern pattern in patterns.Where(p => !BeginsWith(p, parsed, ignoreCase)))
        {
            problems.Add(new RoutingProblem(0, prefix.Length, $"'{pattern.Text}' does not begin with {prefix}",
                "every pattern of the route begins with the prefix, segment by segment"));
        }
        return problems.Count > before ? null : new ForwardedPath(prefix);
    }

    /// <summary>The path behind the prefix: <c>/orders/7</c> of <c>/v1/orders/7</c>; <c>/</c> when nothing
    /// remains.</summary>
    /// <param name="path">A path that one of the patterns matched.</param>
    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> path) =>
        path.Length > _prefixBytes ? path[_prefixBytes..] : "/"u8;

    private static bool BeginsWith(RoutePattern pattern, RoutePattern prefix, bool ignoreCase)
    {
        if (pattern.Segments.Length < prefix.Segments.Length)
        {
            return false;
        }
        for (int i = 0; i < prefix.Segments.Length; i++)
        {
            byte[] a = pattern.Segments[i].Literal;
            byte[] b = prefix.Segments[i].Literal;
            if (pattern.Segments[i].Kind != SegmentKind.Literal
                || !(ignoreCase ? Ascii.EqualsIgnoreCase(a, b) : a.AsSpan().SequenceEqual(b)))
            {
                return false;
            }
        }
        return true;
    }
}
