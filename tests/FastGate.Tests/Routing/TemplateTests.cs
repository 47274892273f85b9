using System.Text;
using FastGate.Gateway.Routing;
using FastGate.Http;

namespace FastGate.Tests.Routing;

public sealed class TemplateTests
{
    private static readonly RouteDefinition<string> s_route = Parsed.Route("r", "/users/{id}/{tab}/*", "/u/{id}/*");

    [Theory]
    [InlineData(nameof(TemplateUse.Rewrite), "/api/{id}/{rest}", "/api/7/a/b")]
    [InlineData(nameof(TemplateUse.Rewrite), "/x{path}", "/x/u/7/a/b")]
    [InlineData(nameof(TemplateUse.Rewrite), "/x/{path}", "/x/u/7/a/b")]
    [InlineData(nameof(TemplateUse.Rewrite), "{path}/more", "/u/7/a/b/more")]
    [InlineData(nameof(TemplateUse.Rewrite), "/files/{id}.json", "/files/7.json")]
    [InlineData(nameof(TemplateUse.Rewrite), "/fixed", "/fixed")]
    [InlineData(nameof(TemplateUse.Redirect), "/new/{rest}?{query}", "/new/a/b?x=/1")]
    [InlineData(nameof(TemplateUse.Redirect), "/?to=/{path}&q=/{query}", "/?to=//u/7/a/b&q=/x=/1")]
    [InlineData(nameof(TemplateUse.Redirect), "https://{host}{path}", "https://example.com/u/7/a/b")]
    [InlineData(nameof(TemplateUse.Redirect), "https://{host}/{path}", "https://example.com/u/7/a/b")]
    [InlineData(nameof(TemplateUse.Redirect), "{scheme}://www.{host}:8443/{id}", "http://www.example.com:8443/7")]
    [InlineData(nameof(TemplateUse.Redirect), "https://{id}.example.com/", "https://7.example.com/")]
    [InlineData(nameof(TemplateUse.Redirect), "/{path}", "/u/7/a/b")]
    [InlineData(nameof(TemplateUse.HeaderValue), "{client_ip} {{{id}}} {request_id} }}{{", "10.0.0.1 {7} r-1 }{")]
    [InlineData(nameof(TemplateUse.HeaderValue), "/{path}", "//u/7/a/b")]
    [InlineData(nameof(TemplateUse.HeaderValue), "", "")]
    [InlineData(nameof(TemplateUse.HeaderValue), "\u00e9", "\u00c3\u00a9")]
    public void Renders_text_and_variables(string use, string text, string expected) =>
        Assert.Equal(expected, Render(Parse(text, Enum.Parse<TemplateUse>(use)), "/u/7/a/b"));

    [Theory]
    [InlineData("/api/{rest}", "/u/7", "/api/")]
    [InlineData("/api/{rest}/end", "/u/7", "/api/end")]
    [InlineData("/api/{rest}/end", "/u/7/a/", "/api/a/end")]
    [InlineData("/api{path}/end", "/u/7/", "/api/u/7/end")]
    public void An_empty_rest_makes_no_double_slash(string text, string path, string expected) =>
        Assert.Equal(expected, Render(Parse(text, TemplateUse.Rewrite), path));

    [Theory]
    [InlineData(nameof(TemplateUse.HeaderValue), "a{nope}", 1, "unknown variable {nope}")]
    [InlineData(nameof(TemplateUse.HeaderValue), "{tab}", 0, "{tab} has no value when '/u/{id}/*' matches")]
    [InlineData(nameof(TemplateUse.HeaderValue), "{", 0, "'{' without '}'")]
    [InlineData(nameof(TemplateUse.HeaderValue), "a}", 1, "'}' without '{'")]
    [InlineData(nameof(TemplateUse.HeaderValue), "{}", 0, "unknown variable {}")]
    [InlineData(nameof(TemplateUse.HeaderValue), "a\r\nX: y", 1, "a control character is not allowed here")]
    [InlineData(nameof(TemplateUse.Rewrite), "", 0, "the text is empty")]
    [InlineData(nameof(TemplateUse.Rewrite), "x", 0, "a rewrite begins with '/'")]
    [InlineData(nameof(TemplateUse.Rewrite), "{rest}", 0, "a rewrite begins with '/'")]
    [InlineData(nameof(TemplateUse.Rewrite), "/{query}", 1, "{query} can not stand in a path: its value is not part of one")]
    [InlineData(nameof(TemplateUse.Rewrite), "/{request_id}", 1, "{request_id} can not stand in a path: its value is not part of one")]
    [InlineData(nameof(TemplateUse.Rewrite), "/a?b", 2, "'?': a rewrite is a path; the query is kept as it is")]
    [InlineData(nameof(TemplateUse.Rewrite), "/a b", 2, "' ' has no place in a URI")]
    [InlineData(nameof(TemplateUse.Rewrite), "/a//b", 0, "a rewrite must be a normal path")]
    [InlineData(nameof(TemplateUse.Rewrite), "/a/../b", 0, "a rewrite must be a normal path")]
    [InlineData(nameof(TemplateUse.Rewrite), "/%zz", 0, "a rewrite must be a normal path: '%' is followed by two hexadecimal digits")]
    [InlineData(nameof(TemplateUse.Rewrite), "/a/..{rest}", 0, "dots alone beside a variable could become a dot segment")]
    [InlineData(nameof(TemplateUse.Rewrite), "/{rest}../b", 0, "dots alone beside a variable could become a dot segment")]
    [InlineData(nameof(TemplateUse.Redirect), "", 0, "the text is empty")]
    [InlineData(nameof(TemplateUse.Redirect), "{rest}", 0, "a redirect begins with '/', http://, https:// or {scheme}://")]
    [InlineData(nameof(TemplateUse.Redirect), "javascript:x", 0, "a redirect begins with '/', http://, https:// or {scheme}://")]
    [InlineData(nameof(TemplateUse.Redirect), "//evil/{rest}", 0, "'//' begins a host, not a path")]
    [InlineData(nameof(TemplateUse.Redirect), "https://{rest}", 0, "a request could choose the host of this redirect")]
    [InlineData(nameof(TemplateUse.Redirect), "https://{path}", 0, "a request could choose the host of this redirect")]
    [InlineData(nameof(TemplateUse.Redirect), "https://example.com{rest}", 0, "a request could choose the host of this redirect")]
    [InlineData(nameof(TemplateUse.Redirect), "https://example.com{id}/", 0, "a request could choose the host of this redirect")]
    [InlineData(nameof(TemplateUse.Redirect), "https://", 0, "the redirect has no host")]
    [InlineData(nameof(TemplateUse.Redirect), "https:///x", 0, "the redirect has no host")]
    public void Problems_have_a_place_and_a_sentence(string use, string text, int offset, string message)
    {
        List<RoutingProblem> problems = [];
        Assert.Null(Template.Parse(text, Enum.Parse<TemplateUse>(use), s_route.Names, problems));
        Assert.Contains(problems, p => p.Offset == offset && p.Message == message);
    }

    [Fact]
    public void Unknown_variables_come_with_the_known_ones()
    {
        Assert.Equal("known here: {id} {rest} {host} {path} {query} {scheme} {client_ip} {request_id}",
            HintOf("{x}", TemplateUse.HeaderValue, s_route.Names));
        Assert.Equal("known here: {id} {rest} {path}", HintOf("/{x}", TemplateUse.Rewrite, s_route.Names));
        Assert.Equal("known here: {host} {path} {query} {scheme} {client_ip} {request_id}",
            HintOf("{rest}", TemplateUse.HeaderValue, RouteNames.None));

        static string? HintOf(string text, TemplateUse use, RouteNames names)
        {
            List<RoutingProblem> problems = [];
            Assert.Null(Template.Parse(text, use, names, problems));
            return Assert.Single(problems).Hint;
        }
    }

    [Fact]
    public void Control_bytes_of_a_value_never_reach_a_header()
    {
        Template template = Parse("a {request_id}", TemplateUse.HeaderValue);
        RouteCaptures none = default;
        TemplateValues values = new(none, "/"u8) { RequestId = "x\r\ny\0z\u007f!"u8 };
        byte[] buffer = new byte[template.LengthMax(values)];
        Assert.True(template.TryRender(values, buffer, out int written));
        Assert.Equal("a x  y z !", Encoding.ASCII.GetString(buffer, 0, written));
    }

    [Fact]
    public void A_buffer_too_small_is_said_and_the_bound_is_enough()
    {
        Template template = Parse("/api/{id}/{rest}", TemplateUse.Rewrite);
        RouteCaptures captures = default;
        captures.Slots[0] = new Slice(3, 1);
        captures.Rest = new Slice(5, 3);
        TemplateValues values = new(captures, "/u/7/a/b"u8);
        Assert.Equal(10, template.LengthMax(values));
        for (int size = 0; size < 10; size++)
        {
            Assert.False(template.TryRender(values, new byte[size], out _));
        }
        Assert.True(template.TryRender(values, new byte[10], out int written));
        Assert.Equal(10, written);
        Assert.False(template.IsConstant);
        Assert.True(Parse("/fixed", TemplateUse.Redirect).IsConstant);
    }

    [Fact]
    public void Limits_hold()
    {
        List<RoutingProblem> problems = [];
        string most = new('a', RoutingLimits.TemplateCharsMax);
        Assert.NotNull(Template.Parse(most, TemplateUse.HeaderValue, RouteNames.None, problems));
        Assert.Null(Template.Parse(most + "a", TemplateUse.HeaderValue, RouteNames.None, problems));
        Assert.Single(problems);
    }

    private static Template Parse(string text, TemplateUse use)
    {
        List<RoutingProblem> problems = [];
        Template? template = Template.Parse(text, use, s_route.Names, problems);
        Assert.Empty(problems);
        Assert.Equal(text, template!.Text);
        return template;
    }

    private static string Render(Template template, string path)
    {
        SampleRequest request = new("GET", "example.com", path + "?x=/1");
        RouteTrie<string> trie = Parsed.Trie(s_route);
        Assert.Equal(MatchOutcome.Found, trie.Match(request.ToRouteRequest(), out RouteMatch<string> match));
        TemplateValues values = new(match.Captures, request.PathBytes)
        {
            Host = "example.com"u8,
            Query = request.Head.Query.Of(request.HeadBytes),
            Scheme = "http"u8,
            ClientIp = "10.0.0.1"u8,
            RequestId = "r-1"u8,
        };
        byte[] buffer = new byte[template.LengthMax(values)];
        Assert.True(template.TryRender(values, buffer, out int written));
        return Encoding.Latin1.GetString(buffer, 0, written);
    }
}
