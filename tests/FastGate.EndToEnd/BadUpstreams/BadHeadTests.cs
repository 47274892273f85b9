using System.Text;

namespace FastGate.EndToEnd.BadUpstreams;

/// <summary>An upstream whose answer does not even begin as it should.</summary>
public sealed class BadHeadTests
{
    [Theory]
    [InlineData("garbage\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.9\r\n")]
    [InlineData("\u0015\u0003\u0003\u0000\u0002\u0002\u0028")]
    [InlineData("\0\0\0\0")]
    [InlineData("HTTP/2.0 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 20 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 0\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nab")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX : 1\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")]
    public void It_is_no_HTTP(string answer)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(answer);
        client.Problem(502, "http_protocol_error");
        connection.ReadToEnd(out _);
        using Wire next = Expect.Exchange(client, upstream);
        gate.Logs("502 http_protocol_error", "200");
    }

    [Theory]
    [InlineData("HTTP/1.1 200 O")]
    [InlineData("HTTP/1.1 200 OK\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n")]
    public void It_ends_within_the_head(string answer)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using (Wire connection = upstream.Accept())
        {
            connection.ReadHead();
            connection.Send(answer);
            connection.Fin();
            client.Problem(502, "http_response_incomplete");
        }
        gate.Logs("502 http_response_incomplete");
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n", "X-Endless: 0123456789012345678901234567890123456789\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX: ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    [InlineData("HTTP/1.1 200 ", "O")]
    [InlineData("", "H")]
    public void It_never_ends(string start, string more)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        Assert.True(connection.TrySend(Encoding.Latin1.GetBytes(start)));
        byte[] block = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(more, 1000)));
        long sent = 0;
        while (connection.TrySend(block))
        {
            sent += block.Length;
            Assert.True(sent < 64L << 20, "the gate takes it all");
        }
        client.Problem(502, "http_protocol_error");
        using Wire next = Expect.Exchange(client, upstream);
        gate.Logs("502 http_protocol_error", "200");
    }

    [Fact]
    public void Interim_answers_without_end()
    {
        const string Hint = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(string.Concat(Enumerable.Repeat(Hint, 200)));
        int passed = 0;
        string head;
        while ((head = client.ReadHead()) == Hint)
        {
            passed++;
        }
        Assert.Equal(32, passed);
        Assert.StartsWith("HTTP/1.1 502 ", head, StringComparison.Ordinal);
        Assert.Contains("error=http_protocol_error\r\n", head, StringComparison.Ordinal);
        Assert.Contains("http_protocol_error", client.ReadExactly((int)Wire.LengthOf(head)), StringComparison.Ordinal);
        using Wire next = Expect.Exchange(client, upstream);
        gate.Logs("502 http_protocol_error", "200");
    }

    [Fact]
    public void A_switch_to_nothing_although_a_switch_was_asked_for()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("HTTP/1.1 101 Switching Protocols\r\n\r\nraw bytes");
        client.Problem(502, "http_protocol_error");
        Assert.Equal("", connection.ReadToEnd(out _));
        gate.Logs("502 http_protocol_error");
    }
}
