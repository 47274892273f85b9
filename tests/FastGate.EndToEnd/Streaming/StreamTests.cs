using System.Net.Sockets;

namespace FastGate.EndToEnd.Streaming;

/// <summary>Bytes go on as they come, and no faster than they are taken.</summary>
public sealed class StreamTests
{
    private const int Long = 200 << 20;

    /// <summary>What the gate's two sockets and the peers' may hold between them in the kernel; the gate's own buffers
    /// are measured apart.</summary>
    private const int KernelBytesMax = 48 << 20;
    private const int GateBytesMax = 1 << 20;

    [Theory]
    [InlineData("Transfer-Encoding: chunked\r\n", true)]
    [InlineData("", false)]
    public void Each_event_is_there_before_the_next_is_sent(string framing, bool chunked)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("GET /events HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send($"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{framing}\r\n");
        Assert.Contains("\r\nContent-Type: text/event-stream\r\n", client.ReadHead(), StringComparison.Ordinal);
        for (int i = 0; i < 200; i++)
        {
            string data = $"data: {i}\n\n";
            string chunk = $"{data.Length:x}\r\n{data}\r\n";
            connection.Send(chunked ? chunk : data);
            Assert.Equal(chunk, client.ReadExactly(chunk.Length).ToLowerInvariant());
        }
        connection.Send(chunked ? "0\r\n\r\n" : "");
        connection.Fin();
        Assert.Equal("0\r\n\r\n", client.ReadExactly(5));
        gate.Logs("200");
    }

    [Fact]
    public void Each_piece_of_a_request_s_body_is_there_before_the_next_is_sent()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        for (int i = 0; i < 200; i++)
        {
            client.Send("2\r\nab\r\n");
            Assert.Equal("2\r\nab\r\n", connection.ReadExactly(7));
        }
        client.Send("0\r\n\r\n");
        Assert.Equal("0\r\n\r\n", connection.ReadExactly(5));
        connection.Send(Expect.Ok);
        client.Fine();
        gate.Logs("200");
    }

    [Theory]
    [InlineData("Content-Length: 209715200\r\n", "")]
    [InlineData("Transfer-Encoding: chunked\r\n", "c800000\r\n")]
    [InlineData("Connection: close\r\n", "")]
    public void A_client_that_does_not_read_holds_its_upstream_back(string framing, string start)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = Wire.Connect(gate.Port, receiveBuffer: 64 * 1024);
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Socket.SendBufferSize = 64 * 1024;
        connection.Send($"HTTP/1.1 200 OK\r\n{framing}\r\n{start}");
        int sent = SendUntilBlocked(connection.Socket);
        Assert.InRange(sent, 1, KernelBytesMax);
        Assert.InRange(gate.Transport.Lanes[0].Buffers.RentedBytes, 0, GateBytesMax);
        // It is a bound and no dead end: what the client takes makes room for as much.
        Drain(client.Socket, sent);
        Assert.InRange(SendUntilBlocked(connection.Socket), 1, 2 * KernelBytesMax);
        Assert.InRange(gate.Transport.Lanes[0].Buffers.RentedBytes, 0, GateBytesMax);
        client.Reset();
        Assert.Equal("", connection.ReadToEnd(out _));
        gate.Logs("200 client_closed");
        Assert.Equal(0, gate.Transport.Lanes[0].Buffers.RentedBytes);
    }

    [Fact]
    public void An_upstream_that_does_not_read_holds_its_client_back()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Socket.SendBufferSize = 64 * 1024;
        client.Send($"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: {Long}\r\n\r\n");
        using Wire connection = upstream.Accept();
        Assert.InRange(SendUntilBlocked(client.Socket), 1, KernelBytesMax);
        Assert.InRange(gate.Transport.Lanes[0].Buffers.RentedBytes, 0, GateBytesMax);
        client.Reset();
        connection.ReadToEnd(out bool reset);
        Assert.True(reset, "half a body came to an end");
        gate.Logs("499 client_closed");
    }

    /// <returns>How many bytes went in, until nothing more goes for half a second.</returns>
    private static int SendUntilBlocked(Socket socket)
    {
        byte[] block = new byte[64 * 1024];
        int sent = 0;
        socket.Blocking = false;
        while (sent < Long && socket.Poll(500_000, SelectMode.SelectWrite))
        {
            sent += Math.Max(0, socket.Send(block, 0, block.Length, SocketFlags.None, out _));
        }
        socket.Blocking = true;
        return sent;
    }

    private static void Drain(Socket socket, int bytes)
    {
        byte[] block = new byte[64 * 1024];
        while (bytes > 0)
        {
            int count = socket.Receive(block);
            Assert.True(count > 0, "ended");
            bytes -= count;
        }
    }
}
