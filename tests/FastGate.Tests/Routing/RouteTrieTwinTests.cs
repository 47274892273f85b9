using CsCheck;
using FastGate.Gateway.Routing;

namespace FastGate.Tests.Routing;

/// <summary>Random tables over alphabets so small that routes collide, against <see cref="LinearRoutes"/>.</summary>
public sealed class RouteTrieTwinTests
{
    private static readonly Gen<string> s_pathPattern = Gen.Select(
        Gen.OneOfConst("a", "b", "A", "{p}", "{q}", "aa").Array[0, 3], Gen.OneOfConst("", "", "/", "/*", "/*"),
            static (segments, end) =>
        {
            // A name stands once in a pattern.
            for (int i = 0; i < segments.Length; i++)
            {
                if (segments[i][0] == '{' && Array.IndexOf(segments, segments[i]) < i)
                {
                    segments[i] = $"{{n{i}}}";
                }
            }
            string path = string.Concat(segments.Select(static s => "/" + s)) + end;
            return path.Length == 0 ? "/" : path;
        });

    private static readonly Gen<string> s_pattern = Gen.Select(
        Gen.OneOfConst("", "", "", "GET ", "POST ", "GET,POST ", "HEAD ", "PURGE ", "PUT,LOCK "),
        Gen.OneOfConst("", "", "", "a.x", "b.a.x", "*.x", "*.a.x", "*.A.X"),
        s_pathPattern, static (methods, host, path) => methods + host + path);

    private static readonly Gen<(string Key, string[] Values)> s_when = Gen.Frequency(
        (3, Gen.Select(Gen.OneOfConst("header:h", "query:q", "cookie:c"),
            Gen.OneOfConst<string[]>(["1"], ["2"], ["1", "2"], ["true"], ["false"]))),
        (1, Gen.Select(Gen.Const("ip"),
            Gen.OneOfConst<string[]>(["10.0.0.1"], ["10.0.0.2"], ["10.0.0.2", "10.0.0.1"]))));

    private static readonly Gen<RouteDefinition<string>> s_route = Gen.Select(
        s_pattern.Array[1, 2],
            Gen.Frequency((2, Gen.Const<(string Key, string[] Values)[]>([])), (1, s_when.Array[1, 2])),
        Gen.OneOfConst(0, 0, 0, 1, -1), Gen.OneOfConst(false, false, false, false, true),
        Gen.OneOfConst<int[]>([], [], [0], [1], [0, 1]),
        static (patterns, when, order, ignoreCase, listeners) => new RouteDefinition<string>("", "")
        {
            Patterns = [.. patterns.Select(Parsed.Pattern)],
            When = [.. when.Select(static w => Parsed.When(w.Key, w.Values))],
            Order = order,
            IgnoreCase = ignoreCase,
            Listeners = listeners,
        });

    private static readonly Gen<RouteDefinition<string>[]> s_table = s_route.Array[1, 10].Select(static routes =>
        routes.Select(static (r, i) => new RouteDefinition<string>($"r{i}", $"r{i}")
        {
            Patterns = r.Patterns,
            When = r.When,
            Order = r.Order,
            IgnoreCase = r.IgnoreCase,
            Listeners = r.Listeners,
        }).ToArray());

    private static readonly Gen<string> s_path = Gen.Select(
        Gen.OneOfConst("a", "b", "A", "c", "aa", "B").Array[0, 4], Gen.OneOfConst("", "", "/"),
            static (segments, end) =>
        segments.Length == 0 ? "/" : string.Concat(segments.Select(static s => "/" + s)) + end);

    private static readonly Gen<SampleRequest> s_request = Gen.Select(
        Gen.OneOfConst("GET", "GET", "HEAD", "POST", "PUT", "PURGE", "LOCK", "FIND"),
        Gen.OneOfConst("a.x", "A.x:80", "b.a.x", "c.a.x.", "c.b.a.x", "x", ".x", "z", ""), s_path,
        Gen.OneOfConst("", "1", "2", "3"), Gen.OneOfConst("", "1", "2"), Gen.OneOfConst("", "1", "2"),
        Gen.Select(Gen.Int[0, 1], Gen.OneOfConst("", "10.0.0.1", "10.0.0.2")))
        .Select(static (method, host, path, header, query, cookie, where) =>
            Request(method, host, path, header, query, cookie, where.Item1, where.Item2));

    private static SampleRequest Request(
        string method, string host, string path, string header, string query, string cookie, int listener,
        string ip)
    {
        List<(string, string)> headers = [];
        if (header.Length > 0)
        {
            headers.Add(("h", header));
        }
        if (cookie.Length > 0)
        {
            headers.Add(("Cookie", "c=" + cookie));
        }
        return new SampleRequest(method, host, query.Length > 0 ? $"{path}?q={query}" : path, headers, listener, ip);
    }

    [Fact]
    public void Agrees_with_a_linear_scan()
    {
        Gen.Select(s_table, s_request.Array[20]).Sample((table, requests) =>
        {
            RouteTrie<string> trie = Parsed.Trie(out List<RouteFinding<string>> findings, table);
            LinearRoutes twin = new(table);
            foreach (SampleRequest request in requests)
            {
                AssertAgree(trie, twin, request, findings);
            }
        }, iter: 2_000, print: static t => Print(t.Item1));
    }

    [Fact]
    public void The_order_of_routes_does_not_matter()
    {
        Gen.Select(s_table, s_request.Array[10], Gen.Int[0, 1000]).Sample((table, requests, seed) =>
        {
            RouteTrie<string> trie = Parsed.Trie(out _, table);
            RouteDefinition<string>[] shuffled = [.. table];
            new Random(seed).Shuffle(shuffled);
            RouteTrie<string> other = Parsed.Trie(out _, shuffled);
            foreach (SampleRequest request in requests)
            {
                MatchOutcome outcome = trie.Match(request.ToRouteRequest(), out RouteMatch<string> match);
                Assert.Equal(outcome, other.Match(request.ToRouteRequest(), out RouteMatch<string> second));
                Assert.Equal(match.Value, second.Value);
                Assert.Equal(match.Allow.ToString(), second.Allow.ToString());
            }
        }, iter: 1_000, print: static t => Print(t.Item1));
    }

    [Fact]
    public void Every_ambiguity_has_a_request_that_shows_it()
    {
        s_table.Sample(table =>
        {
            Parsed.Trie(out List<RouteFinding<string>> findings, table);
            foreach (RouteFinding<string> finding in findings.Where(static f => f.Kind == RouteFindingKind.Ambiguous))
            {
                LinearRoutes pair = new([finding.Route, finding.Other!]);
                Assert.True(Witnesses(finding).Any(r => pair.Match(r).Tied is not null), finding.Message);
            }
        }, iter: 500, print: Print);
    }

    /// <summary>Every request that could matter to a finding's two patterns.</summary>
    private static IEnumerable<SampleRequest> Witnesses(RouteFinding<string> finding)
    {
        // The literals of a pattern that minds case satisfy one that does not.
        RoutePattern strict = finding.Route.IgnoreCase ? finding.OtherPattern! : finding.Pattern!;
        // A rest of one segment may already belong to another pattern of the same route, and an empty one may not.
        string[] paths = [.. new[] { "c", "" }.Select(rest => string.Join('/', strict.PathText.Split('/')
            .Select(s => s switch { ['{', ..] => "c", "*" => rest, _ => s })))];
        string host = strict.Host?.Text.Replace("*", "c", StringComparison.Ordinal) ?? "z";
        string[] values = ["", "1", "2"];
        return from method in new[] { "GET", "HEAD", "POST", "PUT", "PURGE", "LOCK" }
               from path in paths
               from listener in new[] { 0, 1 }
               from header in values
               from query in values
               from cookie in values
               from ip in new[] { "", "10.0.0.1", "10.0.0.2" }
               select Request(method, host, path, header, query, cookie, listener, ip);
    }

    private static void AssertAgree(
        RouteTrie<string> trie, LinearRoutes twin, SampleRequest request, List<RouteFinding<string>> findings)
    {
        LinearRoutes.Answer expected = twin.Match(request);
        MatchOutcome outcome = trie.Match(request.ToRouteRequest(), out RouteMatch<string> match);
        Assert.Equal(expected.Outcome, outcome);
        Assert.Equal(expected.Best?.Route.Value, match.Value);
        Assert.Equal(expected.Best?.Pattern.Text, match.Pattern?.Text);
        string[] allow = [.. match.Allow.ToString().Split(", ",
            StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
        Assert.Equal(expected.Allow, allow);
        if (expected.Best is not { } best)
        {
            return;
        }
        for (int slot = 0; slot < best.Route.Names.Slots.Count; slot++)
        {
            Assert.Equal(expected.Captures.GetValueOrDefault(best.Route.Names.Slots[slot], ""),
                request.TextOf(match.Captures[slot]));
        }
        Assert.Equal(expected.Captures.GetValueOrDefault("rest", ""), request.TextOf(match.Captures.Rest));
        Assert.DoesNotContain(findings, f =>
            f.Kind == RouteFindingKind.NeverMatches && f.Route == best.Route && f.Pattern == match.Pattern);
        if (expected.Tied is { } tied)
        {
            Assert.Contains(findings, f => f.Kind == RouteFindingKind.Ambiguous
                && (f.Route, f.Other) is var (a, b)
                && ((a == best.Route && b == tied.Route) || (a == tied.Route && b == best.Route)));
        }
    }

    private static string Print(RouteDefinition<string>[] table) => string.Join('\n', table.Select(static r =>
        $"{r.Name}: [{string.Join(" ; ", r.Patterns)}] when [{string.Join(" ; ", r.When)}] order {r.Order} " +
        $"ignoreCase {r.IgnoreCase} listeners [{string.Join(',', r.Listeners)}]"));
}
