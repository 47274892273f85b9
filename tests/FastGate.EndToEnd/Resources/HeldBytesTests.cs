using System.Net.Sockets;
using FastGate.Net;
using FastGate.Net.Buffers;
using FastGate.Tests;

namespace FastGate.EndToEnd.Resources;

/// <summary>The most that one exchange holds of the gate's memory, phase by phase, whatever either side does: a
/// multiple of the longest head and a few buffers, however much is under way.</summary>
[Collection(Alone.Name)]
public sealed class HeldBytesTests : IDisposable
{
    private const int HeadBytesMax = 32 * 1024;
    private const int HeadersMax = 100;
    private const int MuchBytes = 8 << 20;

    /// <summary>Of objects, both connections' and the exchange's.</summary>
    private const int ObjectBytes = 12 * 1024;

    private readonly HandUpstream _upstream = new();
    private readonly GateOnLoopback _gate;

    public HeldBytesTests() => _gate = new GateOnLoopback(GateOnLoopback.To(_upstream.Address));

    private LaneMemory Memory => _gate.Transport.Lanes[0].Memory;

    public void Dispose()
    {
        _gate.Dispose();
        _upstream.Dispose();
    }

    [Fact]
    public void An_idle_client_holds_no_buffer()
    {
        using Wire client = _gate.Connect();
        using Wire server = Expect.Exchange(client, _upstream);
        Expect.Await(() => _gate.Transport.Lanes[0].Buffers.Rented == 0, "a buffer is held");
        Assert.InRange(Memory.Used, 1, ObjectBytes + 2 * 1024);
    }

    [Fact]
    public void Half_a_head_holds_itself_twice_and_a_buffer()
    {
        using Wire client = _gate.Connect();
        client.Send($"GET /{new string('a', HeadBytesMax - 100)} HTTP/1.1\r\nHost: ");
        AwaitHeld(HeadBytesMax, most: (3 * HeadBytesMax) + BufferPool.LargeBytes + ObjectBytes);
    }

    [Fact]
    public void Half_an_answer_s_head_holds_itself_twice_and_a_buffer()
    {
        using Wire client = _gate.Connect();
        client.Send(Expect.Get);
        using Wire server = _upstream.Accept();
        server.ReadHead();
        server.Send($"HTTP/1.1 200 OK\r\nX: {new string('a', HeadBytesMax - 100)}");
        AwaitHeld(HeadBytesMax, most: (3 * HeadBytesMax) + BufferPool.LargeBytes + ObjectBytes);
    }

    [Fact]
    public void Half_a_trailer_section_holds_itself_and_a_buffer()
    {
        using Wire client = _gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
        using Wire server = _upstream.Accept();
        server.ReadHead();
        client.Send($"X: {new string('a', HeadBytesMax - 100)}");
        AwaitHeld(HeadBytesMax / 2, most: HeadBytesMax + BufferPool.LargeBytes + ObjectBytes);
    }

    [Theory]
    [InlineData("Content-Length: 100000000", "")]
    [InlineData("Connection: close", "")]
    [InlineData("Transfer-Encoding: chunked", "5f5e100\r\n")]
    public void An_answer_that_is_not_read_holds_a_buffer_and_its_copy(string framing, string start)
    {
        using Wire client = Wire.Connect(_gate.Port, receiveBuffer: 4096);
        client.Send(Expect.Get);
        using Wire server = _upstream.Accept();
        server.ReadHead();
        server.Send($"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{start}");
        SendMuch(server, new byte[MuchBytes]);
        AwaitHeld(BufferPool.SmallBytes, most: (3 * BufferPool.LargeBytes) + ObjectBytes);
    }

    /// <summary>Written anew, a chunk of one byte takes no more than it came in.</summary>
    [Fact]
    public void An_answer_of_tiny_chunks_that_is_not_read_holds_no_more()
    {
        using Wire client = Wire.Connect(_gate.Port, receiveBuffer: 4096);
        client.Send(Expect.Get);
        using Wire server = _upstream.Accept();
        server.ReadHead();
        server.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        byte[] chunks = new byte[MuchBytes / 6 * 6];
        for (int i = 0; i < chunks.Length; i += 6)
        {
            "1\r\na\r\n"u8.CopyTo(chunks.AsSpan(i));
        }
        SendMuch(server, chunks);
        AwaitHeld(BufferPool.SmallBytes, most: (3 * BufferPool.LargeBytes) + ObjectBytes);
    }

    [Theory]
    [InlineData("Content-Length: 100000000", "")]
    [InlineData("Transfer-Encoding: chunked", "5f5e100\r\n")]
    public void A_body_that_the_upstream_does_not_take_holds_a_buffer_and_its_copy(string framing, string start)
    {
        using Wire client = _gate.Connect();
        client.Send($"POST /a HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n{start}");
        using Wire server = _upstream.Accept();
        SendMuch(client, new byte[MuchBytes]);
        AwaitHeld(BufferPool.SmallBytes, most: (3 * BufferPool.LargeBytes) + ObjectBytes);
    }

    /// <summary>With a body that may have to be sent again (<c>body_max</c>, 64 KiB): for a moment it is held with the
    /// buffer that was read last and with what of that goes on as chunks, as it happens to come.</summary>
    [Theory]
    [InlineData("Content-Length: 65536", "")]
    [InlineData("Transfer-Encoding: chunked", "fff0\r\n")]
    public void A_body_that_is_kept_for_another_try_holds_itself(string framing, string start)
    {
        using Wire client = _gate.Connect();
        client.Send($"PUT /a HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n{start}");
        using Wire server = _upstream.Accept();
        server.ReadHead();
        client.Send(new string('x', 65_000));
        AwaitHeld(65_000, most: (3 * BufferPool.LargeBytes) + BufferPool.SmallBytes + ObjectBytes);
        server.ReadExactly(65_000);
        server.Send(Expect.Ok);
        Expect.Await(() => _gate.Transport.Lanes[0].Buffers.Rented == 0, "a buffer is held");
    }

    [Fact]
    public void A_tunnel_neither_of_whose_ends_reads_holds_a_buffer_each_way()
    {
        using Wire client = _gate.Connect();
        client.Send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        using Wire server = _upstream.Accept();
        server.ReadHead();
        server.Send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        client.ReadHead();
        SendMuch(client, new byte[MuchBytes]);
        SendMuch(server, new byte[MuchBytes]);
        AwaitHeld(2 * BufferPool.SmallBytes, most: (2 * BufferPool.LargeBytes) + ObjectBytes);
    }

    [Fact]
    public void Pipelined_requests_wait_in_the_kernel()
    {
        using Wire client = _gate.Connect();
        client.Send(Expect.Get);
        using Wire server = _upstream.Accept();
        SendMuch(client, [.. Enumerable.Repeat("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray(), MuchBytes / 29)
            .SelectMany(each => each)]);
        AwaitHeld(1, most: BufferPool.SmallBytes + ObjectBytes);
    }

    /// <summary>The longest heads both ways, with the longest paths, and nobody reads.</summary>
    [Fact]
    public void Everything_at_once_stays_within_the_sum()
    {
        string fields = string.Concat(Enumerable.Range(0, HeadersMax - 10).Select(i => $"N{i:d2}: {new string('v', 150)}\r\n"));
        string path = string.Concat(Enumerable.Repeat("/%7e./", (HeadBytesMax - fields.Length - 500) / 6));
        using Wire client = Wire.Connect(_gate.Port, receiveBuffer: 4096);
        client.Send($"POST {path} HTTP/1.1\r\nHost: h\r\n{fields}Content-Length: 100000000\r\n\r\n");
        using Wire server = _upstream.Accept();
        server.ReadHead();
        SendMuch(client, new byte[MuchBytes]);
        server.Send($"HTTP/1.1 200 OK\r\nX: {new string('x', HeadBytesMax - 500)}\r\n");
        server.Send("Content-Length: 100000000\r\n\r\n");
        client.ReadHead();
        SendMuch(server, new byte[MuchBytes]);
        AwaitHeld(2 * BufferPool.LargeBytes, most: (8 * HeadBytesMax) + (4 * BufferPool.LargeBytes) + ObjectBytes);
    }

    /// <summary>Nobody takes it any more after some megabytes in the kernel.</summary>
    private static void SendMuch(Wire wire, byte[] bytes)
    {
        wire.Socket.Blocking = false;
        int sent = 0;
        while (sent < bytes.Length && wire.Socket.Poll(100_000, SelectMode.SelectWrite))
        {
            sent += Math.Max(0, wire.Socket.Send(bytes, sent, bytes.Length - sent, SocketFlags.None, out _));
        }
        wire.Socket.Blocking = true;
    }

    /// <summary>Waits until so much is held, so that the test cannot look too early, and never more.</summary>
    private void AwaitHeld(long least, long most)
    {
        long seen = 0;
        Expect.Await(() => (seen = Math.Max(seen, Memory.Used)) >= least, "nothing is held");
        TestContext.Current.SendDiagnosticMessage($"{seen >> 10} KiB of {most >> 10}");
        Assert.InRange(seen, least, most);
        Assert.InRange(Memory.Used, 0, most);
    }
}
