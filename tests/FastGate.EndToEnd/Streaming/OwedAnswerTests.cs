using System.Text;

namespace FastGate.EndToEnd.Streaming;

/// <summary>Answers are sent at the end of a turn: together where they can be, and never cut for that.</summary>
public sealed class OwedAnswerTests
{
    private const int Bytes = 12_000;
    private const string Close = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

    [Fact]
    public void Answers_to_a_pipeline_come_in_one_piece()
    {
        const int Count = 10;
        using var gate = new GateOnLoopback(Responding("pong"));
        using Wire client = gate.Connect();
        client.Send(string.Concat(Enumerable.Repeat(Expect.Get, Count)));
        byte[] block = new byte[64 * 1024];
        string first = Encoding.ASCII.GetString(block, 0, client.Socket.Receive(block));
        Assert.Equal(Count, first.Split("\r\n\r\npong").Length - 1);
        Assert.EndsWith("pong", first, StringComparison.Ordinal);
    }

    /// <summary>The second answer is too much to be left to the end of the turn, and takes the first along.</summary>
    [Fact]
    public void A_connection_that_owes_nothing_more_when_the_turn_ends_goes_on()
    {
        using var gate = new GateOnLoopback(Responding(new string('x', Bytes)));
        using Wire client = gate.Connect();
        client.Send(Expect.Get + Expect.Get);
        Assert.Equal(Bytes, client.ReadMessage().Body.Length);
        Assert.Equal(Bytes, client.ReadMessage().Body.Length);
        client.Send(Expect.Get);
        Assert.Equal(Bytes, client.ReadMessage().Body.Length);
    }

    [Fact]
    public void A_request_with_its_answers_around_an_upstream_keeps_the_order()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get + Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\none|");
        connection.ReadHead();
        connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntwo|\r\n0\r\n\r\n");
        Assert.Equal("one|", client.ReadMessage().Body);
        client.ReadHead();
        Assert.Equal("4\r\ntwo|\r\n0\r\n\r\n", client.ReadExactly(14));
    }

    /// <summary>The last answer is with the gate still when its connection is to end, because those before it have
    /// filled the buffers of a client that does not read yet.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_last_answer_that_the_client_takes_late_is_whole(bool halfClose)
    {
        using var gate = new GateOnLoopback(Responding(new string('x', Bytes)));
        // The next one is not served before somebody reads. How many that are differs by one or two.
        int most = Round(gate, count: int.MaxValue, "");
        for (int count = most + 2; count > most - 6; count--)
        {
            Round(gate, count, halfClose ? Expect.Get : Close);
        }
    }

    /// <summary>Asks without reading, one request after the other's end, then with the last one; then reads it
    /// all.</summary>
    /// <returns>How many were served before something was read.</returns>
    private static int Round(GateOnLoopback gate, int count, string last)
    {
        using Wire client = Wire.Connect(gate.Port, receiveBuffer: 4096);
        long before = gate.Gate.Stats.Sum().Requests;
        int asked = 0;
        do
        {
            client.Send(++asked == count ? last : Expect.Get);
        }
        while (IsServed(asked) && asked < count);
        int served = (int)(gate.Gate.Stats.Sum().Requests - before);
        if (last.Length > 0)
        {
            client.Fin();
        }
        for (int i = 0; i < asked; i++)
        {
            (string head, string body) = client.ReadMessage();
            Assert.Equal(200, Wire.StatusOf(head));
            Assert.Equal(Bytes, body.Length);
        }
        if (last.Length > 0)
        {
            Assert.Equal("", client.ReadToEnd(out bool reset));
            Assert.False(reset, $"answer {asked} was cut");
        }
        Expect.Await(() => gate.Gate.Stats.Sum().Requests - before == asked, "some were not served");
        return served;

        // Not within this time is not an error: it waits for somebody to read.
        bool IsServed(int requests) =>
            SpinWait.SpinUntil(() => gate.Gate.Stats.Sum().Requests - before >= requests, 300);
    }

    private static string Responding(string body) =>
        $"[[route]]\nname = \"fixed\"\nmatch = \"/*\"\nrespond = {{ status = 200, body = \"{body}\" }}\n";
}
