namespace FastGate.EndToEnd.Streaming;

/// <summary>A client that breaks its connection: whatever is done for it ends at once.</summary>
public sealed class ClientGoneTests
{
    [Fact]
    public void While_the_upstream_works()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        client.Reset();
        connection.ReadToEnd(out bool reset);
        Assert.True(reset);
        using Wire other = gate.Connect();
        using Wire next = Expect.Exchange(other, upstream);
        gate.Logs("499 client_closed", "200");
    }

    [Fact]
    public void While_the_upstream_works_on_a_request_behind_which_another_one_waits()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        Wire client = gate.Connect();
        client.Send(Expect.Get + Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        client.Reset();
        connection.ReadToEnd(out bool reset);
        Assert.True(reset);
        Assert.False(upstream.HasPending);
        gate.Logs("499 client_closed");
    }

    [Fact]
    public void While_it_waits_for_a_connection()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address,
            upstream: "pool = { connections_max = 1, queue_timeout = \"60s\" }"));
        using Wire first = gate.Connect();
        first.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        Wire second = gate.Connect();
        second.Send(Expect.Get);
        Expect.Await(() => gate.Gate.Upstreams[0].Queue.Count == 1, "it does not wait");
        second.Reset();
        gate.AwaitExchanges(1);
        connection.Send(Expect.Ok);
        first.Fine();
        Assert.False(connection.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead));
        gate.Logs("499 client_closed", "200");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void In_the_middle_of_its_own_body(bool orderly)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        Assert.Equal("4\r\nhalf\r\n", connection.ReadExactly(9));
        if (orderly)
        {
            client.Fin();
        }
        else
        {
            client.Reset();
        }
        // Half a body must never look like a whole one.
        Assert.Equal("", connection.ReadToEnd(out bool reset));
        Assert.True(reset);
        gate.Logs("499 client_closed");
    }

    /// <summary>The parser waits for more of a section that never ends: that must not be a wait without an end.</summary>
    [Fact]
    public void In_the_middle_of_its_trailers()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.ReadExactly(9);
        client.Send("0\r\nName: val");
        client.Fin();
        Assert.Equal("", connection.ReadToEnd(out bool reset));
        Assert.True(reset);
        using Wire other = gate.Connect();
        using Wire next = Expect.Exchange(other, upstream);
        gate.Logs("499 client_closed", "200");
    }

    [Fact]
    public void In_the_middle_of_the_answer()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhalf");
        client.ReadHead();
        client.ReadExactly(4);
        client.Reset();
        connection.ReadToEnd(out bool reset);
        Assert.True(reset);
        gate.Logs("200 client_closed");
    }

    [Fact]
    public void Before_it_said_a_word_or_within_a_head()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        Wire silent = gate.Connect();
        silent.Reset();
        Wire half = gate.Connect();
        half.Send("GET /a HT");
        half.Reset();
        using Wire ended = gate.Connect();
        ended.Send("GET /a HT");
        ended.Fin();
        ended.AssertEnded();
        Expect.Await(() => gate.Gate.Connections == 0, "a connection stayed open");
        Assert.False(upstream.HasPending);
        gate.Logs();
    }
}
