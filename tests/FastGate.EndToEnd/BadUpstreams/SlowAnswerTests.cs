namespace FastGate.EndToEnd.BadUpstreams;

/// <summary>An upstream that lets the gate wait.</summary>
public sealed class SlowAnswerTests
{
    /// <summary>What a test must say within it may come late on a busy machine, but not as late as that.</summary>
    private const string Short = "timeout = { first_byte = \"1s\", idle = \"1s\" }";
    private const string ShortGap = "timeout = { idle = \"300ms\" }";

    [Fact]
    public void Not_a_byte_in_time()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, Short));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        client.Problem(504, "http_response_timeout");
        Assert.Equal("", connection.ReadToEnd(out _));
        using Wire next = Expect.Exchange(client, upstream);
        gate.Logs("504 http_response_timeout", "200");
    }

    [Fact]
    public void A_head_that_dribbles_does_not_win_time()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, Short));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("HTTP/1.1 200 OK\r\nX: ");
        int dribbled = 0;
        while (!connection.Socket.Poll(20_000, System.Net.Sockets.SelectMode.SelectRead) && connection.TrySend("x"u8))
        {
            Assert.True(++dribbled < 1000, "the gate listens for ever");
        }
        client.Problem(504, "http_response_timeout");
        gate.Logs("504 http_response_timeout");
    }

    [Fact]
    public void Interim_answers_do_not_win_time()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, Short));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("HTTP/1.1 103 Early Hints\r\n\r\n");
        Assert.Equal("HTTP/1.1 103 Early Hints\r\n\r\n", client.ReadHead());
        client.Problem(504, "http_response_timeout");
        gate.Logs("504 http_response_timeout");
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "half", "half")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "9\r\nhalf", "4\r\nhalf\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", "half", "4\r\nhalf\r\n")]
    public void A_gap_in_the_body_cuts_it(string head, string body, string forwarded)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, ShortGap));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(head + body);
        client.ReadHead();
        client.Cut(forwarded);
        Assert.Equal("", connection.ReadToEnd(out _));
        using Wire other = gate.Connect();
        using Wire next = Expect.Exchange(other, upstream);
        gate.Logs("200 connection_read_timeout", "200");
    }

    [Fact]
    public void An_upstream_that_does_not_read_the_body()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, Short));
        using Wire client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 104857600\r\n\r\n");
        using Wire connection = upstream.Accept();
        byte[] block = new byte[1 << 20];
        for (int i = 0; i < 100 && client.TrySend(block); i++)
        {
        }
        string answer = client.ReadToEnd(out _);
        Assert.StartsWith("HTTP/1.1 504 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
        gate.Logs("504 http_response_timeout");
    }

    [Fact]
    public void The_whole_exchange_takes_too_long()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(
            GateOnLoopback.To(upstream.Address, "timeout = { total = \"300ms\" }"));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire silent = upstream.Accept();
        silent.ReadHead();
        client.Problem(504, "http_response_timeout");
        Assert.Equal("", silent.ReadToEnd(out _));
        gate.Logs("504 http_response_timeout");
    }
}
