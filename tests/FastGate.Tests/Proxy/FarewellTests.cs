namespace FastGate.Tests.Proxy;

/// <summary>How long and how much a client that was refused is still listened to.</summary>
public sealed class FarewellTests
{
    private const int LingerBytesMax = 256 * 1024;
    private const int RefusalsMax = 64;

    [Fact]
    public void Who_goes_on_sending_after_his_refusal_is_heard_out_up_to_a_bound_in_bytes()
    {
        using GateInMemory gate = GateInMemory.With();
        Peer client = gate.Connect();
        client.Send("nonsense\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", client.Received);
        byte[] more = new byte[16 * 1024];
        int sent = 0;
        while (gate.Gate.Connections == 1 && sent < 2 * LingerBytesMax)
        {
            Assert.False(client.Broken);
            client.Send(more);
            sent += more.Length;
        }
        Assert.InRange(sent, LingerBytesMax, LingerBytesMax + (8 * more.Length));
        Assert.Equal(0, gate.Gate.Connections);
        client.Send(more);
        Assert.True(client.Broken);
    }

    [Fact]
    public void And_up_to_a_bound_in_time()
    {
        using GateInMemory gate = GateInMemory.With();
        Peer client = gate.Connect();
        client.Send("nonsense\r\n\r\n");
        for (int i = 0; i < 4; i++)
        {
            gate.Advance(490);
            client.Send("x");
        }
        Assert.Equal(1, gate.Gate.Connections);
        gate.Advance(100);
        Assert.Equal(0, gate.Gate.Connections);
    }

    [Fact]
    public void Of_those_over_connections_max_so_many_are_told_at_a_time_and_the_rest_just_ends()
    {
        using GateInMemory gate = GateInMemory.With(client: "connections_max = 1");
        Peer admitted = gate.Connect();
        admitted.Send("GET ");
        Peer[] refused = [.. Enumerable.Range(0, RefusalsMax + 1).Select(_ => gate.Connect())];
        Assert.All(refused[..RefusalsMax], peer => Assert.StartsWith("HTTP/1.1 503 ", peer.Received));
        Assert.Equal((0, true), (refused[^1].ReceivedBytes, refused[^1].Ended));
        gate.Advance(2_100);
        Assert.StartsWith("HTTP/1.1 503 ", gate.Connect().Received);
        Assert.False(admitted.Ended);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")]
    [InlineData("GET / HTTP/1.0\r\n\r\n")]
    [InlineData("GET /here HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")]
    public void Who_asked_for_the_end_and_says_no_more_is_not_waited_for(string request)
    {
        using GateInMemory gate = WithOwnAnswer();
        Peer client = gate.Connect();
        client.Send(request);
        Answer(gate);
        Assert.EndsWith("ok", client.Received, StringComparison.Ordinal);
        Assert.Equal((true, false, 0), (client.Ended, client.Broken, gate.Gate.Connections));
    }

    /// <summary>A request behind the last one, though none may be there; an end that is not the client's wish; a body
    /// that is not read; a line end of old clients behind one that is.</summary>
    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", "")]
    [InlineData("GET /here HTTP/1.1\r\nHost: h\r\n\r\nGET /here HTTP/1.1\r\nHost: h\r\n\r\n", "requests_pipelined_max = 1")]
    [InlineData("POST /here HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 9\r\n\r\nhi", "")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", "")]
    [InlineData("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "")]
    public void Whoever_may_say_more_is_heard_out(string requests, string keys)
    {
        using GateInMemory gate = WithOwnAnswer(keys);
        Peer client = gate.Connect();
        client.Send(requests);
        Answer(gate);
        Assert.EndsWith("ok", client.Received, StringComparison.Ordinal);
        Assert.Equal((true, 1), (client.Ended, gate.Gate.Connections));
        gate.Advance(2_100);
        Assert.Equal(0, gate.Gate.Connections);
    }

    /// <summary>Whichever is dispatched first: closed with the request unread, the answer would be lost.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Nor_is_what_comes_in_the_turn_of_the_answer_overlooked(bool answerFirst)
    {
        using GateInMemory gate = WithOwnAnswer();
        Peer client = gate.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        for (int i = 0; i < 2; i++)
        {
            if (answerFirst == (i == 0))
            {
                gate.Upstream[0].Queue("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"u8.ToArray());
            }
            else
            {
                client.Queue("GET / HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
            }
        }
        gate.Run();
        Assert.EndsWith("ok", client.Received, StringComparison.Ordinal);
        Assert.Equal((true, false, 1), (client.Ended, client.Broken, gate.Gate.Connections));
    }

    [Theory]
    [InlineData(7 * 1024, 0, 0)]
    [InlineData(8 * 1024, 0, 1)]
    [InlineData(0, 7 * 1024, 0)]
    [InlineData(0, 8 * 1024, 1)]
    public void Who_gets_a_large_answer_is_heard_out_for_it_may_be_under_way(int bytes, int ofHead, int connections)
    {
        using GateInMemory gate = WithOwnAnswer();
        Peer client = gate.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        gate.Upstream[0].Send($"HTTP/1.1 200 OK\r\nX: {new string('h', ofHead)}\r\nContent-Length: {bytes}\r\n\r\n"
            + new string('x', bytes));
        Assert.InRange(client.ReceivedBytes, bytes + ofHead, bytes + ofHead + 512);
        Assert.Equal((true, connections), (client.Ended, gate.Gate.Connections));
    }

    private static GateInMemory WithOwnAnswer(string client = "") => GateInMemory.With(client, routes: """
        [[route]]
        name = "here"
        match = "/here"
        respond = { status = 200, body = "ok" }
        """);

    private static void Answer(GateInMemory gate)
    {
        if (gate.Upstream is [var upstream])
        {
            upstream.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    }
}
