using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Linux;
using FastGate.Net.Time;
using FastGate.Tests.Net;

namespace FastGate.EndToEnd.Net;

/// <summary>What a socket's flush leaves to the end of the turn: when it is sent, and what becomes of what the peer
/// does not take.</summary>
public sealed class OwedSendTests : IDisposable
{
    private const int PieceBytes = 10_000;

    private readonly SocketBed _bed = new();

    [Fact]
    public void Two_flushes_of_one_turn_are_one_send() => _bed.Run(async lane =>
    {
        var (peer, server) = await FromPlainSocketAsync(lane);
        server.Output.Append("head|"u8);
        Assert.True(server.Output.FlushSoonAsync().IsCompleted);
        server.Output.Append("body"u8);
        Assert.True(server.Output.FlushSoonAsync().IsCompleted);
        Assert.Equal(0, server.BytesSent);
        Assert.False(peer.Poll(0, SelectMode.SelectRead), "it was sent within the turn");
        await TransportBed.TurnAsync(lane);
        Assert.Equal(9, server.BytesSent);
        // The lane stands still here: what the peer finds is all that was sent.
        Assert.Equal(9, peer.Receive(new byte[100]));
        Assert.Equal(0, lane.Buffers.Rented);
        peer.Dispose();
    });

    [Fact]
    public void A_flush_that_must_be_made_now_takes_what_is_owed_along() => _bed.Run(async lane =>
    {
        var (peer, server) = await FromPlainSocketAsync(lane);
        server.Output.Append("owed|"u8);
        Assert.True(server.Output.FlushSoonAsync().IsCompleted);
        server.Output.Append("now"u8);
        Assert.True(server.Output.FlushAsync().IsCompleted);
        Assert.Equal(8, server.BytesSent);
        Assert.Equal(8, peer.Receive(new byte[100]));
        await TransportBed.TurnAsync(lane);
        Assert.Equal(8, server.BytesSent);
        peer.Dispose();
    });

    [Theory]
    [InlineData(ConnectionWriter.OwedBytesMax, 0)]
    [InlineData(ConnectionWriter.OwedBytesMax + 1, ConnectionWriter.OwedBytesMax + 1)]
    public void Only_little_is_owed(int bytes, int sentWithinTheTurn) => _bed.Run(async lane =>
    {
        var (client, server) = await _bed.PairAsync(lane);
        client.Output.Append(Ends.Pattern(bytes / 2));
        Assert.True(client.Output.FlushSoonAsync().IsCompleted);
        client.Output.Append(Ends.Pattern(bytes - (bytes / 2)));
        Assert.True(client.Output.FlushSoonAsync().IsCompleted);
        Assert.Equal(sentWithinTheTurn, client.BytesSent);
        await server.ReadExactlyAsync(bytes);
    });

    /// <summary>Those that owe first do not wait for a batch without bound, nor do so many hold their
    /// buffers.</summary>
    [Fact]
    public void Hundreds_in_one_turn_are_sent_in_bursts() => _bed.Run(async lane =>
    {
        const int Count = (4 * EpollLane.OwingMax) + 10;
        var pairs = new List<(Connection Client, Connection Server)>();
        for (int i = 0; i < Count; i++)
        {
            pairs.Add(await _bed.PairAsync(lane));
        }
        for (int i = 0; i < Count; i++)
        {
            pairs[i].Client.Output.Append([(byte)i, (byte)(i >> 8)]);
            Assert.True(pairs[i].Client.Output.FlushSoonAsync().IsCompleted);
            Assert.InRange(lane.Buffers.Rented, 0, EpollLane.OwingMax);
        }
        Assert.Equal(Count - 10, pairs.Count(pair => pair.Client.BytesSent == 2));
        await TransportBed.TurnAsync(lane);
        Assert.Equal(Count, pairs.Count(pair => pair.Client.BytesSent == 2));
        for (int i = 0; i < Count; i++)
        {
            Assert.Equal([(byte)i, (byte)(i >> 8)], await pairs[i].Server.ReadExactlyAsync(2));
        }
    });

    [Fact]
    public void One_that_closes_or_is_cut_within_the_turn_is_left_out_of_the_burst() => _bed.Run(async lane =>
    {
        var (closed, closedPeer) = await _bed.PairAsync(lane);
        var (cut, cutPeer) = await _bed.PairAsync(lane);
        var (other, otherPeer) = await _bed.PairAsync(lane);
        foreach (Connection one in new[] { closed, cut, other })
        {
            one.Output.Append([1]);
            await one.Output.FlushSoonAsync();
        }
        closed.Close();
        cut.Abort();
        // Gets the descriptor of one of them, and nothing of its bytes.
        var (fresh, freshPeer) = await _bed.PairAsync(lane);
        Assert.Equal([1], await otherPeer.ReadExactlyAsync(1));
        Assert.Equal([1], await closedPeer.ReadToEndAsync());
        Assert.Empty(await cutPeer.ReadToEndAsync());
        await TransportBed.PassAsync(lane, 5);
        Assert.False(freshPeer.Input.TryRead(out _));
        Assert.Equal(0, fresh.BytesSent);
    });

    [Fact]
    public void An_end_behind_what_was_not_taken_is_a_cut_and_after_a_flush_it_is_not() => _bed.Run(async lane =>
    {
        var (first, firstPeer) = await _bed.PairAsync(lane);
        await FillAsync(lane, first);
        first.EndOutput();
        Assert.Equal(ConnectionFault.Aborted, first.Fault);
        await firstPeer.ReadToEndAsync();
        Assert.Equal(ConnectionFault.Reset, firstPeer.Fault);

        var (second, secondPeer) = await _bed.PairAsync(lane);
        int bytes = await FillAsync(lane, second);
        Task<byte[]> reading = secondPeer.ReadToEndAsync();
        Assert.False((await second.Output.FlushAsync()).IsCompleted);
        second.Close();
        Assert.Equal(bytes, (await reading).Length);
        Assert.Equal(ConnectionFault.None, secondPeer.Fault);
    });

    [Fact]
    public void What_was_left_goes_out_as_soon_as_the_peer_reads_without_another_flush() => _bed.Run(async lane =>
    {
        var (client, server) = await _bed.PairAsync(lane);
        client.SetWriteDeadline(lane.Now + 60_000);
        int bytes = await FillAsync(lane, client);
        Assert.Equal(bytes, (await server.ReadExactlyAsync(bytes)).Length);
        Assert.False(client.Output.IsOwing);
        Assert.Equal(0, lane.Buffers.Rented);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_peer_that_takes_nothing_is_cut_at_the_deadline_or_by_the_pace(bool pace) => _bed.Run(async lane =>
    {
        var (client, _) = await _bed.PairAsync(lane);
        var watch = new RecordingWatch();
        client.Watch(watch);
        if (pace)
        {
            client.SetWritePace(new Pace(bytesPerSecond: 1L << 40, graceMs: 60, creditMaxMs: 60));
        }
        await FillAsync(lane, client, writeMs: pace ? 600_000 : 60);
        // Nobody flushes, nobody reads: the deadline alone must find it.
        await TransportBed.UntilAsync(lane, () => watch.Broken > 0);
        Assert.Equal(ConnectionFault.TimedOut, client.Fault);
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
        Assert.True((await client.Output.FlushAsync()).IsCompleted);
    });

    [Fact]
    public void A_read_that_waits_learns_of_the_deadline() => _bed.Run(async lane =>
    {
        var (client, _) = await _bed.PairAsync(lane);
        var read = client.Input.ReadAsync();
        await FillAsync(lane, client, writeMs: 60);
        Assert.True((await read).IsCompleted);
        Assert.Equal(ConnectionFault.TimedOut, client.Fault);
    });

    [Fact]
    public void A_flush_that_comes_to_wait_for_what_was_left_is_canceled_at_its_deadline() => _bed.Run(async lane =>
    {
        var (client, server) = await _bed.PairAsync(lane);
        int bytes = await FillAsync(lane, client);
        client.SetWriteDeadline(lane.Now + 30);
        client.Output.Append([1]);
        Assert.True((await client.Output.FlushSoonAsync()).IsCanceled);
        Assert.Equal(ConnectionFault.None, client.Fault);
        client.SetWriteDeadline(LaneTimer.Never);
        Task<byte[]> reading = server.ReadExactlyAsync(bytes + 1);
        Assert.False((await client.Output.FlushAsync()).IsCanceled);
        Assert.Equal(1, (await reading)[^1]);
    });

    [Fact]
    public void What_is_owed_goes_out_before_a_hand_over()
    {
        using var bed = new SocketBed(2);
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var address = NetAddress.Tcp(IPAddress.Loopback, ((IPEndPoint)plain.LocalEndpoint).Port);
        Connection? arrived = null;
        bed.On(bed.Lane, async () =>
        {
            Connection connection = await bed.Transport.ConnectAsync(bed.Lane, address, LaneTimer.Never);
            connection.Output.Append("before|"u8);
            await connection.Output.FlushSoonAsync();
            connection.HandOver(bed.Transport.Lanes[1], there =>
            {
                there.Output.Append("after"u8);
                Assert.True(there.Output.FlushSoonAsync().IsCompleted);
                arrived = there;
            });
            Assert.Equal(0, bed.Lane.Buffers.Rented);
        });
        using Socket peer = plain.AcceptSocket();
        using var wire = new Wire(peer);
        Assert.Equal("before|after", wire.ReadExactly(12));
        bed.On(bed.Transport.Lanes[1], () =>
        {
            Assert.Equal(ConnectionFault.None, arrived!.Fault);
            arrived.Close();
            return Task.CompletedTask;
        });
    }

    [Fact]
    public void One_whose_peer_did_not_take_all_arrives_cut_and_leaves_no_buffer()
    {
        using var bed = new SocketBed(2);
        Connection? arrived = null;
        bed.On(bed.Lane, async () =>
        {
            Connection connection = await bed.PairOnAnyLaneAsync(bed.Lane);
            await FillAsync(bed.Lane, connection);
            connection.HandOver(bed.Transport.Lanes[1], there => arrived = there);
            Assert.Equal(0, bed.Lane.Buffers.Rented);
        });
        bed.On(bed.Transport.Lanes[1], async () =>
        {
            await TransportBed.UntilAsync(bed.Transport.Lanes[1], () => arrived is not null);
            Assert.Equal(ConnectionFault.Aborted, arrived!.Fault);
            arrived.Close();
        });
    }

    [Fact]
    public void A_lane_that_ends_sends_what_is_owed()
    {
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var address = NetAddress.Tcp(IPAddress.Loopback, ((IPEndPoint)plain.LocalEndpoint).Port);
        using (var bed = new SocketBed())
        {
            bed.On(bed.Lane, async () =>
            {
                Connection connection = await bed.Transport.ConnectAsync(bed.Lane, address, LaneTimer.Never);
                bed.Lane.Stop();
                connection.Output.Append("goodbye"u8);
                await connection.Output.FlushSoonAsync();
            });
        }
        using var wire = new Wire(plain.AcceptSocket());
        Assert.Equal("goodbye", wire.ReadToEnd(out _));
    }

    /// <summary>Writes, a piece a turn, until some is left that the peer did not take.</summary>
    /// <param name="lane">Of the connection.</param>
    /// <param name="connection">To write to.</param>
    /// <param name="writeMs">How long each piece has, as in a gate; one deadline for all would have passed, on a busy
    /// machine, before any piece has to wait.</param>
    /// <returns>Bytes written.</returns>
    private static async Task<int> FillAsync(Lane lane, Connection connection, long? writeMs = null)
    {
        byte[] piece = Ends.Pattern(PieceBytes);
        int bytes = 0;
        while (!connection.Output.IsOwing)
        {
            if (writeMs is { } ms)
            {
                connection.SetWriteDeadline(lane.Now + ms);
            }
            connection.Output.Append(piece);
            LaneTask<FlushResult> flush = connection.Output.FlushSoonAsync();
            bytes += piece.Length;
            Assert.True(flush.IsCompleted && !(await flush).IsCompleted, "a send took exactly what there was room for");
            await TransportBed.TurnAsync(lane);
        }
        return bytes;
    }

    private async Task<(Socket Peer, Connection Server)> FromPlainSocketAsync(Lane lane)
    {
        var accepting = _bed.Listener.AcceptAsync(lane);
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        peer.Connect(IPAddress.Loopback, _bed.Listener.Address.Port);
        peer.ReceiveTimeout = Wire.BoundMs;
        return (peer, _bed.Track((await accepting)!));
    }

    public void Dispose() => _bed.Dispose();
}
