using System.Globalization;

namespace FastGate.Tests.Proxy;

/// <summary><c>body_rate_min</c> both ways, with the time moved by hand: a client may pause, and may be slow for a
/// while, and no trick makes it slow for long.</summary>
public sealed class SlowPeerTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Post = "POST /a HTTP/1.1\r\nHost: h\r\n";
    private const string Rate = "body_rate_min = \"100B/s\"";
    private const string Idle = "timeout = { idle = \"30s\" }";

    [Fact]
    public void A_fast_beginning_buys_a_pause_and_no_more()
    {
        using GateInMemory gate = GateInMemory.With(Rate, Idle);
        Peer client = gate.Connect();
        client.Send($"{Post}Content-Length: 2000000\r\n\r\n");
        client.Send(new byte[1_000_000]);
        gate.Advance(29_000);
        Assert.Equal(0, client.ReceivedBytes);
        // Of the 30 s it had, one is left, and a byte earns ten milliseconds.
        client.Send("a");
        gate.Advance(900);
        client.Send("a");
        Assert.Equal(0, client.ReceivedBytes);
        gate.Advance(200);
        AssertTimedOut(client);
    }

    [Fact]
    public void A_pause_that_was_made_up_for_may_be_made_again()
    {
        using GateInMemory gate = GateInMemory.With(Rate, Idle);
        Peer client = gate.Connect();
        client.Send($"{Post}Content-Length: 60000\r\n\r\n");
        for (int i = 0; i < 10; i++)
        {
            client.Send(new byte[6_000]);
            if (i < 9)
            {
                gate.Advance(29_000);
                Assert.Equal(0, client.ReceivedBytes);
            }
        }
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        Assert.EndsWith("ok", client.Received);
    }

    /// <summary>Bytes that are no data move, but buy no time beyond the rate.</summary>
    [Theory]
    [InlineData("", "1;name=0123456789")]
    [InlineData("1\r\na\r\n", "00000000001;name=0123456789")]
    [InlineData("1\r\na\r\n0\r\n", "Trailer: 0123456789")]
    public void Chunked_framing_that_dribbles_is_408(string before, string dribble)
    {
        using GateInMemory gate = GateInMemory.With(Rate, Idle);
        Peer client = gate.Connect();
        client.Send($"{Post}Transfer-Encoding: chunked\r\n\r\n{before}");
        int waits = 0;
        foreach (char c in dribble)
        {
            client.Send(c.ToString());
            if (client.ReceivedBytes > 0)
            {
                break;
            }
            gate.Advance(5_000);
            waits++;
        }
        AssertTimedOut(client);
        Assert.InRange(waits, 2, 4);
    }

    /// <summary>An upload has no pace behind the head of its answer, and yet a client alone keeps no connection: what
    /// it sends buys no time when the server says nothing.</summary>
    [Theory]
    [InlineData("Content-Length: 1000", "a")]
    [InlineData("Content-Length: 1000", "")]
    [InlineData("Transfer-Encoding: chunked", "1\r\na\r\n")]
    [InlineData("Transfer-Encoding: chunked", "")]
    public void An_upload_behind_the_head_of_its_answer_ends_with_the_server_s_silence(string framing, string dribble)
    {
        using GateInMemory gate = GateInMemory.With(Rate, Idle);
        Peer client = gate.Connect();
        client.Send($"{Post}{framing}\r\n\r\n{dribble}");
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\na");
        for (int second = 0; second < 29; second++)
        {
            gate.Advance(1_000);
            Send(client, dribble);
        }
        Assert.False(client.Ended);
        gate.Advance(1_100);
        Assert.True(client.Broken, "it looks whole");
        Assert.True(gate.Upstream[0].Ended);
        Assert.Equal(0, gate.Gate.Connections);
    }

    /// <summary>Nor does a client that sends nothing more keep what its server has done with.</summary>
    [Theory]
    [InlineData("Content-Length: 1000")]
    [InlineData("Transfer-Encoding: chunked")]
    public void An_upload_ends_with_the_answer(string framing)
    {
        using GateInMemory gate = GateInMemory.With(Rate, Idle);
        Peer client = gate.Connect();
        client.Send($"{Post}{framing}\r\n\r\n");
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        Assert.EndsWith("ok", client.Received, StringComparison.Ordinal);
        Assert.True(gate.Upstream[0].Ended);
        gate.Advance(2_100);
        Assert.True(client.Ended);
        Assert.Equal(0, gate.Gate.Connections);
    }

    [Theory]
    [InlineData("Content-Length: 1000", "a")]
    [InlineData("Transfer-Encoding: chunked", "1\r\na\r\n")]
    public void A_conversation_may_be_as_slow_as_both_like(string framing, string piece)
    {
        using GateInMemory gate = GateInMemory.With(Rate, Idle);
        Peer client = gate.Connect();
        client.Send($"{Post}{framing}\r\n\r\n{piece}");
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 40; i++)
        {
            // Each waits for the other, and once in a while the server speaks alone.
            gate.Advance(20_000);
            Send(client, i % 4 == 3 ? "" : piece);
            gate.Upstream[0].Send("1\r\nb\r\n");
        }
        Assert.False(client.Ended);
        Assert.Equal(31, gate.Upstream[0].Received.Split("\r\n\r\n", 2)[1].Count(static c => c == 'a'));
        gate.Upstream[0].Send("0\r\n\r\n");
        Assert.EndsWith("\r\n0\r\n\r\n", client.Received, StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_that_takes_an_answer_slower_than_the_rate_is_cut_though_it_takes_some()
    {
        using GateInMemory gate = GateInMemory.With("body_rate_min = \"40KiB/s\"", Idle);
        (Peer client, int seconds) = Take(gate, everyMs: 5_000, limitSeconds: 600);
        Assert.InRange(seconds, 10, 100);
        Assert.True(gate.Upstream[0].Ended);
        Assert.Equal(0, gate.Gate.Connections);
        Assert.True(client.Broken, "it looks whole");
    }

    [Fact]
    public void A_client_that_takes_an_answer_at_the_rate_gets_all_of_it()
    {
        using GateInMemory gate = GateInMemory.With("body_rate_min = \"40KiB/s\"", Idle);
        (Peer client, int seconds) = Take(gate, everyMs: 1_000, limitSeconds: 90);
        Assert.Equal(90, seconds);
        Assert.False(client.Broken);
    }

    [Fact]
    public void A_tunnel_may_be_as_slow_as_it_likes()
    {
        using GateInMemory gate = GateInMemory.With("body_rate_min = \"1GiB/s\"");
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        client.Send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        gate.Upstream[0].Send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        client.Hold();
        gate.Upstream[0].Send(new byte[1_000_000]);
        gate.Advance(600_000);
        client.Send("still here");
        Assert.EndsWith("still here", gate.Upstream[0].Received);
        Assert.False(client.Broken);
    }

    /// <summary>Every byte of such a section used to have all of it copied.</summary>
    [Fact]
    public void Trailers_that_dribble_cost_what_they_are_long()
    {
        using GateInMemory gate = GateInMemory.With("head_bytes_max = \"32KiB\"");
        Peer client = gate.Connect();
        string value = new('v', 300);
        client.Send($"{Post}Transfer-Encoding: chunked\r\n\r\n0\r\n");
        string trailers = string.Concat(Enumerable.Range(0, 90).Select(i =>
            string.Create(CultureInfo.InvariantCulture, $"Name-{i}: {value}\r\n")));
        Assert.InRange(trailers.Length, 1.5 * FastGate.Net.Buffers.BufferPool.SmallBytes, 32 * 1024);
        byte[][] bytes = [.. trailers.Select(c => new[] { (byte)c })];
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (byte[] one in bytes)
        {
            client.Send(one);
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, 1_000_000);
        client.Send("\r\n");
        Assert.EndsWith($"\r\n0\r\n{trailers}\r\n", gate.Upstream[0].Received);
    }

    [Theory]
    [InlineData("\r")]
    [InlineData("T: 1\r")]
    [InlineData("T: 1\r\n\r")]
    [InlineData("T: 1\rx\r\n")]
    public void Trailers_that_straddle_buffers_end_where_they_end(string trailers)
    {
        using GateInMemory gate = GateInMemory.With("head_bytes_max = \"32KiB\"");
        Peer client = gate.Connect();
        // The section begins a byte before the end of a buffer, whatever it holds.
        string head = $"{Post}Transfer-Encoding: chunked\r\n\r\n";
        int body = FastGate.Net.Buffers.BufferPool.SmallBytes - head.Length - "3fff\r\n\r\n0\r\n".Length - 1;
        string start = string.Create(CultureInfo.InvariantCulture, $"{head}{body:x4}\r\n{new string('b', body)}\r\n0\r\n");
        client.Send(start + trailers[..1]);
        foreach (char c in trailers[1..])
        {
            client.Send(c.ToString());
        }
        bool isBroken = trailers.Contains("\rx", StringComparison.Ordinal);
        if (!isBroken)
        {
            Assert.Equal(0, client.ReceivedBytes);
            client.Send("\n");
            client.Send(trailers.StartsWith('T') && !trailers.EndsWith("\n\r", StringComparison.Ordinal) ? "\r\n" : "");
            Assert.EndsWith(trailers.StartsWith('T') ? "\r\n0\r\nT: 1\r\n\r\n" : "\r\n0\r\n\r\n",
                gate.Upstream[0].Received);
        }
        else
        {
            client.Send("\r\n");
            Assert.StartsWith("HTTP/1.1 400 ", client.Received);
        }
    }

    /// <summary>An endless answer, of which the client takes what one read brings at a time.</summary>
    private static (Peer Client, int Seconds) Take(GateInMemory gate, int everyMs, int limitSeconds)
    {
        Peer client = gate.Connect();
        client.Hold();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        long now = 0;
        while (now < limitSeconds * 1_000L && !gate.Upstream[0].Ended)
        {
            if (gate.Upstream[0].Connection.OutputInUse is not { IsWaiting: true })
            {
                gate.Upstream[0].Send(new byte[100_000]);
            }
            client.Take();
            gate.Advance(everyMs);
            now += everyMs;
        }
        return (client, (int)(now / 1_000));
    }

    private static void Send(Peer client, string text)
    {
        if (text.Length > 0)
        {
            client.Send(text);
        }
    }

    private static void AssertTimedOut(Peer client)
    {
        Assert.StartsWith("HTTP/1.1 408 ", client.Received);
        Assert.Contains("error=client_timeout", client.Received);
        Assert.True(client.Ended);
    }
}
