using System.Globalization;
using System.Text;

namespace FastGate.EndToEnd.KeepAlive;

/// <summary>Many requests over one connection of a client, one after the other and all at once, and its end.</summary>
public sealed class ClientConnectionTests
{
    [Fact]
    public async Task A_thousand_requests_over_one_connection_on_either_side()
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using HttpClient client = Soon.HttpClient(gate);
        for (int i = 0; i < 1000; i++)
        {
            Assert.Equal($"{i}", await client.GetStringAsync($"/say/{i}", Soon.Token));
        }
        Assert.Equal(1, upstream.Connections);
        Assert.Equal(1, gate.Gate.Stats.Sum().ClientsAccepted);
        gate.Logs([.. Enumerable.Repeat("200", 1000)]);
    }

    [Fact]
    public async Task Sixty_four_pipelined_requests_are_answered_in_order()
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Burst(64));
        AssertAnswers(client, 64);
        // After the burst the connection is as good as new.
        client.Send(Burst(64));
        AssertAnswers(client, 64);
        Assert.Equal(1, upstream.Connections);
        gate.Logs([.. Enumerable.Repeat("200", 128)]);
    }

    [Fact]
    public async Task Pipelined_requests_in_every_cut()
    {
        const int Requests = 8;
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        byte[] burst = Encoding.ASCII.GetBytes(Burst(Requests));
        foreach (int step in (int[])[1, 7, 61, 256])
        {
            using Wire client = gate.Connect();
            for (int at = 0; at < burst.Length; at += step)
            {
                client.Send(burst.AsSpan(at, Math.Min(step, burst.Length - at)));
            }
            AssertAnswers(client, Requests);
        }
        gate.Logs([.. Enumerable.Repeat("200", 4 * Requests)]);
    }

    [Fact]
    public void A_pipelined_request_does_not_overtake()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
        using Wire connection = upstream.Accept();
        Assert.StartsWith("GET /1 ", connection.ReadHead(), StringComparison.Ordinal);
        Assert.False(connection.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead));
        Assert.False(upstream.HasPending);
        connection.Send(Expect.Ok);
        Assert.StartsWith("GET /2 ", connection.ReadHead(), StringComparison.Ordinal);
        connection.Send(Expect.Ok);
        client.Fine();
        client.Fine();
        gate.Logs("200", "200");
    }

    [Fact]
    public void Who_asks_for_the_end_gets_it_behind_the_answer()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + Expect.Get);
        using Wire connection = upstream.Accept();
        Assert.DoesNotContain("\r\nConnection:", connection.ReadHead(), StringComparison.Ordinal);
        connection.Send(Expect.Ok);
        string answer = client.ReadToEnd(out bool reset);
        Assert.False(reset);
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nok", answer, StringComparison.Ordinal);
        // The upstream's connection is another client's.
        using Wire other = gate.Connect();
        other.Send(Expect.Get);
        connection.ReadHead();
        connection.Send(Expect.Ok);
        other.Fine();
        gate.Logs("200", "200");
    }

    [Fact]
    public void Who_ends_his_side_after_the_request_gets_his_answer_all_the_same()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get + Expect.Get);
        client.Fin();
        using Wire connection = upstream.Accept();
        for (int i = 0; i < 2; i++)
        {
            connection.ReadHead();
            connection.Send(Expect.Ok);
            client.Fine();
        }
        client.AssertEnded();
        gate.Logs("200", "200");
    }

    [Fact]
    public void Who_ends_his_side_goes_on_reading_a_long_answer()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
        client.Fin();
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        Assert.Equal("body", connection.ReadExactly(4));
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n");
        client.ReadHead();
        for (int i = 0; i < 3; i++)
        {
            connection.Send(new string('x', 100));
            client.ReadExactly(100);
        }
        client.AssertEnded();
        gate.Logs("200");
    }

    private static string Burst(int requests) => string.Concat(Enumerable.Range(0, requests).Select(i => i % 3 == 2
        ? string.Create(CultureInfo.InvariantCulture,
            $"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {$"{i}".Length}\r\n\r\n{i}")
        : $"GET /say/{i} HTTP/1.1\r\nHost: h\r\n\r\n"));

    private static void AssertAnswers(Wire client, int requests)
    {
        for (int i = 0; i < requests; i++)
        {
            string head = client.ReadHead();
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", head, StringComparison.Ordinal);
            Assert.DoesNotContain("\r\nConnection: close\r\n", head, StringComparison.Ordinal);
            Assert.Equal($"{i}", ReadBody(client, head));
        }
    }

    /// <summary>Kestrel sends what it did not count in one chunk.</summary>
    private static string ReadBody(Wire client, string head)
    {
        if (!head.Contains("\r\nTransfer-Encoding: chunked\r\n", StringComparison.Ordinal))
        {
            return client.ReadExactly((int)Wire.LengthOf(head));
        }
        var body = new StringBuilder();
        while (true)
        {
            string size = "";
            while (!size.EndsWith("\r\n", StringComparison.Ordinal))
            {
                size += client.ReadExactly(1);
            }
            int length = int.Parse(size[..^2], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.Append(client.ReadExactly(length + 2)[..^2]);
            if (length == 0)
            {
                return body.ToString();
            }
        }
    }
}
