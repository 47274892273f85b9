using FastGate.Gateway.Routing;

namespace FastGate.Tests.Routing;

public sealed class RequestHashTests
{
    private static readonly RouteDefinition<string> s_route =
        Parsed.Route("r", "/users/{id}/*", "/teams/{team}/{id}", "/plain");

    [Theory]
    [InlineData("header:x-user", "ann", "ann")]
    [InlineData("cookie:sid", "abc", "abc")]
    [InlineData("query:q", "a+b%21", "a%20b!")]
    [InlineData("query:q", "", "")]
    [InlineData("host", "API.Example.com:8080", "api.example.com")]
    [InlineData("host", "[::1]:80", "[::1]")]
    [InlineData("host", "[::ffff:192.0.2.1]", "[::ffff:c000:201]:80")]
    [InlineData("ip", "10.0.0.1", "10.0.0.1")]
    [InlineData("ip", "2001:db8::1", "2001:db8::ffff:2")]
    [InlineData("ip/24/56", "10.0.0.1", "10.0.0.200")]
    [InlineData("ip/24/56", "2001:db8:0:1::1", "2001:db8:0:2::1")]
    [InlineData("method", "GET", "HEAD")]
    [InlineData("path:id", "a%21c", "a!c")]
    [InlineData("path:rest", "a/b", "a/b")]
    public void What_means_the_same_has_one_number(string key, string one, string other)
    {
        ulong number = Of([key], With(key, one));
        Assert.NotEqual(0UL, number);
        Assert.Equal(number, Of([key], With(key, other)));
    }

    [Theory]
    [InlineData("header:x-user", "ann", "Ann")]
    [InlineData("cookie:sid", "abc", "abd")]
    [InlineData("query:q", "1", "2")]
    [InlineData("host", "a.example.com", "b.example.com")]
    [InlineData("ip", "10.0.0.1", "10.0.0.2")]
    [InlineData("ip", "2001:db8:0:1::1", "2001:db8:0:2::1")]
    [InlineData("ip/24/56", "10.0.0.1", "10.0.1.1")]
    [InlineData("method", "GET", "POST")]
    [InlineData("path:id", "1", "2")]
    [InlineData("path:rest", "a/b", "a/c")]
    public void What_differs_has_two(string key, string one, string other) =>
        Assert.NotEqual(Of([key], With(key, one)), Of([key], With(key, other)));

    [Theory]
    [InlineData("header:x-other")]
    [InlineData("cookie:other")]
    [InlineData("query:other")]
    [InlineData("path:team")]
    [InlineData("ip")]
    [InlineData("host")]
    public void A_request_without_the_key_has_none(string key) =>
        Assert.Equal(0UL, Of([key], new SampleRequest("GET", "", "/users/7/x?q=1",
            [("X-User", "ann"), ("Cookie", "sid=abc")])));

    [Fact]
    public void Of_several_values_the_first_counts()
    {
        var twice = new SampleRequest("GET", "h", "/users/7/x?q=1&q=2",
            [("X-User", "ann"), ("X-User", "bob"), ("Cookie", "a=1; sid=abc"), ("Cookie", "sid=abd")]);
        var once = new SampleRequest("GET", "h", "/users/7/x?q=1", [("X-User", "ann"), ("Cookie", "sid=abc")]);
        foreach (string key in (string[])["header:X-User", "cookie:sid", "query:q"])
        {
            Assert.Equal(Of([key], once), Of([key], twice));
        }
    }

    [Fact]
    public void A_composite_needs_one_of_its_keys_and_keeps_them_apart()
    {
        string[] keys = ["header:x-a", "header:x-b"];
        ulong[] numbers =
        [
            Of(keys, Headers(("x-a", "12"))),
            Of(keys, Headers(("x-b", "12"))),
            Of(keys, Headers(("x-a", "1"), ("x-b", "2"))),
            Of(keys, Headers(("x-a", ""), ("x-b", "12"))),
            Of(keys, Headers(("x-a", "12"), ("x-b", ""))),
            Of(["header:x-b", "header:x-a"], Headers(("x-a", "1"), ("x-b", "2"))),
        ];
        Assert.Equal(numbers.Length, numbers.Distinct().Count());
        Assert.DoesNotContain(0UL, numbers);
        Assert.Equal(0UL, Of(keys, Headers(("x-c", "1"))));
    }

    [Fact]
    public void Route_and_all_are_the_same_for_every_request_of_a_route()
    {
        SampleRequest[] requests = [new("GET", "a", "/users/1/x"), new("POST", "b", "/plain")];
        Assert.Equal(Of(["route"], requests[0]), Of(["route"], requests[1]));
        Assert.Equal(Of(["all"], requests[0]), Of(["all"], requests[1]));
        Assert.NotEqual(Of(["route"], requests[0]), Of(["route"], requests[0], route: "other"));
        Assert.Equal(Of(["all"], requests[0]), Of(["all"], requests[0], route: "other"));
    }

    [Fact]
    public void A_name_is_found_whichever_pattern_matched() =>
        Assert.Equal(Of(["path:id"], new SampleRequest("GET", "", "/users/7/x")),
            Of(["path:id"], new SampleRequest("GET", "", "/teams/red/7")));

    [Fact]
    public void A_long_value_is_the_same_with_escapes_and_without()
    {
        string plain = new('x', 1_000);
        string escaped = string.Concat(Enumerable.Range(0, 1_000).Select(static i => i % 3 == 0 ? "%78" : "x"));
        Assert.Equal(Of(["query:q"], With("query:q", plain)), Of(["query:q"], With("query:q", escaped)));
        Assert.NotEqual(Of(["query:q"], With("query:q", plain)), Of(["query:q"], With("query:q", plain + "x")));
    }

    /// <summary>Processes that share servers agree on where a key goes, and a new version agrees with the old
    /// one.</summary>
    [Fact]
    public void The_number_of_a_key_never_changes() =>
        Assert.Equal(15727039637161048546UL, Of(["cookie:sid", "ip"],
            new SampleRequest("GET", "", "/plain", [("Cookie", "sid=0123456789abc")], ip: "10.0.0.1")));

    private static SampleRequest Headers(params (string, string)[] headers) => new("GET", "h", "/plain", headers);

    private static SampleRequest With(string key, string value) => key.Split(':')[0] switch
    {
        "header" => new("GET", "h", "/users/7/x", [("X-User", value)]),
        "cookie" => new("GET", "h", "/users/7/x", [("Cookie", "sid=" + value)]),
        "query" => new("GET", "h", "/users/7/x?q=" + value),
        "host" => new("GET", value, "/users/7/x"),
        "method" => new(value, "h", "/users/7/x"),
        "path" when key == "path:rest" => new("GET", "h", "/users/7/" + value),
        "path" => new("GET", "h", $"/users/{value}/x"),
        _ => new("GET", "h", "/users/7/x", ip: value),
    };

    private static ulong Of(string[] keys, SampleRequest request, string route = "r")
    {
        List<RoutingProblem> problems = [];
        List<RequestKey> parsed = [];
        foreach (string text in keys)
        {
            Assert.True(RequestKey.TryParse(text, KeyUse.Hash, problems, out RequestKey key), string.Join("; ", problems));
            Assert.Equal(text, key.ToString());
            parsed.Add(key);
        }
        RouteTrie<string> trie = Parsed.Trie(s_route);
        Assert.Equal(MatchOutcome.Found, trie.Match(request.ToRouteRequest(), out RouteMatch<string> match));
        return new RequestHash(parsed, s_route.Names, route).Of(request.ToRouteRequest(), match.Captures);
    }
}
