using System.Diagnostics;
using System.Net.Sockets;

namespace FastGate.EndToEnd.Streaming;

/// <summary>`timeout.idle` bounds the gap between bytes, not the time of a whole buffer.</summary>
public sealed class SlowPeerTests
{
    private const string IdleOfASecond = "timeout = { idle = \"1s\" }";
    private const int Length = 8 * 1024 * 1024;
    private const int Slice = 64 * 1024;
    private static readonly TimeSpan s_gap = TimeSpan.FromMilliseconds(40);

    [Fact]
    public async Task A_client_that_reads_slowly_gets_everything()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, IdleOfASecond));
        using Wire client = Wire.Connect(gate.Port, receiveBuffer: Slice);
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        var sending = new Thread(() =>
        {
            connection.Send($"HTTP/1.1 200 OK\r\nContent-Length: {Length}\r\n\r\n");
            connection.TrySend(new byte[Length]);
        });
        sending.Start();
        client.ReadHead();
        Assert.Equal(Length, await ReadSlowlyAsync(client));
        Assert.True(sending.Join(Wire.BoundMs));
        gate.Logs("200");
    }

    [Fact]
    public async Task An_upstream_that_reads_slowly_gets_everything()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, IdleOfASecond));
        using Wire client = gate.Connect();
        var sending = new Thread(() =>
        {
            client.Send($"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: {Length}\r\n\r\n");
            client.TrySend(new byte[Length]);
        });
        sending.Start();
        using Wire connection = upstream.Accept();
        connection.Socket.ReceiveBufferSize = Slice;
        connection.ReadHead();
        Assert.Equal(Length, await ReadSlowlyAsync(connection));
        connection.Send(Expect.Ok);
        client.Fine();
        Assert.True(sending.Join(Wire.BoundMs));
    }

    [Fact]
    public void A_client_that_stops_reading_is_cut()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, IdleOfASecond));
        using Wire client = Wire.Connect(gate.Port, receiveBuffer: Slice);
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        var watch = Stopwatch.StartNew();
        while (connection.TrySend(new byte[Slice]))
        {
        }
        Assert.InRange(watch.ElapsedMilliseconds, 900, 10_000);
        gate.Logs("200 client_timeout");
    }

    /// <summary>Pauses between small reads: several seconds for the whole, and never long for one.</summary>
    private static async Task<long> ReadSlowlyAsync(Wire wire)
    {
        var buffer = new byte[Slice];
        long total = wire.TakeBuffered();
        while (total < Length)
        {
            await Task.Delay(s_gap, Soon.Token);
            int count = await wire.Socket.ReceiveAsync(buffer, SocketFlags.None, Soon.Token);
            if (count == 0)
            {
                break;
            }
            total += count;
        }
        return total;
    }
}
