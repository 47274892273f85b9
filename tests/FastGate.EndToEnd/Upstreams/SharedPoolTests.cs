using System.Net;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Net;
using FastGate.Net.Linux;

namespace FastGate.EndToEnd.Upstreams;

/// <summary>The bounds of a pool are those of the process: lanes share them, on threads of their own.</summary>
public sealed class SharedPoolTests
{
    /// <summary>Every exchange waits for the one connection, and whoever gives it back may be on either lane: one lost
    /// wake-up, and a request waits out its time and is refused.</summary>
    [Theory]
    [InlineData(1, "")]
    [InlineData(2, "")]
    [InlineData(1, "Connection: close\r\n")]
    public void Nobody_waits_beside_a_free_connection(int connections, string answerField)
    {
        const int Clients = 8;
        const int Requests = 250;
        using var upstream = new AnsweringUpstream($"HTTP/1.1 200 OK\r\n{answerField}Content-Length: 2\r\n\r\nok");
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address,
            upstream: $$"""pool = { connections_max = {{connections}}, queue_timeout = "10s" }"""), lanes: 2);
        Thread[] threads = [.. Enumerable.Range(0, Clients).Select(_ => new Thread(() =>
        {
            using Wire client = gate.Connect();
            for (int i = 0; i < Requests; i++)
            {
                client.Send(Expect.Get);
                client.Fine();
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(Wire.BoundMs)));
        // A connection that idles on one lane goes to the other, and is not closed and dialled anew.
        Assert.Equal(answerField.Length == 0 ? connections : Clients * Requests, upstream.Accepted);
        gate.Logs([.. Enumerable.Repeat("200", Clients * Requests)]);
    }

    [Fact]
    public void A_name_s_next_address_is_tried_when_one_refuses()
    {
        using var upstream = new HandUpstream();
        using var transport = new EpollTransport(1);
        transport.Start();
        Assert.True(ServerAddress.TryParse($"two.invalid:{upstream.Port}", out ServerAddress? address, out _, out _));
        var group = new Upstream(new UpstreamOptions { Name = "u", Servers = [new UpstreamServer(address!)] }, transport);
        group.Servers[0].SetAddresses(
            [IPAddress.Parse("127.0.0.2"), IPAddress.IPv6Loopback, IPAddress.Loopback], transport.Lanes[0].Now);
        for (int i = 0; i < 4; i++)
        {
            Rental rental = Rent(group, transport.Lanes[0]);
            Assert.Equal(Reason.None, rental.Reason);
            upstream.Accept().Dispose();
        }
        upstream.Dispose();
        Assert.Equal(new Rental(null, Reason.ConnectionRefused, group.Servers[0]), Rent(group, transport.Lanes[0]));
        Assert.Equal(4, group.Servers[0].Connections);
    }

    private static Rental Rent(Upstream group, Lane lane)
    {
        var rented = new TaskCompletionSource<Rental>();
        lane.Post(new LaneAction(async () =>
            rented.SetResult(await group.PoolOf(lane).RentAsync(new PoolWait(), connectMs: 5_000))));
        Assert.True(rented.Task.Wait(Wire.BoundMs));
        return rented.Task.Result;
    }
}
