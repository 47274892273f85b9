using System.Net.WebSockets;
using System.Text;
using FastGate.Net;

namespace FastGate.EndToEnd.Upgrade;

/// <summary>What a connection is after 101.</summary>
public sealed class TunnelTests
{
    private const string Ask = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    private const string AskWithBody = "POST /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"
        + "Content-Length: 5\r\n\r\n";
    private const string AskWithChunks = "POST /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"
        + "Transfer-Encoding: chunked\r\n\r\n";
    private const string Switched =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_web_socket_of_others_echoes(int lanes)
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address), lanes);
        using (var client = new ClientWebSocket())
        {
            await client.ConnectAsync(new Uri($"ws://127.0.0.1:{gate.Port}/ws"), Soon.Token);
            foreach (int length in (int[])[0, 1, 125, 126, 65_536, 1 << 20])
            {
                byte[] sent = new byte[length];
                new Random(length).NextBytes(sent);
                Task sending = client.SendAsync(sent, WebSocketMessageType.Binary, true, Soon.Token);
                Assert.Equal(sent, await ReceiveAsync(client));
                await sending;
            }
            for (int i = 0; i < 100; i++)
            {
                byte[] word = Encoding.UTF8.GetBytes($"wörd {i}");
                await client.SendAsync(word, WebSocketMessageType.Text, true, Soon.Token);
                Assert.Equal(word, await ReceiveAsync(client));
            }
            await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", Soon.Token);
            Assert.Equal("bye", client.CloseStatusDescription);
        }
        gate.Logs("101");
    }

    [Fact]
    public void The_client_ends_first()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        client.Send("last words");
        client.Fin();
        Assert.Equal("last words", connection.ReadToEnd(out bool reset));
        Assert.False(reset);
        connection.Send("an answer to them");
        Assert.Equal("an answer to them", client.ReadExactly(17));
        connection.Fin();
        Assert.Equal("", client.ReadToEnd(out reset));
        Assert.False(reset);
        gate.Logs("101");
    }

    /// <summary>Both sides have ended while bytes still wait for a slow upstream: that is no break.</summary>
    [Fact]
    public void What_a_client_sends_before_its_end_arrives_though_the_upstream_ended_first()
    {
        const int Length = 8 * 1024 * 1024;
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        connection.Fin();
        Assert.Equal("", client.ReadToEnd(out _));
        var sending = new Thread(() =>
        {
            client.TrySend(new byte[Length]);
            client.Fin();
        });
        sending.Start();
        Expect.Await(() => connection.Socket.Available > 100_000, "nothing came");
        Assert.Equal(Length, connection.ReadToEnd(out bool reset).Length);
        Assert.False(reset);
        Assert.True(sending.Join(Wire.BoundMs));
        gate.Logs("101");
    }

    [Fact]
    public void The_upstream_ends_first()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        connection.Send("last words");
        connection.Fin();
        Assert.Equal("last words", client.ReadToEnd(out bool reset));
        Assert.False(reset);
        client.Send("an answer to them");
        Assert.Equal("an answer to them", connection.ReadExactly(17));
        client.Fin();
        Assert.Equal("", connection.ReadToEnd(out reset));
        Assert.False(reset);
        gate.Logs("101");
    }

    [Fact]
    public void What_a_side_says_at_once_with_the_switch_is_the_tunnel_s()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Ask + "early");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(Switched + "hello");
        client.ReadHead();
        Assert.Equal("hello", client.ReadExactly(5));
        Assert.Equal("early", connection.ReadExactly(5));
        client.Fin();
        connection.Fin();
        client.AssertEnded();
        gate.Logs("101");
    }

    [Fact]
    public void The_client_breaks_it()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        client.Reset();
        Assert.Equal("", connection.ReadToEnd(out bool reset));
        Assert.True(reset);
        gate.Logs("101 client_closed");
    }

    [Fact]
    public void The_upstream_breaks_it()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        connection.Reset();
        client.Cut();
        gate.Logs("101 connection_terminated");
    }

    /// <summary>A web socket's server says why it ends, and resets over what its client still sends: whoever finds out
    /// by sending must not throw away the reason, which is here already.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Last_words_before_a_break_arrive_though_sending_meets_the_break_first(bool upstreamBreaks)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        (Wire sender, Wire breaker) = upstreamBreaks ? (client, connection) : (connection, client);
        using var held = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        gate.Transport.Lanes[0].Post(new LaneAction(() =>
        {
            held.Set();
            release.Wait(Wire.BoundMs);
        }));
        Assert.True(held.Wait(Wire.BoundMs, TestContext.Current.CancellationToken));
        // In this order the lane hears of them when it goes on.
        sender.Send("more");
        breaker.Send("last words");
        breaker.Reset();
        release.Set();
        Assert.Equal("last words", sender.ReadToEnd(out bool reset));
        Assert.True(reset);
        gate.Logs(upstreamBreaks ? "101 connection_terminated" : "101 client_closed");
    }

    /// <summary>All that it had to say was said: the client gets it to the last byte, and an end. Nobody waits for the
    /// hour that a silent tunnel has.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_upstream_ends_and_then_breaks_it(bool atOnce)
    {
        // What the kernel takes at once: a reset throws away what still waits for room at the other end.
        const int Length = 16 * 1024;
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        connection.Send(new byte[Length]);
        connection.Fin();
        if (!atOnce)
        {
            Assert.Equal(Length, client.ReadToEnd(out _).Length);
        }
        connection.Reset();
        if (atOnce)
        {
            Assert.Equal(Length, client.ReadToEnd(out bool reset).Length);
            Assert.False(reset);
        }
        // The gate ends it without a word of the client's.
        gate.Logs("101");
    }

    [Fact]
    public void The_client_ends_and_then_breaks_it()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        client.Send("last words");
        client.Fin();
        Assert.Equal("last words", connection.ReadToEnd(out _));
        client.Reset();
        gate.Logs("101 client_closed");
    }

    [Fact]
    public void Nothing_moves_for_too_long()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(
            GateOnLoopback.To(upstream.Address, "timeout = { tunnel = \"300ms\" }"));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        client.Cut();
        Assert.Equal("", connection.ReadToEnd(out bool reset));
        Assert.True(reset);
        gate.Logs("101 connection_read_timeout");
    }

    [Fact]
    public void A_tunnel_gives_its_place_in_the_pool_to_others()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address,
            upstream: "pool = { connections_max = 1, tunnels_max = 1 }"));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        using Wire other = gate.Connect();
        using Wire idle = Expect.Exchange(other, upstream);
        // One more tunnel is one too many; the connection it came over cannot be used again.
        other.Send(Ask);
        idle.ReadHead();
        idle.Send(Switched);
        other.Problem(503, "connection_limit_reached");
        idle.Cut();
        client.Fin();
        connection.Fin();
        client.AssertEnded();
        using Wire third = gate.Connect();
        using Wire again = Open(third, upstream);
        third.Fin();
        again.Fin();
        third.AssertEnded();
        gate.Logs("101", "200", "503 connection_limit_reached", "101");
    }

    [Fact]
    public void It_begins_when_the_body_of_its_request_has_ended()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(AskWithBody + "hel");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(Switched + "first");
        client.Send("loand more");
        Assert.StartsWith("HTTP/1.1 101 ", client.ReadHead(), StringComparison.Ordinal);
        Assert.Equal("first", client.ReadExactly(5));
        Assert.Equal("helloand more", connection.ReadExactly(13));
    }

    [Fact]
    public void A_request_whose_body_breaks_a_rule_switches_to_nothing()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(AskWithChunks);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(Switched);
        client.Send("not a size\r\n");
        client.Problem(400, "bad_request");
        client.AssertEnded();
        connection.AssertEnded();
        gate.Logs("400 bad_request");
    }

    [Fact]
    public void A_server_that_does_not_switch_answers_like_any_other()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Ask);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(Expect.Ok);
        client.Fine();
        client.Send(Expect.Get);
        connection.ReadHead();
        connection.Send(Expect.Ok);
        client.Fine();
        gate.Logs("200", "200");
    }

    private static Wire Open(Wire client, HandUpstream upstream)
    {
        client.Send(Ask);
        Wire connection = upstream.Accept();
        Assert.Contains("\r\nConnection: upgrade\r\nUpgrade: echo\r\n", connection.ReadHead(),
            StringComparison.Ordinal);
        connection.Send(Switched);
        Assert.StartsWith("HTTP/1.1 101 Switching Protocols\r\n", client.ReadHead(), StringComparison.Ordinal);
        return connection;
    }

    internal static async Task<byte[]> ReceiveAsync(ClientWebSocket client)
    {
        using var message = new MemoryStream();
        byte[] buffer = new byte[32 * 1024];
        ValueWebSocketReceiveResult received;
        do
        {
            received = await client.ReceiveAsync(buffer.AsMemory(), Soon.Token);
            message.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage);
        return message.ToArray();
    }
}
