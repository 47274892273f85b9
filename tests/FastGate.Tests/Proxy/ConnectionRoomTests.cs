using System.Text;
using FastGate.Net;

namespace FastGate.Tests.Proxy;

/// <summary>Who is idle ends where somebody needs the place.</summary>
public sealed class ConnectionRoomTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const double LongIdleMs = 2_000;

    /// <summary>The clients that wake together are those that need connections to servers.</summary>
    [Fact]
    public void A_request_that_came_in_the_turn_in_which_its_place_was_wanted_is_answered()
    {
        using var gate = new GateInMemory();
        Peer client = Idle(gate);
        gate.On(() =>
        {
            // The gate has not heard of it yet.
            ConnectionWriter output = client.Connection.Output;
            output.Append(Encoding.ASCII.GetBytes(Get));
            _ = output.FlushAsync();
            gate.Lane.MakesRoom!();
        });
        Assert.NotEqual(0, gate.Upstream[0].ReceivedBytes);
        gate.Upstream[0].Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.False(client.Ended);
    }

    [Fact]
    public void Who_says_nothing_ends()
    {
        using var gate = new GateInMemory();
        Peer client = Idle(gate);
        gate.On(() => gate.Lane.MakesRoom!());
        Assert.True(client.Ended);
        Assert.False(client.Broken);
        Assert.Equal(0, client.ReceivedBytes);
    }

    private static Peer Idle(GateInMemory gate)
    {
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        gate.Upstream[0].Forget();
        client.Forget();
        gate.Advance(LongIdleMs);
        Assert.False(client.Ended);
        return client;
    }
}
