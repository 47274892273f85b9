using CsCheck;
using FastGate.Gateway.Routing;

namespace FastGate.Tests.Routing;

public sealed class RouteReviewTests
{
    [Theory]
    [InlineData("/a", "/a", true)]
    [InlineData("/users/{id}", "/users/{name}", true)]
    [InlineData("/a/*", "/a/*", true)]
    [InlineData("GET /a", "GET,POST /a", true)]
    [InlineData("GET /a", "HEAD /a", true)]
    [InlineData("A.x/p", "a.X/p", true)]
    [InlineData("/a", "/A", false)]
    [InlineData("/a", "/a/", false)]
    [InlineData("/a", "/a/*", false)]
    [InlineData("/{x}/b", "/a/{y}", false)]
    [InlineData("GET /a", "POST /a", false)]
    [InlineData("GET /a", "/a", false)]
    [InlineData("a.x/p", "/p", false)]
    [InlineData("a.x/p", "*.x/p", false)]
    [InlineData("*.a.x/p", "*.x/p", false)]
    public void Equal_specificity_is_an_error_that_names_both(string first, string second, bool ambiguous)
    {
        Parsed.Trie(out List<RouteFinding<string>> findings, Parsed.Route("first", first),
            Parsed.Route("second", second));
        Assert.Equal(ambiguous, findings.Exists(static f => f.Kind == RouteFindingKind.Ambiguous));
        if (ambiguous)
        {
            RouteFinding<string> finding = Assert.Single(findings);
            Assert.True(finding.IsError);
            Assert.Equal(("second", "first"), (finding.Route.Name, finding.Other!.Name));
            Assert.Equal(
                $"routes 'first' ({first}) and 'second' ({second}) match the same requests and are equally specific",
                    finding.Message);
        }
    }

    [Fact]
    public void What_tells_routes_apart_is_no_ambiguity()
    {
        AssertAmbiguous(true, Route("a", "/p"), Route("b", "/p"));
        AssertAmbiguous(false, Route("a", "/p"), Route("b", "/p", order: 1));
        AssertAmbiguous(false, Route("a", "/p", listeners: [0]), Route("b", "/p", listeners: [1]));
        AssertAmbiguous(true, Route("a", "/p", listeners: [0]), Route("b", "/p"));
        AssertAmbiguous(true, Route("a", "/p", ignoreCase: true), Route("b", "/P"));
        AssertAmbiguous(false, Route("a", "/p"), Route("b", "/P"), Route("c", "/x", ignoreCase: true));
        AssertAmbiguous(true, Route("a", "/p", when: [Parsed.When("header:x", "1")]),
            Route("b", "/p", when: [Parsed.When("query:x", "1")]));
        AssertAmbiguous(false, Route("a", "/p", when: [Parsed.When("header:x", "1")]),
            Route("b", "/p", when: [Parsed.When("header:X", "2")]));
        AssertAmbiguous(true, Route("a", "/p", when: [Parsed.When("header:x", "1", "2")]),
            Route("b", "/p", when: [Parsed.When("header:X", "2")]));
        AssertAmbiguous(false, Route("a", "/p", when: [Parsed.When("header:x", "1")]), Route("b", "/p"));
        AssertAmbiguous(false, Parsed.Route("a", "/p", "/p"));

        static void AssertAmbiguous(bool expected, params RouteDefinition<string>[] routes)
        {
            Parsed.Trie(out List<RouteFinding<string>> findings, routes);
            Assert.Equal(expected, findings.Exists(static f => f.Kind == RouteFindingKind.Ambiguous));
        }
    }

    [Fact]
    public void Routes_that_can_never_match_are_warned_of()
    {
        AssertNever("late", Route("early", "/p"), Route("late", "/p", order: 1));
        AssertNever("late", Route("early", "GET,POST /p"), Route("late", "HEAD /p", order: 1));
        AssertNever("late", Route("get", "GET /p"), Route("post", "POST /p"), Route("late", "GET,POST /p", order: 1));
        AssertNever(null, Route("get", "GET /p"), Route("late", "GET,POST /p", order: 1));
        AssertNever(null, Route("get", "GET /p"), Route("late", "/p", order: 1));
        AssertNever(null, Route("early", "/p", listeners: [0]), Route("late", "/p", order: 1));
        AssertNever("late", Route("early", "/p"), Route("late", "/p", order: 1, listeners: [1]));
        AssertNever("late", Route("early", "/p", ignoreCase: true), Route("late", "/P", order: 1));
        AssertNever(null, Route("early", "/p"), Route("late", "/P", order: 1, ignoreCase: true));
        AssertNever("late", Route("early", "/p", when: [Parsed.When("header:x", "true")]),
            Route("late", "/p", order: 1, when: [Parsed.When("header:x", "1")]));
        AssertNever(null, Route("early", "/p", when: [Parsed.When("header:x", "1")]),
            Route("late", "/p", order: 1, when: [Parsed.When("header:x", "true")]));
        AssertNever("never",
            Route("never", "/p", when: [Parsed.When("header:x", "true"), Parsed.When("header:X", "false")]));
        AssertNever("never", Route("never", "/a%2Fb"));
        AssertNever(null, new RouteDefinition<string>("fine", "fine")
        {
            Patterns = [Parsed.Pattern("/a%2Fb")],
            EncodedSlash = true,
        });
        AssertNever("all", Route("root", "/"), Route("below", "/{x}/*"), Route("all", "/*"));
        AssertNever(null, Route("below", "/{x}/*"), Route("all", "/*"));
        AssertNever(null, Route("root", "GET /"), Route("below", "/{x}/*"), Route("all", "/*"));
        AssertNever("all", Route("root", "GET /"), Route("below", "/{x}/*"), Route("all", "GET /*"));
        AssertNever("all", Route("place", "/v1"), Route("slash", "/v1/"), Route("below", "/v1/{x}/*"),
            Route("all", "/v1/*"));
        AssertNever(null, Route("slash", "/v1/"), Route("below", "/v1/{x}/*"), Route("all", "/v1/*"));
        AssertNever(null, Route("place", "/v1"), Route("slash", "/v1/"), Route("below", "/V1/{x}/*"),
            Route("all", "/v1/*"), Route("loose", "/z", ignoreCase: true));

        static void AssertNever(string? route, params RouteDefinition<string>[] routes)
        {
            Parsed.Trie(out List<RouteFinding<string>> findings, routes);
            RouteFinding<string>? finding = findings.Find(static f => f.Kind == RouteFindingKind.NeverMatches);
            Assert.Equal(route, finding?.Route.Name);
            Assert.False(finding?.IsError ?? false);
        }
    }

    [Fact]
    public void A_catch_all_of_a_host_is_warned_of_where_it_hides_routes()
    {
        Assert.Equal("site", Hides(Route("site", "example.com/*"), Route("health", "/healthz")));
        Assert.Equal("site", Hides(Route("site", "*.example.com/*"), Route("health", "/v1/*")));
        Assert.Null(Hides(Route("site", "example.com/*"), Route("all", "/*")));
        Assert.Null(Hides(Route("site", "example.com/*")));
        Assert.Null(Hides(Parsed.Route("site", "example.com/*", "/healthz")));
        Assert.Null(Hides(Route("site", "GET example.com/*"), Route("post", "POST /x")));
        Assert.Null(Hides(Route("site", "example.com/*", listeners: [0]), Route("x", "/x", listeners: [1])));
        Assert.Null(Hides(Route("site", "example.com/*", when: [Parsed.When("header:x", "1")]), Route("x", "/x")));
        Assert.Null(Hides(Route("site", "example.com/v1/*"), Route("x", "/v1/x")));

        static string? Hides(params RouteDefinition<string>[] routes)
        {
            Parsed.Trie(out List<RouteFinding<string>> findings, routes);
            RouteFinding<string>? finding = findings.Find(static f => f.Kind == RouteFindingKind.HostCatchAll);
            Assert.Contains(finding?.Other?.Name ?? "", finding?.Message ?? "");
            return finding?.Route.Name;
        }
    }

    [Fact]
    public void Limits_of_a_table_are_errors()
    {
        string[] methods = [.. Enumerable.Range(0, RoutingLimits.CustomMethodsMax).Select(static i => $"M{i}")];
        Parsed.Trie(Parsed.Route("most", $"{string.Join(',', methods)} /a"), Parsed.Route("known", "GET,PATCH /a"));
        RouteTrie<string> trie = Parsed.Trie(out List<RouteFinding<string>> findings,
            Parsed.Route("most", $"{string.Join(',', methods)} /a"), Parsed.Route("more", "MORE /a"));
        Assert.Equal(RouteFindingKind.TooManyMethods, Assert.Single(findings).Kind);
        Assert.Equal(MatchOutcome.MethodNotAllowed,
            trie.Match(new SampleRequest("MORE", "h", "/a").ToRouteRequest(), out _));

        string half = string.Concat(Enumerable.Range(0, 9).Select(static i => $"/{{a{i}}}"));
        Parsed.Trie(out findings, Parsed.Route("names", half, half.Replace('a', 'b')));
        Assert.Equal(RouteFindingKind.TooManyNames, Assert.Single(findings).Kind);

        Parsed.Trie(out findings, [.. Enumerable.Range(0, 60).Select(static i => Parsed.Route($"r{i}", "/same"))]);
        Assert.Equal(RoutingLimits.FindingsMax, findings.Count);
    }

    [Fact]
    public void Many_equals_in_one_place_are_compared_as_if_each_with_each()
    {
        Gen<(string, string[])> when = Gen.Select(Gen.Frequency((20, Gen.Const("header:h")), (1, Gen.Const("query:q"))),
            Gen.Frequency(
                (30, Gen.Int[1, 200].Array[1, 2].Select(static v => v.Select(static n => $"{n}").ToArray())),
                (1, Gen.OneOfConst<string[]>(["true"], ["false"]))));
        when.Array[17, 40].Sample(conditions =>
        {
            RouteDefinition<string>[] routes =
                [.. conditions.Select(static (c, i) => Route($"r{i}", "/p", when: [Parsed.When(c.Item1, c.Item2)]))];
            Parsed.Trie(out List<RouteFinding<string>> findings, routes);
            HashSet<(string, string)> expected = [];
            foreach (RouteDefinition<string> a in routes)
            {
                foreach (RouteDefinition<string> b in routes)
                {
                    if (string.CompareOrdinal(a.Name, b.Name) < 0 && !a.When[0].Excludes(b.When[0]))
                    {
                        expected.Add((a.Name, b.Name));
                    }
                }
            }
            HashSet<(string, string)> found =
            [
                .. findings.Where(static f => f.Kind == RouteFindingKind.Ambiguous)
                    .Select(static f => (f.Other!.Name, f.Route.Name)),
            ];
            Assert.Equal(Math.Min(expected.Count, RoutingLimits.FindingsMax), found.Count);
            Assert.Subset(expected, found);
        }, iter: 300);
    }

    private static RouteDefinition<string> Route(
        string name, string pattern, int order = 0, bool ignoreCase = false, int[]? listeners = null,
            WhenCondition[]? when = null) =>
        new(name, name)
        {
            Patterns = [Parsed.Pattern(pattern)],
            Order = order,
            IgnoreCase = ignoreCase,
            Listeners = listeners ?? [],
            When = when ?? [],
        };
}
