using System.Text;
using CsCheck;
using FastGate.Gateway.Routing;

namespace FastGate.Tests.Routing;

public sealed class WhenConditionTests
{
    [Theory]
    [InlineData("header:X-Beta", "1", true)]
    [InlineData("header:x-beta", "1", true)]
    [InlineData("header:X-Beta", "01", false)]
    [InlineData("header:X-Bet", "1", false)]
    [InlineData("header:X-Many", "b", true)]
    [InlineData("header:X-Many", "a, b", false)]
    [InlineData("header:X-Case", "AbC", true)]
    [InlineData("header:X-Case", "abc", false)]
    [InlineData("header:X-Empty", "", true)]
    [InlineData("header:X-Beta", "true", true)]
    [InlineData("header:X-Beta", "false", false)]
    [InlineData("header:X-None", "true", false)]
    [InlineData("header:X-None", "false", true)]
    [InlineData("query:v", "2", true)]
    [InlineData("query:V", "2", false)]
    [InlineData("query:v", "3", true)]
    [InlineData("query:v", "4", false)]
    [InlineData("query:flag", "true", true)]
    [InlineData("query:flag", "", true)]
    [InlineData("query:flag", "false", false)]
    [InlineData("query:a b", "c d", true)]
    [InlineData("query:plus", "1+2", true)]
    [InlineData("query:utf", "\u00e9", true)]
    [InlineData("query:broken", "100%", true)]
    [InlineData("query:twice", "%41", true)]
    [InlineData("query:eq", "a=b", true)]
    [InlineData("query:none", "true", false)]
    [InlineData("query:", null, false)]
    [InlineData("cookie:sid", "x1", true)]
    [InlineData("cookie:SID", "x1", false)]
    [InlineData("cookie:sid", "x2", true)]
    [InlineData("cookie:sid", "x3", false)]
    [InlineData("cookie:eq", "a=b", true)]
    [InlineData("cookie:q", "\"v\"", true)]
    [InlineData("cookie:q", "v", false)]
    [InlineData("cookie:nameless", "true", false)]
    [InlineData("cookie:empty", "", true)]
    [InlineData("cookie:late", "1", true)]
    [InlineData("cookie:none", "false", true)]
    [InlineData("cookie:none", "true", false)]
    public void Looks_where_it_says(string key, string? value, bool holds)
    {
        if (value is null)
        {
            Assert.Null(WhenCondition.Parse(key, "1", []));
            return;
        }
        SampleRequest request = new("GET", "h",
            "/?v=2&&v=3&flag&a+b=c%20d&plus=1%2b2&utf=%C3%A9&broken=100%&twice=%2541&eq=a=b&=x",
            [
                ("X-Beta", "1"), ("X-Many", "a"), ("Cookie", "sid=x1; eq=a=b;q=\"v\"; nameless;empty=;"),
                ("x-many", "b"),
                ("X-Case", "AbC"), ("X-Empty", ""), ("cookie", "  sid = x2 ;late=1"),
            ]);
        Assert.Equal(holds, Parsed.When(key, value).Holds(request.ToRouteRequest()));
    }

    [Fact]
    public void One_of_a_list_is_enough()
    {
        WhenCondition condition = Parsed.When("query:v", "2", "3");
        Assert.True(Holds("/?v=3"));
        Assert.True(Holds("/?v=1&v=2"));
        Assert.False(Holds("/?v=1"));
        Assert.False(Holds("/"));

        bool Holds(string target)
        {
            SampleRequest request = new("GET", "h", target);
            return condition.Holds(request.ToRouteRequest());
        }
    }

    [Theory]
    [InlineData("Header:x", 0, Keys)]
    [InlineData("ip:x", 0, Keys)]
    [InlineData("host:x", 0, Keys)]
    [InlineData("consumer", 0, Keys)]
    [InlineData("all", 0, "leave it out")]
    [InlineData("route", 0, "leave it out")]
    [InlineData("path", 0, "write path:NAME")]
    [InlineData("ip/24", 0, Bits)]
    [InlineData("ip/33/64", 0, Bits)]
    [InlineData("ip/24/129", 0, Bits)]
    [InlineData("ip/24/56/8", 0, Bits)]
    [InlineData("header", 0, "write header:NAME")]
    [InlineData("cookie:", 0, "write cookie:NAME")]
    [InlineData("header:a b", 7, null)]
    [InlineData("cookie:a;b", 7, null)]
    public void Unknown_keys_are_problems(string key, int offset, string? hint)
    {
        List<RoutingProblem> problems = [];
        Assert.Null(WhenCondition.Parse(key, "1", problems));
        Assert.Null(WhenCondition.Parse(key, true, problems));
        Assert.Equal(2, problems.Count);
        Assert.All(problems, p => Assert.Equal((offset, hint, -1), (p.Offset, p.Hint, p.Item)));
    }

    private const string Keys = "header:NAME, query:NAME, cookie:NAME, path:NAME, ip, ip/24/56, host or method";
    private const string Bits =
        "write ip/24/56: bits of an IPv4 address (0 to 32), and of an IPv6 address (0 to 128)";

    [Theory]
    [InlineData("ip")]
    [InlineData("host")]
    [InlineData("method")]
    [InlineData("path:id")]
    public void What_every_request_has_is_asked_for_its_values(string key)
    {
        List<RoutingProblem> problems = [];
        Assert.Null(WhenCondition.Parse(key, false, problems));
        Assert.Equal("ask for its values", Assert.Single(problems).Hint);
    }

    [Theory]
    [InlineData("ip", "10.0.0.7", "10.0.0.7", true)]
    [InlineData("ip", "10.0.0.7", "10.0.0.8", false)]
    [InlineData("ip", "10.0.0.7", "::ffff:10.0.0.7", true)]
    [InlineData("ip", "2001:db8:1:2::", "2001:db8:1:2:3:4:5:6", true)]
    [InlineData("ip", "2001:db8:1:2::", "2001:db8:1:3::", false)]
    [InlineData("ip/24/56", "10.0.0.0", "10.0.0.7", true)]
    [InlineData("ip/24/56", "10.0.0.9", "10.0.0.7", true)]
    [InlineData("ip/24/56", "10.0.0.0", "10.0.1.7", false)]
    [InlineData("ip/24/56", "2001:db8:0:100::", "2001:db8:0:1ff::1", true)]
    [InlineData("ip/24/56", "2001:db8:0:100::", "2001:db8:0:200::1", false)]
    [InlineData("ip/0/0", "1.1.1.1", "10.0.0.7", true)]
    [InlineData("ip/0/0", "1.1.1.1", "::1", false)]
    [InlineData("ip", "10.0.0.7", "", false)]
    public void The_client_s_network(string key, string value, string ip, bool holds) =>
        Assert.Equal(holds, Parsed.When(key, value).Holds(new SampleRequest("GET", "h", "/", ip: ip).ToRouteRequest()));

    [Theory]
    [InlineData("host", "example.com", true)]
    [InlineData("host", "EXAMPLE.com", true)]
    [InlineData("host", "example.org", false)]
    [InlineData("method", "POST", false)]
    [InlineData("method", "HEAD", true)]
    [InlineData("method", "GET", true)]
    [InlineData("method", "get", false)]
    public void Host_and_method(string key, string value, bool holds) => Assert.Equal(holds,
        Parsed.When(key, value).Holds(new SampleRequest("HEAD", "Example.com.:80", "/").ToRouteRequest()));

    [Theory]
    [InlineData("/u/{id}/*", "path:id", "7", "/u/7/a", true)]
    [InlineData("/u/{id}/*", "path:id", "7", "/u/7", true)]
    [InlineData("/u/{id}/*", "path:id", "7", "/u/77", false)]
    [InlineData("/u/{id}/*", "path:id", "a b", "/u/a%20b", true)]
    [InlineData("/u/{id}/*", "path:id", "a b", "/u/a+b", false)]
    [InlineData("/u/{id}/*", "path:rest", "a/b", "/u/7/a/b", true)]
    [InlineData("/u/{id}/*", "path:rest", "", "/u/7/", true)]
    [InlineData("/u/{id}/*", "path:rest", "", "/u/7", true)]
    [InlineData("/u/{id}/*", "path:rest", "a", "/u/7/a/b", false)]
    [InlineData("/{a}/{b}", "path:b", "2", "/1/2", true)]
    [InlineData("/{a}/{b}", "path:b", "1", "/1/2", false)]
    [InlineData("/{a}/{b}", "path:c", "1", "/1/2", false)]
    public void What_the_pattern_s_name_matched(string pattern, string key, string value, string path, bool holds) =>
        Assert.Equal(holds, Parsed.When(key, value).For(Parsed.Pattern(pattern))
            .Holds(new SampleRequest("GET", "h", path).ToRouteRequest()));

    /// <summary>It is the place that counts, not how a pattern calls it.</summary>
    [Fact]
    public void Two_routes_are_told_apart_by_a_segment()
    {
        RouteDefinition<string> Route(string name, string pattern, string key, string value) =>
            new(name, name) { Patterns = [Parsed.Pattern(pattern)], When = [Parsed.When(key, value)] };
        RouteTrie<string> trie = Parsed.Trie(
            Route("one", "/u/{id}", "path:id", "1"), Route("two", "/u/{user}", "path:user", "2"));
        Assert.Equal(MatchOutcome.Found, trie.Match(
            new SampleRequest("GET", "h", "/u/2").ToRouteRequest(), out RouteMatch<string> match));
        Assert.Equal("two", match.Value);
        Assert.Equal(MatchOutcome.NotFound, trie.Match(
            new SampleRequest("GET", "h", "/u/3").ToRouteRequest(), out _));
        Parsed.Trie(out List<RouteFinding<string>> findings,
            Route("one", "/{a}/{b}", "path:a", "1"), Route("two", "/{b}/{a}", "path:a", "2"));
        Assert.Equal(RouteFindingKind.Ambiguous, Assert.Single(findings).Kind);
    }

    [Theory]
    [InlineData("ip", "10.0.0")]
    [InlineData("ip", "10.0.0.0/8")]
    [InlineData("ip", "10.0.0.1:80")]
    [InlineData("ip", "[::1]")]
    [InlineData("host", "*.example.com")]
    [InlineData("host", "example.com:80")]
    [InlineData("host", "")]
    [InlineData("method", "A B")]
    [InlineData("path:id", "a/b")]
    [InlineData("path:id", "")]
    [InlineData("header:x", " a")]
    [InlineData("header:x", "a\t")]
    [InlineData("header:x", "a\r\nb")]
    [InlineData("cookie:x", "a;b")]
    [InlineData("cookie:x", "\u0001")]
    public void Values_that_never_occur_are_problems(string key, string value)
    {
        List<RoutingProblem> problems = [];
        string fine = key switch { "ip" => "1.2.3.4", _ => "fine" };
        Assert.Null(WhenCondition.Parse(key, [fine, value], problems));
        Assert.Equal(1, Assert.Single(problems).Item);
    }

    [Fact]
    public void Limits_hold()
    {
        List<RoutingProblem> problems = [];
        Assert.Null(WhenCondition.Parse("header:x", [], problems));
        Assert.Single(problems);
        string[] most = [.. Enumerable.Range(0, RoutingLimits.WhenValuesMax).Select(static i => $"v{i}")];
        Assert.NotNull(WhenCondition.Parse("header:x", most, problems));
        Assert.Null(WhenCondition.Parse("header:x", [.. most, "more"], problems));
        Assert.NotNull(WhenCondition.Parse("header:x", new string('a', RoutingLimits.WhenTextCharsMax), problems));
        Assert.Null(WhenCondition.Parse("header:x", new string('a', RoutingLimits.WhenTextCharsMax + 1), problems));
        Assert.NotNull(WhenCondition.Parse("query:" + new string('a', RoutingLimits.WhenTextCharsMax), "", problems));
        Assert.Null(WhenCondition.Parse("query:" + new string('a', RoutingLimits.WhenTextCharsMax + 1), "", problems));
        Assert.Equal(4, problems.Count);
    }

    [Fact]
    public void Decoding_agrees_with_the_obvious_way()
    {
        Gen<string> encoded = Gen.OneOfConst("a", "+", "%20", "%2B", "%2b", "%", "%4", "%41", "%25", "A", "=")
            .Array[0, 5].Select(string.Concat);
        Gen<string> plain = Gen.OneOfConst("a", "+", " ", "%", "4", "1", "A", "=", "%41")
            .Array[0, 5].Select(string.Concat);
        Gen.Select(encoded, plain).Sample((text, guess) =>
        {
            string decoded = Decode(text);
            Assert.True(RequestFields.DecodedEquals(Encoding.Latin1.GetBytes(text), Encoding.Latin1.GetBytes(decoded), true));
            Assert.Equal(decoded == guess,
                RequestFields.DecodedEquals(Encoding.Latin1.GetBytes(text), Encoding.Latin1.GetBytes(guess), true));
        }, iter: 20_000);

        static string Decode(string text)
        {
            StringBuilder decoded = new();
            for (int i = 0; i < text.Length; i++)
            {
                bool escape = text[i] == '%' && i + 2 < text.Length
                    && char.IsAsciiHexDigit(text[i + 1]) && char.IsAsciiHexDigit(text[i + 2]);
                decoded.Append(escape ? (char)Convert.ToInt32(text.Substring(i + 1, 2), 16) : text[i] == '+' ? ' '
                    : text[i]);
                i += escape ? 2 : 0;
            }
            return decoded.ToString();
        }
    }

    [Theory]
    [InlineData("header:a=1", "header:A=1|2", false, true)]
    [InlineData("header:a=1", "header:a=2", true, false)]
    [InlineData("header:a=1", "header:a=true", false, true)]
    [InlineData("header:a=true", "header:a=1", false, false)]
    [InlineData("header:a=false", "header:a=1", true, false)]
    [InlineData("header:a=false", "header:a=true", true, false)]
    [InlineData("header:a=false", "header:a=false", false, true)]
    [InlineData("header:a=1", "query:a=2", false, false)]
    [InlineData("query:a=1", "query:A=2", false, false)]
    [InlineData("cookie:a=1", "cookie:b=false", false, false)]
    [InlineData("ip=10.0.0.1", "ip=::ffff:10.0.0.1", false, true)]
    [InlineData("ip=10.0.0.1", "ip=10.0.0.2", true, false)]
    [InlineData("ip/24/56=10.0.0.1", "ip/24/56=10.0.0.2", false, true)]
    [InlineData("method=GET", "method=HEAD", false, false)]
    [InlineData("host=A.x", "host=a.X", false, true)]
    public void Knows_what_excludes_and_what_implies(string first, string second, bool excludes,
        bool firstImpliesSecond)
    {
        WhenCondition a = Of(first);
        WhenCondition b = Of(second);
        Assert.Equal(excludes, a.Excludes(b));
        Assert.Equal(excludes, b.Excludes(a));
        Assert.Equal(firstImpliesSecond, b.IsImpliedBy(a));

        static WhenCondition Of(string text) => Parsed.When(text.Split('=')[0], text.Split('=')[1].Split('|'));
    }
}
