using FastGate.Gateway.Routing;

namespace FastGate.Tests.Routing;

/// <summary>The slow, obvious twin of the trie: keep every pattern of every route that matches, sort by the rules in
/// the order they are written in the contract, take the first. Works on the texts, with its own reading of
/// them.</summary>
internal sealed class LinearRoutes(IReadOnlyList<RouteDefinition<string>> routes)
{
    internal sealed record Candidate(
        RouteDefinition<string> Route, RoutePattern Pattern, string[] Methods, string Host, string[] Segments);

    public sealed record Answer(
        MatchOutcome Outcome, Candidate? Best, Candidate? Tied, Dictionary<string, string> Captures, string[] Allow);

    private readonly List<Candidate> _all =
        [.. routes.SelectMany(static r => r.Patterns.Select(p => Read(r, p)))];

    private static Candidate Read(RouteDefinition<string> route, RoutePattern pattern)
    {
        string[] words = pattern.Text.Split(' ');
        string target = words[^1];
        int slash = target.IndexOf('/', StringComparison.Ordinal);
        string[] methods = words.Length == 1 ? [] : words[0].Split(',');
        return new Candidate(route, pattern, methods.Contains("GET") ? [.. methods.Union(["HEAD"])] : methods,
            target[..slash].ToLowerInvariant(), target[(slash + 1)..].Split('/'));
    }

    public Answer Match(SampleRequest request)
    {
        List<Candidate> butMethod = [.. _all.Where(c => MatchesButMethod(c, request))];
        List<Candidate> matching =
            [.. butMethod.Where(c => c.Methods.Length == 0 || c.Methods.Contains(request.Method))];
        if (matching.Count == 0)
        {
            string[] allow = [.. butMethod.SelectMany(static c => c.Methods).Distinct().Order(StringComparer.Ordinal)];
            bool byMethod = butMethod.Count > 0;
            return new Answer(byMethod ? MatchOutcome.MethodNotAllowed : MatchOutcome.NotFound, null, null, [], allow);
        }
        matching.Sort(static (a, b) =>
        {
            int rank = CompareRank(a, b);
            rank = rank != 0 ? rank : string.CompareOrdinal(a.Route.Name, b.Route.Name);
            return rank != 0 ? rank : string.CompareOrdinal(a.Pattern.Text, b.Pattern.Text);
        });
        Candidate best = matching[0];
        return new Answer(MatchOutcome.Found, best,
            matching.Find(c => c.Route != best.Route && CompareRank(best, c) == 0), CapturesOf(best, request.Path), []);
    }

    private static bool MatchesButMethod(Candidate candidate, SampleRequest request) =>
        (candidate.Route.Listeners.Count == 0 || candidate.Route.Listeners.Contains(request.Listener))
        && MatchesHost(candidate.Host, request.Host)
        && MatchesPath(candidate, request.Path)
        && candidate.Route.When.All(w => Holds(w, request));

    private static bool MatchesHost(string pattern, string authority)
    {
        string host = authority.Split(':')[0].ToLowerInvariant();
        host = host.EndsWith('.') ? host[..^1] : host;
        return pattern.Length == 0 || pattern == host
            || (pattern.StartsWith("*.", StringComparison.Ordinal) && host.Length > pattern.Length - 1
                && host.EndsWith(pattern[1..], StringComparison.Ordinal));
    }

    private static bool MatchesPath(Candidate candidate, string path)
    {
        string[] sent = path[1..].Split('/');
        for (int i = 0; i < candidate.Segments.Length; i++)
        {
            string segment = candidate.Segments[i];
            if (segment == "*")
            {
                return true;
            }
            if (i == sent.Length)
            {
                return false;
            }
            bool matches = segment.StartsWith('{')
                ? sent[i].Length > 0
                : string.Equals(segment, sent[i],
                    candidate.Route.IgnoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
            if (!matches)
            {
                return false;
            }
        }
        return sent.Length == candidate.Segments.Length;
    }

    // Requests of the random tests name each thing at most once.
    private static bool Holds(WhenCondition condition, SampleRequest request)
    {
        string? found = condition.Source switch
        {
            KeySource.Header => request.Headers.Find(h => h.Name == condition.Name).Value,
            KeySource.Cookie => request.Headers.Find(static h => h.Name == "Cookie").Value is { } cookie
                && cookie.StartsWith(condition.Name + "=", StringComparison.Ordinal)
                    ? cookie[(condition.Name.Length + 1)..] : null,
            // Of the values there are, no two share a network.
            KeySource.Ip => request.Ip.Length == 0 ? null
                : Parsed.When("ip", request.Ip).Values[0],
            _ => request.Target is var target && target.Contains("?" + condition.Name + "=", StringComparison.Ordinal)
                ? target[(target.IndexOf('=', StringComparison.Ordinal) + 1)..] : null,
        };
        return condition.Test switch
        {
            WhenTest.Present => found is not null,
            WhenTest.Absent => found is null,
            _ => found is not null && condition.Values.Contains(found),
        };
    }

    /// <summary>Exact host over *.example.com (longer suffix first) over none; then segment by segment literal over
    /// {name} over /*; then methods named over none; then more conditions over fewer; then order.</summary>
    internal static int CompareRank(Candidate a, Candidate b)
    {
        int rank = HostRank(a).CompareTo(HostRank(b));
        for (int i = 0; rank == 0 && i < Math.Max(a.Segments.Length, b.Segments.Length); i++)
        {
            rank = SegmentRank(a, i).CompareTo(SegmentRank(b, i));
        }
        rank = rank != 0 ? rank : (a.Methods.Length == 0).CompareTo(b.Methods.Length == 0);
        rank = rank != 0 ? rank : b.Route.When.Count.CompareTo(a.Route.When.Count);
        return rank != 0 ? rank : a.Route.Order.CompareTo(b.Route.Order);

        static int HostRank(Candidate c) =>
            c.Host.Length == 0 ? 1000 : c.Host[0] == '*' ? 900 - c.Host.Length : 0;

        // A pattern that has ended is as good as a literal: the other can only go on with /*.
        static int SegmentRank(Candidate c, int i) =>
            i >= c.Segments.Length ? 0 : c.Segments[i] == "*" ? 2 : c.Segments[i].StartsWith('{') ? 1 : 0;
    }

    private static Dictionary<string, string> CapturesOf(Candidate candidate, string path)
    {
        Dictionary<string, string> captures = [];
        string[] sent = path[1..].Split('/');
        for (int i = 0; i < candidate.Segments.Length; i++)
        {
            if (candidate.Segments[i] == "*")
            {
                captures["rest"] = string.Join('/', sent.Skip(i));
            }
            else if (candidate.Segments[i].StartsWith('{'))
            {
                captures[candidate.Segments[i][1..^1]] = sent[i];
            }
        }
        return captures;
    }
}
