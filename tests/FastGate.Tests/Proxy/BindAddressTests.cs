using System.Net;
using System.Net.Sockets;
using FastGate.Gateway.Proxy;

namespace FastGate.Tests.Proxy;

public sealed class BindAddressTests
{
    private static BindAddress Parse(string text)
    {
        Assert.True(BindAddress.TryParse(text, out var bind, out var error, out _), error);
        return bind!;
    }

    [Theory]
    [InlineData("127.0.0.1:8080", BindKind.Ip, "127.0.0.1:8080", "127.0.0.1", 8080)]
    [InlineData("0.0.0.0:80", BindKind.Ip, "0.0.0.0:80", "0.0.0.0", 80)]
    [InlineData(":8080", BindKind.Any, ":8080", "::", 8080)]
    [InlineData("[::1]:8080", BindKind.Ip, "[::1]:8080", "::1", 8080)]
    [InlineData("[::]:8080", BindKind.Ip, "[::]:8080", "::", 8080)]
    [InlineData("[0:0:0:0:0:0:0:1]:8080", BindKind.Ip, "[::1]:8080", "::1", 8080)]
    [InlineData("localhost:8080", BindKind.Ip, "127.0.0.1:8080", "127.0.0.1", 8080)]
    [InlineData("127.0.0.1:0", BindKind.Ip, "127.0.0.1:0", "127.0.0.1", 0)]
    public void Addresses(string text, BindKind kind, string shown, string ip, int port)
    {
        var bind = Parse(text);
        Assert.Equal((kind, shown, IPAddress.Parse(ip), port), (bind.Kind, bind.Text, bind.Address, bind.Port));
        Assert.Equal(kind == BindKind.Any, bind.IsDualStack);
        Assert.Equal(bind, Parse(bind.Text));
    }

    [Fact]
    public void Unix_socket()
    {
        var bind = Parse("unix:/run/fastgate.sock");
        Assert.Equal((BindKind.Unix, "/run/fastgate.sock"), (bind.Kind, bind.Path));
        Assert.True(Parse("unix:/" + new string('x', 106)).Path!.Length == 107);
    }

    [Theory]
    [InlineData("", "the address has no port")]
    [InlineData("8080", "the address has no host")]
    [InlineData("127.0.0.1", "the address has no port")]
    [InlineData("127.0.0.1:", "'' is no port")]
    [InlineData(":http", "'http' is no port")]
    [InlineData(":-1", "'-1' is no port")]
    [InlineData(":+80", "'+80' is no port")]
    [InlineData(": 80", "' 80' is no port")]
    [InlineData(":65536", "'65536' is no port")]
    [InlineData(":080000", "'080000' is no port")]
    [InlineData("::1:8080", "an IPv6 address needs brackets")]
    [InlineData("[::1", "the '[' is not closed")]
    [InlineData("[::1]", "the address has no port")]
    [InlineData("[::1]8080", "the address has no port")]
    [InlineData("[127.0.0.1]:80", "'127.0.0.1' is no IPv6 address")]
    [InlineData("[[::1]:80", "'[::1' is no IPv6 address")]
    [InlineData("[]:80", "'' is no IPv6 address")]
    [InlineData("127.1:80", "'127.1' is no IP address of this machine")]
    [InlineData("0x7f000001:80", "'0x7f000001' is no IP address of this machine")]
    [InlineData("*:80", "'*' is no IP address of this machine")]
    [InlineData("http://:80", "an address has no scheme")]
    [InlineData("unix:", "a socket's path is absolute")]
    [InlineData("unix:x.sock", "a socket's path is absolute")]
    [InlineData("unix:/a\0b", "a path holds no NUL")]
    public void What_is_no_address(string text, string says)
    {
        Assert.False(BindAddress.TryParse(text, out var bind, out var error, out _));
        Assert.Null(bind);
        Assert.Equal(says, error);
    }

    [Fact]
    public void A_socket_path_has_the_room_that_the_kernel_gives_it()
    {
        Assert.False(BindAddress.TryParse("unix:/" + new string('x', 107), out _, out var error, out _));
        Assert.Equal("the socket's path is too long", error);
        // Bytes count, not characters.
        Assert.False(BindAddress.TryParse("unix:/" + new string('ü', 54), out _, out _, out _));
    }

    [Theory]
    [InlineData(":80", "127.0.0.1:80", true)]
    [InlineData(":80", "[::1]:80", true)]
    [InlineData(":80", ":80", true)]
    [InlineData("0.0.0.0:80", "127.0.0.1:80", true)]
    [InlineData("0.0.0.0:80", "[::1]:80", false)]
    [InlineData("[::]:80", "[::1]:80", true)]
    [InlineData("[::]:80", "127.0.0.1:80", false)]
    [InlineData("127.0.0.1:80", "127.0.0.2:80", false)]
    [InlineData("127.0.0.1:80", "127.0.0.1:81", false)]
    [InlineData("127.0.0.1:0", "127.0.0.1:0", false)]
    [InlineData("unix:/a", "unix:/a", true)]
    [InlineData("unix:/a", "unix:/b", false)]
    [InlineData("unix:/a", ":80", false)]
    public void Overlaps(string a, string b, bool expected)
    {
        Assert.Equal(expected, Parse(a).Overlaps(Parse(b)));
        Assert.Equal(expected, Parse(b).Overlaps(Parse(a)));
    }

    [Theory]
    [InlineData("127.0.0.1:1", true)]
    [InlineData("127.9.9.9:1", true)]
    [InlineData("[::1]:1", true)]
    [InlineData("unix:/a", true)]
    [InlineData(":1", false)]
    [InlineData("0.0.0.0:1", false)]
    [InlineData("10.0.0.1:1", false)]
    public void Is_loopback(string text, bool expected) => Assert.Equal(expected, Parse(text).IsLoopback);
}
