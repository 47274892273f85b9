using System.Net;
using System.Net.Sockets;
using FastGate.Gateway.Upstreams;

namespace FastGate.EndToEnd.BadUpstreams;

/// <summary>An upstream that cannot be reached, or goes away without a word.</summary>
public sealed class NoAnswerTests
{
    private const string Post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody";

    [Fact]
    public void Nobody_listens()
    {
        int port;
        using (var gone = new HandUpstream())
        {
            port = gone.Port;
        }
        using var gate = new GateOnLoopback(GateOnLoopback.To($"127.0.0.1:{port}"));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        client.Problem(502, "connection_refused");
        client.Send(Expect.Get);
        client.Problem(502, "connection_refused");
        gate.Logs("502 connection_refused", "502 connection_refused");
    }

    [Fact]
    public void A_connect_ends_with_the_time_of_the_exchange()
    {
        using var upstream = new HandUpstream(backlog: 0);
        using var gate = new GateOnLoopback(
            GateOnLoopback.To(upstream.Address, "timeout = { connect = \"60s\", total = \"300ms\" }"));
        using var fillers = new Fillers(upstream.Port);
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        client.Problem(504, "http_response_timeout");
        gate.Logs("504 http_response_timeout");
    }

    [Fact]
    public void A_connect_ends_with_its_client_and_gives_its_permit_back()
    {
        using var upstream = new HandUpstream(backlog: 0);
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, "timeout = { connect = \"60s\" }",
            "pool = { connections_max = 1 }"));
        using (var fillers = new Fillers(upstream.Port))
        {
            Server server = gate.Gate.Upstreams[0].Servers[0];
            Wire gone = gate.Connect();
            gone.Send(Expect.Get);
            Expect.Await(() => server.Active > 0, "it does not connect");
            gone.Reset();
            gate.AwaitExchanges(1);
            Assert.Equal(0, server.Connections);
        }
        gate.Logs("499 client_closed");
    }

    [Fact]
    public void A_listener_that_takes_no_connection()
    {
        using var upstream = new HandUpstream(backlog: 0);
        using var gate = new GateOnLoopback(
            GateOnLoopback.To(upstream.Address, "timeout = { connect = \"300ms\" }"));
        using var fillers = new Fillers(upstream.Port);
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        client.Problem(504, "connection_timeout");
        gate.Logs("504 connection_timeout");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_new_connection_ends_before_any_byte(bool reset)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using (Wire connection = upstream.Accept())
        {
            connection.ReadHead();
            End(connection, reset);
        }
        client.Problem(502, "connection_terminated");
        Assert.False(upstream.HasPending);
        // The gate has not lost its way: the same client goes on over another connection.
        using Wire next = Expect.Exchange(client, upstream);
        gate.Logs("502 connection_terminated", "200");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pooled_connection_that_was_stale_is_replaced_and_nobody_notices(bool reset)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire stale = Expect.Exchange(client, upstream);
        client.Send(Expect.Get);
        stale.ReadHead();
        End(stale, reset);
        using Wire fresh = upstream.Accept();
        Assert.StartsWith("GET /a HTTP/1.1\r\n", fresh.ReadHead(), StringComparison.Ordinal);
        fresh.Send(Expect.Ok);
        client.Fine();
        gate.Logs("200", "200");
    }

    [Fact]
    public void It_is_replaced_once_and_not_for_ever()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire stale = Expect.Exchange(client, upstream);
        client.Send(Expect.Get);
        stale.ReadHead();
        stale.Reset();
        using (Wire fresh = upstream.Accept())
        {
            fresh.ReadHead();
        }
        client.Problem(502, "connection_terminated");
        Assert.False(upstream.HasPending);
        gate.Logs("200", "502 connection_terminated");
    }

    [Fact]
    public void A_body_is_never_sent_twice()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire stale = Expect.Exchange(client, upstream);
        client.Send(Post);
        stale.ReadHead();
        Assert.Equal("body", stale.ReadExactly(4));
        stale.Reset();
        client.Problem(502, "connection_terminated");
        Assert.False(upstream.HasPending);
        gate.Logs("200", "502 connection_terminated");
    }

    [Fact]
    public void A_method_that_is_not_idempotent_is_never_sent_twice()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire stale = Expect.Exchange(client, upstream);
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
        stale.ReadHead();
        stale.Fin();
        client.Problem(502, "connection_terminated");
        Assert.False(upstream.HasPending);
        gate.Logs("200", "502 connection_terminated");
    }

    [Fact]
    public void An_idle_connection_that_the_server_ends_is_not_asked_again()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire first = Expect.Exchange(client, upstream);
        first.Fin();
        first.AssertEnded();
        // Not even a request that could not be sent twice meets it.
        client.Send(Post);
        using Wire second = upstream.Accept();
        second.ReadHead();
        Assert.Equal("body", second.ReadExactly(4));
        second.Send(Expect.Ok);
        client.Fine();
        gate.Logs("200", "200");
    }

    private static void End(Wire connection, bool reset)
    {
        if (reset)
        {
            connection.Reset();
        }
        else
        {
            connection.Fin();
        }
    }

    /// <summary>Connections that fill a backlog of none: every further SYN is dropped.</summary>
    private sealed class Fillers : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public Fillers(int port)
        {
            for (int i = 0; i < 8; i++)
            {
                var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                {
                    Blocking = false,
                };
                _sockets.Add(filler);
                Assert.ThrowsAny<SocketException>(() => filler.Connect(IPAddress.Loopback, port));
            }
        }

        public void Dispose() => _sockets.ForEach(socket => socket.Dispose());
    }
}
