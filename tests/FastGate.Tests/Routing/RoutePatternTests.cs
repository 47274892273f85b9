using System.Text;
using FastGate.Gateway.Routing;

namespace FastGate.Tests.Routing;

public sealed class RoutePatternTests
{
    [Theory]
    [InlineData("/", "", "", "'',")]
    [InlineData("/*", "", "", "*")]
    [InlineData("/a", "", "", "'a',")]
    [InlineData("/a/", "", "", "'a','',")]
    [InlineData("/users/{id}/*", "", "", "'users',{id}*")]
    [InlineData("GET,POST api.example.com/v1/orders/*", "GET,POST", "api.example.com", "'v1','orders',*")]
    [InlineData("*.Example.com/", "", ".example.com", "'',")]
    [InlineData("GET  /two/spaces", "GET", "", "'two','spaces',")]
    [InlineData("PURGE,M-SEARCH 10.0.0.1/{a}/{b_2}", "PURGE,M-SEARCH", "10.0.0.1", "{a}{b_2}")]
    [InlineData("[2001:DB8:0:0::1]/x", "", "[2001:db8::1]", "'x',")]
    [InlineData("localhost/a%2Fb", "", "localhost", "'a%2Fb',")]
    [InlineData("xn--bcher-kva.example/", "", "xn--bcher-kva.example", "'',")]
    public void Says_what_it_reads(string text, string methods, string host, string segments)
    {
        RoutePattern pattern = Parsed.Pattern(text);
        Assert.Equal(methods, string.Join(',', pattern.Methods));
        Assert.Equal(host, pattern.Host is null ? "" : Encoding.ASCII.GetString(pattern.Host.Key));
        StringBuilder read = new();
        foreach (PatternSegment segment in pattern.Segments)
        {
            read.Append(segment.Kind switch
            {
                SegmentKind.Literal => $"'{Encoding.ASCII.GetString(segment.Literal)}',",
                SegmentKind.Name => $"{{{segment.Name}}}",
                _ => "*",
            });
        }
        Assert.Equal(segments, read.ToString());
        Assert.Equal(text[text.IndexOf('/', StringComparison.Ordinal)..], pattern.PathText);
        Assert.Equal(text.EndsWith("/*", StringComparison.Ordinal), pattern.HasRest);
    }

    [Theory]
    [InlineData("", 0, "the pattern is empty")]
    [InlineData(" /a", 0, "a pattern neither begins nor ends with a space")]
    [InlineData("/a ", 2, "a pattern neither begins nor ends with a space")]
    [InlineData("GET", 0, "'GET' has no path: a path begins with '/'")]
    [InlineData("GET example.com", 4, "'example.com' has no path: a path begins with '/'")]
    [InlineData("get /a", 0, "'get' is not a method: methods are case-sensitive")]
    [InlineData("GET,Post /a", 4, "'Post' is not a method: methods are case-sensitive")]
    [InlineData("GET,,PUT /a", 4, "a method is missing beside the comma")]
    [InlineData("GET, PUT /a", 4, "a method is missing beside the comma")]
    [InlineData("GET,GET /a", 4, "GET is named twice")]
    [InlineData("G(T /a", 0, "'G(T' is not a method")]
    [InlineData("/a /b", 0, "'/a' is not a method")]
    [InlineData("example.com /a", 0, "'example.com' looks like a host, but a method was expected before the space")]
    [InlineData("GET /a b", 6, "a space stands only between methods and target")]
    [InlineData("https://example.com/a", 0, "a pattern has no scheme")]
    [InlineData("example.com:80/a", 0, "'example.com:80': a pattern's host has no port")]
    [InlineData("[::1]:80/a", 0, "'[::1]:80': a pattern's host has no port")]
    [InlineData("[::1/a", 0, "'[::1' is not an IPv6 address in brackets")]
    [InlineData("[10.0.0.1]/a", 0, "'[10.0.0.1]' is not an IPv6 address in brackets")]
    [InlineData("*/a", 0, "'*' is not a host")]
    [InlineData("a.*.com/", 0, "'a.*.com': '*' stands only for everything before the first dot")]
    [InlineData("*a.com/", 0, "'*a.com': '*' stands only for everything before the first dot")]
    [InlineData("GET example.com./", 4, "'example.com.' ends in a dot")]
    [InlineData("a..b/", 0, "'a..b' is not a host name")]
    [InlineData("-a.b/", 0, "'-a.b' is not a host name")]
    [InlineData("a!b/", 0, "'a!b' is not a host name")]
    [InlineData("b\u00fccher.example/", 0, "'b\u00fccher.example' has letters beyond ASCII")]
    [InlineData("10.0.0.256/", 0, "'10.0.0.256' is not an IPv4 address")]
    [InlineData("10.0.0.01/", 0, "'10.0.0.01' is not an IPv4 address")]
    [InlineData("*.10.0.0.1/", 0, "'*.10.0.0.1': an address has no subdomains")]
    [InlineData("/a/*/b", 3, "'*' stands only as the whole last segment")]
    [InlineData("/a*", 2, "'*' stands only as the whole last segment")]
    [InlineData("/a/*/", 3, "'*' stands only as the whole last segment")]
    [InlineData("/{a}/{a}", 5, "{a} stands twice in this pattern")]
    [InlineData("/x{a}", 1, "'x{a}': a {name} is a whole segment")]
    [InlineData("/{a}x", 1, "'{a}x': a {name} is a whole segment")]
    [InlineData("/{a}{b}", 1, "'{a}{b}': a {name} is a whole segment")]
    [InlineData("/{a", 1, "'{' without '}'")]
    [InlineData("/a}", 2, "'}' without '{'")]
    [InlineData("/}a{", 1, "'}' without '{'")]
    [InlineData("/{}", 2, "'' is not a name")]
    [InlineData("/{1a}", 2, "'1a' is not a name")]
    [InlineData("/{a-b}", 2, "'a-b' is not a name")]
    [InlineData("/{rest}", 1, "{rest} is what a final /* matched")]
    [InlineData("/{host}", 1, "{host} is a variable of its own")]
    [InlineData("/a//b", 2, "'//' never occurs in a normal path")]
    [InlineData("/a/../b", 3, "'..' never occurs in a path: '..' climbs above the root")]
    [InlineData("/a/./b", 3, "'.' never occurs in a normal path")]
    [InlineData("/%41", 1, "'%41' never occurs in a normal path")]
    [InlineData("/%c3", 1, "'%c3' never occurs in a normal path")]
    [InlineData("/%4", 1, "'%4' never occurs in a path: '%' is followed by two hexadecimal digits")]
    [InlineData("/a\\b", 1, "'a\\b' never occurs in a path: a backslash is refused")]
    [InlineData("/\u00e9", 1, "'\u00e9' never occurs in a normal path")]
    [InlineData("/a?b=1", 2, "a pattern ends with the path: a query or fragment is no part of it")]
    [InlineData("/a#b", 2, "a pattern ends with the path: a query or fragment is no part of it")]
    public void Problems_have_a_place_and_a_sentence(string text, int offset, string message)
    {
        List<RoutingProblem> problems = [];
        Assert.Null(RoutePattern.Parse(text, problems));
        Assert.Contains(problems, p => p.Offset == offset && p.Message == message);
        Assert.All(problems, p => Assert.InRange(p.Offset + p.Length, 0, text.Length));
    }

    [Fact]
    public void All_problems_are_reported_together()
    {
        List<RoutingProblem> problems = [];
        Assert.Null(RoutePattern.Parse("get a..b/x*/{1}/./%4", problems));
        Assert.Equal(6, problems.Count);
    }

    [Fact]
    public void Hints_say_what_to_write()
    {
        Assert.Equal("did you mean GET?", HintOf("get /a"));
        Assert.Equal("write /* or another name", HintOf("/{rest}"));
        Assert.Equal("write %C3%A9", HintOf("/\u00e9"));
        Assert.Equal("write A", HintOf("/%41"));
        Assert.Equal("write example.com/* for everything below it", HintOf("example.com"));
        Assert.Equal("write example.com/a", HintOf("http://example.com/a"));
        Assert.Equal("leave the host out to match every host", HintOf("*/a"));

        static string? HintOf(string text)
        {
            List<RoutingProblem> problems = [];
            Assert.Null(RoutePattern.Parse(text, problems));
            return Assert.Single(problems).Hint;
        }
    }

    [Fact]
    public void Limits_hold()
    {
        string deep = string.Concat(Enumerable.Repeat("/a", RoutingLimits.SegmentsMax));
        Parsed.Pattern(deep);
        AssertBroken(deep + "/a");
        string names = string.Concat(Enumerable.Range(0, RoutingLimits.NamesMax).Select(i => $"/{{n{i}}}"));
        Parsed.Pattern(names);
        AssertBroken(names + "/{m}");
        string name = new('n', RoutingLimits.NameCharsMax);
        Parsed.Pattern($"/{{{name}}}");
        AssertBroken($"/{{{name}n}}");
        string longest = "/" + new string('a', RoutingLimits.PatternCharsMax - 1);
        Parsed.Pattern(longest);
        AssertBroken(longest + "a");
        string label = new('h', 62);
        string host = $"{label}.{label}.{label}.{label}.h";
        Assert.Equal(RoutingLimits.HostBytesMax, host.Length);
        Parsed.Pattern(host + "/");
        AssertBroken(host + "h/");
        AssertBroken(new string('h', 64) + ".h/");

        static void AssertBroken(string text)
        {
            List<RoutingProblem> problems = [];
            Assert.Null(RoutePattern.Parse(text, problems));
            Assert.Single(problems);
        }
    }

    [Theory]
    [InlineData("example.com", "example.com")]
    [InlineData("Example.com:8080", "Example.com")]
    [InlineData("example.com.:80", "example.com")]
    [InlineData("example.com.", "example.com")]
    [InlineData("example.com..", "example.com.")]
    [InlineData("[::1]:80", "[::1]")]
    [InlineData("[::1]", "[::1]")]
    [InlineData("[::1", "[::1")]
    [InlineData("[::ffff:192.0.2.1]:80", "[::ffff:c000:201]")]
    [InlineData("[::FFFF:0.0.0.255]", "[::ffff:0:ff]")]
    [InlineData("[::ffff:255.255.255.255]", "[::ffff:ffff:ffff]")]
    [InlineData("[::ffff:192.0.2]", "[::ffff:192.0.2]")]
    [InlineData("[.]", "[.]")]
    [InlineData("[1::192.0.2.1]", "[1::192.0.2.1]")]
    [InlineData("[::ffff:192.0.2.1", "[::ffff:192.0.2.1")]
    [InlineData("", "")]
    [InlineData(":", "")]
    [InlineData(".", ".")]
    public void The_name_of_an_authority_has_no_port_and_no_last_dot(string authority, string name) =>
        Assert.Equal(name, Encoding.ASCII.GetString(
            HostPattern.NameOf(Encoding.ASCII.GetBytes(authority), new byte[HostPattern.WrittenBytesMax])));
}
