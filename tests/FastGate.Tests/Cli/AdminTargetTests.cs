using FastGate.Cli;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;

namespace FastGate.Tests.Cli;

public sealed class AdminTargetTests
{
    [Theory]
    [InlineData("127.0.0.1:9901", "127.0.0.1:9901")]
    [InlineData(":9901", "127.0.0.1:9901")]
    [InlineData("0.0.0.0:9901", "127.0.0.1:9901")]
    [InlineData("[::]:9901", "[::1]:9901")]
    [InlineData("10.0.0.1:80", "10.0.0.1:80")]
    [InlineData("unix:/run/gate.sock", "localhost")]
    public void Of_a_configuration_it_is_what_this_machine_can_reach(string listen, string host)
    {
        Assert.True(BindAddress.TryParse(listen, out BindAddress? bind, out _, out _));
        AdminTarget target = AdminTarget.Of(new AdminOptions { Listen = bind!, Token = "t" })!;
        Assert.Equal(host, target.Host);
        Assert.Equal("t", target.Token!.Value);
        using var socket = target.CreateSocket();
        Assert.False(socket.Connected);
    }

    [Fact]
    public void Port_0_is_known_to_the_process_only()
    {
        Assert.True(BindAddress.TryParse("127.0.0.1:0", out BindAddress? bind, out _, out _));
        Assert.Null(AdminTarget.Of(new AdminOptions { Listen = bind! }));
    }

    [Theory]
    [InlineData("127.0.0.1:9901", "127.0.0.1:9901", "127.0.0.1:9901")]
    [InlineData("http://127.0.0.1:9901/stats", "127.0.0.1:9901", "127.0.0.1:9901")]
    [InlineData("HTTP://gate.example.com:9901", "gate.example.com:9901", "gate.example.com:9901")]
    [InlineData("[::1]:9901", "[::1]:9901", "[::1]:9901")]
    [InlineData("unix:/run/gate.sock", "localhost", "unix:/run/gate.sock")]
    public void An_address_as_it_is_typed(string text, string host, string shown)
    {
        Assert.True(AdminTarget.TryParse(text, null, out AdminTarget? target, out _));
        Assert.Equal((host, shown), (target!.Host, target.Shown));
    }
}
