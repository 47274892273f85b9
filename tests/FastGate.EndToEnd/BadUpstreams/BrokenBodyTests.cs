using FastGate.Net;

namespace FastGate.EndToEnd.BadUpstreams;

/// <summary>An answer whose body is not what its head said. The client sees that it was cut; it is never given an end
/// that the upstream did not give, nor a byte behind the end.</summary>
public sealed class BrokenBodyTests
{
    private const string Length = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    private const string Chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    private const string UntilClose = "HTTP/1.1 200 OK\r\n\r\n";

    [Theory]
    [InlineData(Length, "half", "half", false)]
    [InlineData(Length, "half", "half", true)]
    [InlineData(Chunked, "4\r\nhalf\r\n", "4\r\nhalf\r\n", false)]
    [InlineData(Chunked, "4\r\nhalf\r\n", "4\r\nhalf\r\n", true)]
    [InlineData(Chunked, "9\r\nhalf", "4\r\nhalf\r\n", false)]
    [InlineData(Chunked, "4\r\nhalf\r\n0\r\n", "4\r\nhalf\r\n", false)]
    [InlineData(Chunked, "4\r\nhalf\r\n0\r\nX-Sum: 1\r\n", "4\r\nhalf\r\n", false)]
    [InlineData(UntilClose, "half", "4\r\nhalf\r\n", true)]
    public void It_ends_too_early(string head, string body, string forwarded, bool reset)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(head + body);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", client.ReadHead(), StringComparison.Ordinal);
        Assert.Equal(forwarded, client.ReadExactly(forwarded.Length));
        if (reset)
        {
            connection.Reset();
        }
        else
        {
            connection.Fin();
        }
        client.Cut();
        using Wire other = gate.Connect();
        using Wire next = Expect.Exchange(other, upstream);
        gate.Logs("200 http_response_incomplete", "200");
    }

    [Theory]
    [InlineData("4\r\nhalf\r\nxyz\r\n")]
    [InlineData("4\r\nhalfX\r\n")]
    [InlineData("4\r\nhalf\r\nFFFFFFFFFFFFFFFFF\r\n")]
    [InlineData("4\r\nhalf\r\n-1\r\n")]
    [InlineData("4\r\nhalf\r\n0x4\r\n")]
    [InlineData("4\r\nhalf\n0\n\n")]
    [InlineData("4\r\nhalf\r\n0\r\nno field\r\n\r\n")]
    public void A_chunk_breaks_the_coding(string body)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(Chunked + body[..7]);
        client.ReadHead();
        Assert.Equal("4\r\nhalf\r\n", client.ReadExactly(9));
        connection.Send(body[7..]);
        client.Cut();
        connection.ReadToEnd(out _);
        using Wire other = gate.Connect();
        using Wire next = Expect.Exchange(other, upstream);
        gate.Logs("200 http_protocol_error", "200");
    }

    [Theory]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "ok", "ok")]
    [InlineData("GET", Chunked, "2\r\nok\r\n0\r\n\r\n", "2\r\nok\r\n0\r\n\r\n")]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", "")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\n\r\n", "", "")]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n", "", "")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", "", "")]
    public void What_comes_behind_the_end_reaches_nobody(string method, string head, string body, string forwarded)
    {
        const string Surplus = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send($"{method} /a HTTP/1.1\r\nHost: h\r\n\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(head + body + Surplus);
        client.ReadHead();
        Assert.Equal(forwarded, client.ReadExactly(forwarded.Length));
        using Wire next = Expect.Exchange(client, upstream);
        connection.ReadToEnd(out _);
        client.Fin();
        client.AssertEnded();
        gate.Logs($"{Wire.StatusOf(head)}", "200");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")]
    [InlineData("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")]
    public void An_answer_before_it_was_asked_costs_the_idle_connection(string unasked)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire first = Expect.Exchange(client, upstream);
        first.Send(unasked);
        Assert.Equal("", first.ReadToEnd(out _));
        using Wire second = Expect.Exchange(client, upstream);
        gate.Logs("200", "200");
    }

    [Fact]
    public void An_answer_before_it_was_asked_is_nobody_s_even_where_a_request_came_just_before_it()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire first = Expect.Exchange(client, upstream);
        using (new HeldLane(gate.Transport.Lanes[0]))
        {
            // Both are there when the lane looks again, the request in front.
            client.Send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
            first.Send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
        }
        using Wire second = upstream.Accept();
        Assert.StartsWith("GET /b ", second.ReadHead(), StringComparison.Ordinal);
        second.Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine");
        client.ReadHead();
        Assert.Equal("mine", client.ReadExactly(4));
        // Without a byte of the request: a method that is not idempotent may be sent on the second.
        Assert.Equal("", first.ReadToEnd(out _));
        gate.Logs("200", "200");
    }

    /// <summary>A lane that does nothing until this is disposed of.</summary>
    private sealed class HeldLane : IDisposable
    {
        private readonly ManualResetEventSlim _release = new();

        public HeldLane(Lane lane)
        {
            using var held = new ManualResetEventSlim();
            lane.Post(new LaneAction(() =>
            {
                held.Set();
                _release.Wait(TimeSpan.FromSeconds(10));
            }));
            Assert.True(held.Wait(TimeSpan.FromSeconds(10)));
        }

        public void Dispose() => _release.Set();
    }
}
