using System.Text;
using FastGate.Gateway.Routing;

namespace FastGate.Tests.Routing;

public sealed class ForwardedPathTests
{
    [Theory]
    [InlineData("/v1", "/v1/orders/7", "/orders/7")]
    [InlineData("/v1", "/v1/", "/")]
    [InlineData("/v1", "/v1", "/")]
    [InlineData("/v1/orders", "/v1/orders/7/", "/7/")]
    public void Strips_whole_segments(string prefix, string path, string expected)
    {
        List<RoutingProblem> problems = [];
        ForwardedPath? forwarded = ForwardedPath.Parse(prefix, [Parsed.Pattern(prefix + "/*")], false, problems);
        Assert.Empty(problems);
        Assert.Equal(expected, Encoding.ASCII.GetString(forwarded!.Of(Encoding.ASCII.GetBytes(path))));
    }

    [Theory]
    [InlineData("", "a prefix begins with '/'")]
    [InlineData("v1", "a prefix begins with '/'")]
    [InlineData("/", "there is nothing in '/' to strip")]
    [InlineData("/v1/", "a prefix does not end with '/'")]
    [InlineData("/{v}", "a prefix is plain text")]
    [InlineData("/v1/*", "a prefix is plain text")]
    [InlineData("/v1//a", "'//' never occurs in a normal path")]
    [InlineData("/v1 /x", "'/v1' is not a method")]
    [InlineData("/v", "'/v1/*' does not begin with /v")]
    [InlineData("/V1", "'/v1/*' does not begin with /V1")]
    [InlineData("/v1/a", "'/v1/*' does not begin with /v1/a")]
    public void Problems_have_a_sentence(string prefix, string message)
    {
        List<RoutingProblem> problems = [];
        Assert.Null(ForwardedPath.Parse(prefix, [Parsed.Pattern("/v1/*")], false, problems));
        Assert.Equal(message, problems[0].Message);
    }

    [Fact]
    public void Every_pattern_must_begin_with_the_prefix()
    {
        RoutePattern[] patterns = [.. new[] { "/v1", "a.x/v1/b", "GET /v2/*", "/{v}/x", "/*" }.Select(Parsed.Pattern)];
        List<RoutingProblem> problems = [];
        Assert.Null(ForwardedPath.Parse("/v1", patterns, false, problems));
        Assert.Equal(3, problems.Count);
        Assert.NotNull(ForwardedPath.Parse("/V1", patterns[..2], true, []));
    }
}
