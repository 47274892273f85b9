using FastGate.Cli;

namespace FastGate.Tests.Cli;

public sealed class ForwardTargetTests
{
    [Theory]
    [InlineData("http://127.0.0.1:9000", "127.0.0.1:9000")]
    [InlineData("http://127.0.0.1:9000/", "127.0.0.1:9000")]
    [InlineData("HTTP://Example.com", "example.com:80")]
    [InlineData("http://[::1]", "[::1]:80")]
    [InlineData("http://[::1]:9000", "[::1]:9000")]
    [InlineData("127.0.0.1:9000", "127.0.0.1:9000")]
    [InlineData("unix:/run/app.sock", "unix:/run/app.sock")]
    [InlineData("demo:", "demo:")]
    public void What_people_have_at_hand(string text, string address)
    {
        Assert.True(ForwardTarget.TryParse(text, out var server, out var error), error);
        Assert.Equal(address, server!.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("http://")]
    [InlineData("http:///")]
    [InlineData("http://a?x")]
    [InlineData("http://a#x")]
    [InlineData("http://a:b")]
    [InlineData("//a")]
    [InlineData("HTTPS://a")]
    public void What_is_no_target(string text)
    {
        Assert.False(ForwardTarget.TryParse(text, out _, out var error));
        Assert.NotEmpty(error);
    }
}
