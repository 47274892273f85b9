using System.Net;
using CsCheck;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Upstreams;

public sealed class ServerAddressTests
{
    private static ServerAddress Parse(string text)
    {
        Assert.True(ServerAddress.TryParse(text, out var address, out var error, out _), error);
        return address!;
    }

    [Fact]
    public void Kinds()
    {
        var name = Parse("Orders.SVC:80");
        Assert.Equal((ServerAddressKind.Name, "orders.svc:80", "orders.svc", 80),
            (name.Kind, name.Text, name.Host, name.Port));

        var ip = Parse("10.0.0.1:8080");
        Assert.Equal((ServerAddressKind.Ip, "10.0.0.1:8080"), (ip.Kind, ip.Text));
        Assert.Equal((IPAddress.Parse("10.0.0.1"), 8080), (ip.Address, ip.Port));

        var v6 = Parse("[2001:DB8::1]:80");
        Assert.Equal((ServerAddressKind.Ip, "[2001:db8::1]:80"), (v6.Kind, v6.Text));

        var unix = Parse("unix:/run/orders.sock");
        Assert.Equal((ServerAddressKind.Unix, "/run/orders.sock"), (unix.Kind, unix.Path));

        Assert.Same(ServerAddress.Demo, Parse("demo:"));
    }

    [Theory]
    [InlineData("a_b:80")]
    [InlineData("a.:80")]
    [InlineData("1a:80")]
    [InlineData("1.2.3.4a:80")]
    [InlineData("xn--bcher-kva.example:80")]
    public void Names(string text) => Assert.Equal(ServerAddressKind.Name, Parse(text).Kind);

    [Theory]
    [InlineData("orders", "the address has no port", "write \"orders:80\"")]
    [InlineData("9000", "the address has no host", "write \"127.0.0.1:9000\"")]
    [InlineData(":9000", "the address has no host", "write \"127.0.0.1:9000\"")]
    [InlineData("http://orders", "an address has no scheme", "write \"orders:80\"")]
    [InlineData("http://orders:81/", "an address has no scheme", "write \"orders:81\"")]
    [InlineData("orders:0", "port 0 is no port to connect to", "ports are 1 to 65535")]
    [InlineData("1.2.3:80", "'1.2.3' is neither an IP address nor a host name", "letters, digits, '-', '_' and '.'")]
    [InlineData("256.0.0.1:80", "'256.0.0.1' is neither an IP address nor a host name",
        "letters, digits, '-', '_' and '.'")]
    [InlineData("-a:80", "'-a' is neither an IP address nor a host name", "letters, digits, '-', '_' and '.'")]
    [InlineData("a..b:80", "'a..b' is neither an IP address nor a host name", "letters, digits, '-', '_' and '.'")]
    [InlineData("a b:80", "'a b' is neither an IP address nor a host name", "letters, digits, '-', '_' and '.'")]
    [InlineData("bücher.example:80", "'bücher.example' is neither an IP address nor a host name",
        "letters, digits, '-', '_' and '.'")]
    [InlineData("user@host:80", "'user@host' is neither an IP address nor a host name",
        "letters, digits, '-', '_' and '.'")]
    [InlineData("unix:orders.sock", "a socket's path is absolute", "write \"unix:/run/fastgate.sock\"")]
    public void What_is_no_address(string text, string says, string hint)
    {
        Assert.False(ServerAddress.TryParse(text, out var address, out var error, out var meant));
        Assert.Null(address);
        Assert.Equal((says, hint), (error, meant));
    }

    [Fact]
    public void Nothing_throws_and_what_is_taken_reads_back()
    {
        var text = Gen.Char["019a.:[]-_/%u\0 "].Array[0, 14].Select(chars => new string(chars));
        text.Sample(t =>
        {
            foreach (var whole in (string[])[t, t + ":80", "unix:" + t, "[" + t + "]:1", "http://" + t])
            {
                if (ServerAddress.TryParse(whole, out var server, out var error, out _))
                    Assert.Equal(server, Parse(server!.Text));
                else
                    Assert.NotEmpty(error);
                if (!BindAddress.TryParse(whole, out var bind, out error, out _))
                    Assert.NotEmpty(error);
                else if (BindAddress.TryParse(bind!.Text, out var again, out _, out _))
                    Assert.Equal(bind, again);
                else
                    Assert.Fail(bind.Text);
            }
        });
    }
}
