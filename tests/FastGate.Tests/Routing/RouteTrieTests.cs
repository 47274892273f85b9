using System.Text;
using CsCheck;
using FastGate.Gateway.Routing;
using FastGate.Http;

namespace FastGate.Tests.Routing;

public sealed class RouteTrieTests
{
    [Theory]
    [InlineData("/v1", "v1", "")]
    [InlineData("/v1/", "below", "")]
    [InlineData("/v1/a/b", "below", "a/b")]
    [InlineData("/v1/a/", "below", "a/")]
    [InlineData("/v1x", null, "")]
    [InlineData("/V1", null, "")]
    [InlineData("/", null, "")]
    public void A_final_star_takes_the_place_itself_and_all_below(string path, string? route, string rest)
    {
        RouteTrie<string> trie = Parsed.Trie(Parsed.Route("below", "/v1/*"), Parsed.Route("v1", "/v1"));
        SampleRequest request = new("GET", "h", path);
        trie.Match(request.ToRouteRequest(), out RouteMatch<string> match);
        Assert.Equal(route, match.Value);
        Assert.Equal(rest, request.TextOf(match.Captures.Rest));
    }

    [Fact]
    public void A_star_alone_takes_the_place_without_its_slash_too()
    {
        RouteTrie<string> trie = Parsed.Trie(Parsed.Route("below", "/v1/*"), Parsed.Route("all", "/*"));
        AssertFinds(trie, "GET h /v1", "below");
        AssertFinds(trie, "GET h /", "all");
        AssertFinds(trie, "GET h /v1x/y", "all");
    }

    [Fact]
    public void The_most_specific_wins_with_backtracking()
    {
        RouteTrie<string> trie = Parsed.Trie(
            Parsed.Route("all", "/*"),
            Parsed.Route("name", "/{a}/x"),
            Parsed.Route("literal", "/v1/y"),
            Parsed.Route("named", "/{a}/{b}/z"),
            Parsed.Route("post", "POST /v1/q"),
            Parsed.Route("any", "/{a}/q"));
        AssertFinds(trie, "GET h /v1/y", "literal");
        AssertFinds(trie, "GET h /v1/x", "name");
        AssertFinds(trie, "GET h /v1/y/z", "named");
        AssertFinds(trie, "GET h /v1/y/w", "all");
        AssertFinds(trie, "POST h /v1/q", "post");
        AssertFinds(trie, "GET h /v1/q", "any");
        AssertFinds(trie, "GET h /v1/", "all");
    }

    [Fact]
    public void A_literal_early_beats_a_literal_late()
    {
        RouteTrie<string> trie = Parsed.Trie(Parsed.Route("early", "/a/*"), Parsed.Route("late", "/{x}/b/c"));
        AssertFinds(trie, "GET h /a/b/c", "early");
        AssertFinds(trie, "GET h /z/b/c", "late");
    }

    [Theory]
    [InlineData("api.example.com", "exact")]
    [InlineData("API.Example.COM:8443", "exact")]
    [InlineData("api.example.com.", "exact")]
    [InlineData("x.api.example.com", "long")]
    [InlineData("y.x.api.example.com", "long")]
    [InlineData("www.example.com", "short")]
    [InlineData("example.com", "none")]
    [InlineData(".example.com", "none")]
    [InlineData("notexample.com", "none")]
    [InlineData("", "none")]
    [InlineData("[::1]:80", "v6")]
    [InlineData("[2001:DB8::]", "v6 in full")]
    [InlineData("[::ffff:192.0.2.1]:80", "mapped")]
    [InlineData("[::FFFF:C000:201]", "mapped")]
    [InlineData("[::102:304]", "compatible")]
    [InlineData("10.0.0.1", "v4")]
    public void Hosts_go_from_exact_to_none(string host, string route)
    {
        RouteTrie<string> trie = Parsed.Trie(
            Parsed.Route("exact", "api.example.com/p"), Parsed.Route("long", "*.api.example.com/p"),
            Parsed.Route("short", "*.example.com/p"), Parsed.Route("none", "/p"),
            Parsed.Route("v6", "[::1]/p"), Parsed.Route("v6 in full", "[2001:db8:0:0:0:0:0:0]/p"),
            Parsed.Route("mapped", "[::ffff:192.0.2.1]/p"), Parsed.Route("compatible", "[::1.2.3.4]/p"),
            Parsed.Route("v4", "10.0.0.1/p"));
        AssertFinds(trie, $"GET {host} /p", route);
    }

    [Fact]
    public void Hosts_too_long_for_dns_match_routes_without_a_host()
    {
        RouteTrie<string> trie = Parsed.Trie(Parsed.Route("wild", "*.example.com/p"), Parsed.Route("none", "/p"));
        string longest = string.Concat(Enumerable.Repeat("a.", 120)) + "example.com";
        AssertFinds(trie, $"GET {longest} /p", "wild");
        AssertFinds(trie, $"GET {longest.PadLeft(254, 'a')} /p", "none");
        AssertFinds(trie, $"GET {new string('.', 8000)} /p", "none");
    }

    [Fact]
    public void A_host_goes_before_a_path_and_backtracks_over_hosts()
    {
        RouteTrie<string> trie = Parsed.Trie(
            Parsed.Route("host", "a.x/*"), Parsed.Route("wild", "*.x/v1/{id}"), Parsed.Route("none", "POST /v1/7"));
        AssertFinds(trie, "POST a.x /v1/7", "host");
        AssertFinds(trie, "POST b.x /v1/7", "wild");
        AssertFinds(trie, "POST b.y /v1/7", "none");
        trie = Parsed.Trie(Parsed.Route("host", "GET a.x/v1/*"), Parsed.Route("none", "POST /v1/7"));
        AssertFinds(trie, "POST a.x /v1/7", "none");
    }

    [Fact]
    public void Methods_named_go_before_none_and_get_implies_head()
    {
        RouteTrie<string> trie = Parsed.Trie(
            Parsed.Route("get", "GET /a"), Parsed.Route("any", "/a"), Parsed.Route("purge", "PURGE /a"));
        AssertFinds(trie, "GET h /a", "get");
        AssertFinds(trie, "HEAD h /a", "get");
        AssertFinds(trie, "POST h /a", "any");
        AssertFinds(trie, "PURGE h /a", "purge");
        AssertFinds(trie, "purge h /a", "any");
        AssertFinds(trie, "get h /a", "any");
    }

    [Fact]
    public void More_conditions_go_before_fewer_and_order_resolves_the_rest()
    {
        RouteTrie<string> trie = Parsed.Trie(
            Parsed.Route("plain", "/a"),
            With("one", [Parsed.When("header:b", "1")], 0),
            With("late", [Parsed.When("query:v", "true")], 1),
            With("two", [Parsed.When("header:b", "1"), Parsed.When("query:v", "2")], 9));
        Find("/a", null, "plain");
        Find("/a?v=2", null, "late");
        Find("/a?v=1", "1", "one");
        Find("/a?v=2", "1", "two");

        void Find(string target, string? header, string route)
        {
            SampleRequest request = new("GET", "h", target, header is null ? [] : [("B", header)]);
            trie.Match(request.ToRouteRequest(), out RouteMatch<string> match);
            Assert.Equal(route, match.Value);
        }

        static RouteDefinition<string> With(string name, WhenCondition[] when, int order) =>
            new(name, name) { Patterns = [Parsed.Pattern("/a")], When = when, Order = order };
    }

    [Fact]
    public void Listeners_part_routes()
    {
        RouteTrie<string> trie = Parsed.Trie(
            new("in", "in") { Patterns = [Parsed.Pattern("/a")], Listeners = [0, 63] },
            new("out", "out") { Patterns = [Parsed.Pattern("/a")], Listeners = [1] });
        Assert.Equal("in", At(0));
        Assert.Equal("out", At(1));
        Assert.Null(At(2));
        Assert.Equal("in", At(63));
        RouteTrieBuilder<string> builder = new();
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            builder.Add(new("x", "x") { Patterns = [], Listeners = [RoutingLimits.ListenersMax] }));

        string? At(int listener)
        {
            trie.Match(new SampleRequest("GET", "h", "/a", null, listener).ToRouteRequest(),
                out RouteMatch<string> match);
            return match.Value;
        }
    }

    [Fact]
    public void Case_counts_unless_the_route_says_otherwise()
    {
        RouteTrie<string> trie = Parsed.Trie(
            new("loose", "loose") { Patterns = [Parsed.Pattern("/Api/{id}/END")], IgnoreCase = true },
            Parsed.Route("strict", "/api/{id}"), Parsed.Route("tail", "/API/{id}/{more}/*"));
        AssertFinds(trie, "GET h /aPI/x/end", "loose");
        AssertFinds(trie, "GET h /api/x", "strict");
        AssertFinds(trie, "GET h /Api/x", null);
        AssertFinds(trie, "GET h /API/x/y", "tail");
        AssertFinds(trie, "GET h /api/x/y", null);
        SampleRequest request = new("GET", "h", "/api/MixedCase/end");
        trie.Match(request.ToRouteRequest(), out RouteMatch<string> match);
        Assert.Equal("MixedCase", request.TextOf(match.Captures[0]));
    }

    [Fact]
    public void Captures_have_the_slots_of_the_route_whichever_pattern_matched()
    {
        RouteDefinition<string> route = Parsed.Route("r", "/a/{x}/{y}/*", "/b/{y}/{x}", "/c/{z}");
        RouteTrie<string> trie = Parsed.Trie(route);
        Assert.Equal(["x", "y", "z"], route.Names.Slots);
        Assert.Equal("1 2 - 3/4", Captured("/a/1/2/3/4"));
        Assert.Equal("2 1 - -", Captured("/b/1/2"));
        Assert.Equal("- - 1 -", Captured("/c/1"));

        string Captured(string path)
        {
            SampleRequest request = new("GET", "h", path);
            Assert.Equal(MatchOutcome.Found, trie.Match(request.ToRouteRequest(), out RouteMatch<string> match));
            Slice[] all = [match.Captures[0], match.Captures[1], match.Captures[2], match.Captures.Rest];
            return string.Join(' ', all.Select(s => s.IsEmpty ? "-" : request.TextOf(s)));
        }
    }

    [Theory]
    [InlineData("PUT h /a", "GET, HEAD, POST")]
    [InlineData("DELETE h /b", "GET, HEAD, POST, PUT, LOCK, PURGE")]
    [InlineData("FIND h /b/c", "GET, HEAD, POST, PUT, PURGE")]
    [InlineData("PUT api.x /a", "GET, HEAD, POST, DELETE")]
    [InlineData("GET h /c", "POST")]
    public void Another_method_is_405_with_all_that_would_do(string line, string allow)
    {
        RouteTrie<string> trie = Parsed.Trie(
            Parsed.Route("get", "GET /a"), Parsed.Route("post", "POST /{x}"), Parsed.Route("delete", "DELETE api.x/a"),
            Parsed.Route("below", "PURGE,PUT,GET,POST /b/*"), Parsed.Route("place", "PURGE,LOCK,PUT,GET /b"));
        string[] words = line.Split(' ');
        SampleRequest request = new(words[0], words[1], words[2]);
        Assert.Equal(MatchOutcome.MethodNotAllowed, trie.Match(request.ToRouteRequest(), out RouteMatch<string> match));
        Assert.Null(match.Value);
        Assert.Equal(allow, match.Allow.ToString());
        Assert.True(match.Allow.Contains(Method.Post, "POST"u8));
        Assert.False(match.Allow.Contains(Method.Other, "FIND"u8));
        byte[] small = new byte[match.Allow.Length];
        Assert.True(match.Allow.TryWrite(small, out int written));
        Assert.Equal(small.Length, written);
        Assert.False(match.Allow.TryWrite(small.AsSpan(1), out _));
    }

    [Fact]
    public void Allow_names_only_methods_with_which_the_request_would_match()
    {
        RouteTrie<string> trie = Parsed.Trie(
            new("beta", "beta") { Patterns = [Parsed.Pattern("PUT /a")], When = [Parsed.When("header:beta", "1")] },
            new("listener", "listener") { Patterns = [Parsed.Pattern("DELETE /a")], Listeners = [1] },
            new("old", "old") { Patterns = [Parsed.Pattern("GET /a")], When = [Parsed.When("header:old", "true")] });
        Assert.Equal(MatchOutcome.NotFound, trie.Match(new SampleRequest("POST", "h", "/a").ToRouteRequest(), out _));
        Assert.Equal(MatchOutcome.NotFound, trie.Match(new SampleRequest("GET", "h", "/a").ToRouteRequest(), out _));
        Assert.Equal(MatchOutcome.MethodNotAllowed,
            trie.Match(new SampleRequest("GET", "h", "/a", [("beta", "1")]).ToRouteRequest(),
                out RouteMatch<string> match));
        Assert.Equal("PUT", match.Allow.ToString());
    }

    [Fact]
    public void An_empty_table_finds_nothing()
    {
        RouteTrie<string> trie = Parsed.Trie();
        Assert.Equal(MatchOutcome.NotFound, trie.Match(new SampleRequest("GET", "h", "/").ToRouteRequest(), out _));
    }

    [Fact]
    public void The_longest_paths_and_deepest_patterns_hold()
    {
        string deep = string.Concat(Enumerable.Repeat("/a", RoutingLimits.SegmentsMax - 1));
        RouteTrie<string> trie = Parsed.Trie(
            Parsed.Route("deep", deep + "/*"),
            Parsed.Route("names",
                string.Concat(Enumerable.Range(0, RoutingLimits.NamesMax).Select(static i => $"/{{n{i}}}")) + "/end"));
        AssertFinds(trie, "GET h " + string.Concat(Enumerable.Repeat("/a", 10_000)), "deep");
        AssertFinds(trie, "GET h " + string.Concat(Enumerable.Repeat("/b", 10_000)), null);
        AssertFinds(trie, "GET h /" + new string('a', 30_000), null);
        string path = string.Concat(Enumerable.Range(0, RoutingLimits.NamesMax).Select(static i => $"/v{i}")) + "/end";
        SampleRequest request = new("GET", "h", path);
        trie.Match(request.ToRouteRequest(), out RouteMatch<string> match);
        Assert.Equal("names", match.Value);
        Assert.Equal("v15", request.TextOf(match.Captures[15]));
    }

    [Fact]
    public void Ten_thousand_routes_are_each_found()
    {
        RouteDefinition<string>[] routes =
        [
            .. Enumerable.Range(0, 10_000).Select(static i => Parsed.Route($"r{i}",
                i % 4 == 0 ? $"h{i}.example.com/v1/*" : $"/v{i % 7}/service-{i}/{{id}}")),
        ];
        RouteTrie<string> trie = Parsed.Trie(routes);
        for (int i = 0; i < routes.Length; i++)
        {
            AssertFinds(trie, i % 4 == 0 ? $"GET h{i}.example.com /v1/x" : $"GET h /v{i % 7}/service-{i}/9", $"r{i}");
        }
    }

    [Fact]
    public void Thousands_of_routes_told_apart_by_one_header_build_and_match()
    {
        RoutePattern pattern = Parsed.Pattern("/*");
        RouteTrie<string> trie = Parsed.Trie([.. Enumerable.Range(0, 10_000).Select(i =>
            new RouteDefinition<string>($"t{i}", $"t{i}")
            {
                Patterns = [pattern],
                When = [Parsed.When("header:tenant", $"{i}")],
            })]);
        trie.Match(new SampleRequest("GET", "h", "/x", [("Tenant", "9999")]).ToRouteRequest(),
            out RouteMatch<string> match);
        Assert.Equal("t9999", match.Value);
    }

    [Fact]
    public void A_table_of_keys_agrees_with_a_dictionary()
    {
        Gen<byte[]> key = Gen.OneOfConst("@AZ[`az{09/\u00c1\u00e1".Select(static c => (byte)c).ToArray()).Array[0, 20];
        Gen.Select(Gen.Select(Gen.Int[1, 2], key).Array[0, 30], Gen.Select(Gen.Int[1, 2], key).Array[20],
            Gen.Bool).Sample((known, asked, folds) =>
        {
            Dictionary<(int, string), int> expected = [];
            List<(int, byte[], int)> entries = [];
            foreach ((int parent, byte[] bytes) in known)
            {
                if (expected.TryAdd((parent, Text(bytes)), entries.Count + 1))
                {
                    entries.Add((parent, Encoding.Latin1.GetBytes(Text(bytes)), entries.Count + 1));
                }
            }
            KeyTable table = new(entries, folds);
            foreach ((int parent, byte[] bytes) in known.Concat(asked))
            {
                // Bytes beyond ASCII never occur in what is folded, and are never equal there.
                if (!folds || Ascii.IsValid(bytes))
                {
                    Assert.Equal(expected.GetValueOrDefault((parent, Text(bytes))), table.Find(parent, bytes));
                }
            }

            string Text(byte[] bytes)
            {
                string text = Encoding.Latin1.GetString(bytes);
                return folds ? new string([.. text.Select(ToLower)]) : text;
            }
        }, iter: 2_000);

        static char ToLower(char c) => char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c;
    }

    [Fact]
    public void Matching_and_rendering_allocate_nothing()
    {
        RouteDefinition<string> route = new("r", "r")
        {
            Patterns = [Parsed.Pattern("GET,PURGE *.example.com/a/{id}/*"), Parsed.Pattern("/b/{x}/{id}/*")],
            When = [Parsed.When("header:beta", "1"), Parsed.When("query:v", "a b"), Parsed.When("cookie:c", "2")],
            IgnoreCase = true,
        };
        RouteTrie<string> trie = Parsed.Trie(route, Parsed.Route("other", "/a/{y}/x/y"));
        Template template = Template.Parse("/new/{id}/{rest}?{query}", TemplateUse.Redirect, route.Names, [])!;
        SampleRequest found = new("GET", "api.example.com:80", "/A/7/x/z?v=a+b",
            [("Beta", "1"), ("Cookie", "b=1; c=2")]);
        SampleRequest missed = new("POST", "api.example.com", "/A/7/x/z?v=a%20b", [("Beta", "1"), ("Cookie", "c=2")]);
        byte[] sent = Encoding.ASCII.GetBytes("/a//b/../c/%41/%c3%a9");
        byte[] buffer = new byte[200];
        long before = 0;
        for (int i = 0; i < 1_000; i++)
        {
            if (i == 500)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }
            PathNormalizer.Normalize(sent, buffer, PathPolicy.Normalize);
            if (trie.Match(found.ToRouteRequest(), out RouteMatch<string> match) != MatchOutcome.Found)
            {
                Assert.Fail("not found");
            }
            TemplateValues values = new(match.Captures, found.PathBytes) { Query = "v=a+b"u8 };
            if (template.LengthMax(values) > buffer.Length || !template.TryRender(values, buffer, out _))
            {
                Assert.Fail("not rendered");
            }
            if (trie.Match(missed.ToRouteRequest(), out match) != MatchOutcome.MethodNotAllowed
                || !match.Allow.TryWrite(buffer, out _))
            {
                Assert.Fail("not refused");
            }
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void AssertFinds(RouteTrie<string> trie, string line, string? route)
    {
        string[] words = line.Split(' ');
        MatchOutcome outcome = trie.Match(new SampleRequest(words[0], words[1], words[2]).ToRouteRequest(),
            out RouteMatch<string> match);
        Assert.Equal(route, match.Value);
        Assert.Equal(route is not null, outcome == MatchOutcome.Found);
    }
}
