using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;
using FastGate.Tests.Net;

namespace FastGate.EndToEnd.Net;

/// <summary>What only sockets can do to a connection.</summary>
public sealed class SocketConnectionTests : IDisposable
{
    private readonly SocketBed _bed = new();

    [Fact]
    public void Urgent_data_cuts_a_connection_that_reads() => _bed.Run(async lane =>
    {
        var (peer, server) = await FromPlainSocketAsync(lane);
        var read = server.Input.ReadAsync();
        peer.Send([1], SocketFlags.OutOfBand);
        Assert.True((await read).IsCompleted);
        Assert.Equal(ConnectionFault.Urgent, server.Fault);
        peer.Dispose();
    });

    [Fact]
    public void Urgent_data_is_told_to_the_watch_of_an_idle_connection() => _bed.Run(async lane =>
    {
        var (peer, server) = await FromPlainSocketAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        peer.Send([1], SocketFlags.OutOfBand);
        await TransportBed.UntilAsync(lane, () => watch.Broken > 0);
        Assert.Equal(ConnectionFault.Urgent, server.Fault);
        peer.Dispose();
    });

    /// <summary>A server that closes over bytes it did not read may have ended its side before: all it said was
    /// said.</summary>
    [Theory]
    [InlineData(true, ConnectionFault.None)]
    [InlineData(false, ConnectionFault.Reset)]
    public void A_reset_behind_an_end_does_not_undo_the_end(bool ends, ConnectionFault fault) => _bed.Run(async lane =>
    {
        var (peer, server) = await FromPlainSocketAsync(lane);
        ValueTask<ReadResult> read = server.Input.ReadAsync();
        // The lane stands still here: bytes, end and reset become one edge.
        EndAndReset(peer, ends);
        server.Input.AdvanceTo((await read).Buffer.End);
        Assert.Empty(await server.ReadToEndAsync());
        Assert.Equal(fault, server.Fault);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_reset_behind_bytes_is_told_to_the_watch_of_an_idle_connection(bool ends) => _bed.Run(async lane =>
    {
        var (peer, server) = await FromPlainSocketAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        EndAndReset(peer, ends);
        await TransportBed.UntilAsync(lane, () => watch.Broken > 0);
        Assert.Equal([1, 2, 3], await server.ReadToEndAsync());
        Assert.Equal(ends ? ConnectionFault.None : ConnectionFault.Reset, server.Fault);
    });

    [Fact]
    public void An_event_of_a_closed_connection_does_not_reach_the_one_that_got_its_descriptor() => _bed.Run(async lane =>
    {
        var (firstClient, first) = await _bed.PairAsync(lane);
        var (secondClient, second) = await _bed.PairAsync(lane);
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var address = NetAddress.Tcp(IPAddress.Loopback, ((IPEndPoint)plain.LocalEndpoint).Port);
        var watch = new RecordingWatch();
        Task replacing = ReplaceAsync();
        // Both arrive before the lane looks: one batch tells of both.
        firstClient.Output.Append([1]);
        secondClient.Output.Append([1]);
        Assert.True(firstClient.Output.FlushAsync().IsCompleted);
        Assert.True(secondClient.Output.FlushAsync().IsCompleted);
        await replacing;
        await TransportBed.PassAsync(lane, 10);
        Assert.Equal(0, watch.Active);

        async Task ReplaceAsync()
        {
            await first.Input.ReadAsync();
            second.Close();
            Connection fresh = _bed.Track(await _bed.Transport.ConnectAsync(lane, address, LaneTimer.Never));
            fresh.Watch(watch);
        }
    });

    [Fact]
    public void An_answer_and_an_end_that_came_with_the_connect_are_both_seen() => _bed.Run(async lane =>
    {
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var address = NetAddress.Tcp(IPAddress.Loopback, ((IPEndPoint)plain.LocalEndpoint).Port);
        var connecting = _bed.Transport.ConnectAsync(lane, address, LaneTimer.Never);
        // The lane stands still here: connected, bytes and end become one edge.
        using (Socket peer = plain.AcceptSocket())
        {
            peer.Send([1, 2, 3]);
            peer.Shutdown(SocketShutdown.Send);
            Connection connection = _bed.Track(await connecting);
            Assert.Equal([1, 2, 3], await connection.ReadToEndAsync());
            Assert.Equal(ConnectionFault.None, connection.Fault);
        }
    });

    [Fact]
    public void A_connect_that_nobody_takes_ends_at_its_deadline() => _bed.Run(async lane =>
    {
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var address = NetAddress.Tcp(IPAddress.Loopback, ((IPEndPoint)full.LocalEndPoint!).Port);
        // The backlog takes one or two; the others' SYN is dropped.
        long due = lane.Now + 100;
        var attempts = Enumerable.Range(0, 4).Select(_ => _bed.Transport.ConnectAsync(lane, address, due)).ToArray();
        int timedOut = 0;
        foreach (LaneTask<Connection> attempt in attempts)
        {
            Connection connection = _bed.Track(await attempt);
            timedOut += connection.Fault == ConnectionFault.TimedOut ? 1 : 0;
            Assert.True((await TryReadAsync(connection)) || connection.Fault == ConnectionFault.None);
        }
        Assert.InRange(timedOut, 1, 4);
        Assert.True(lane.Now >= due);

        static async Task<bool> TryReadAsync(Connection connection) =>
            connection.Fault != ConnectionFault.None && (await connection.Input.ReadAsync()).IsCompleted;
    });

    [Fact]
    public void A_connect_that_fails_at_once_says_why() => _bed.Run(async lane =>
    {
        Connection absent = _bed.Track(
            await _bed.Transport.ConnectAsync(lane, NetAddress.Unix(SocketBed.NewPath()), LaneTimer.Never));
        Assert.Equal(ConnectionFault.Refused, absent.Fault);
        Connection nowhere = _bed.Track(
            await _bed.Transport.ConnectAsync(lane, NetAddress.Tcp(IPAddress.Broadcast, 9), LaneTimer.Never));
        Assert.Equal(ConnectionFault.Unreachable, nowhere.Fault);
        Assert.NotEqual(0, nowhere.FaultNumber);
        Assert.True((await nowhere.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void A_callback_that_throws_costs_only_its_connection() => _bed.Run(async lane =>
    {
        var (client, server) = await _bed.PairAsync(lane);
        var (otherClient, other) = await _bed.PairAsync(lane);
        server.Watch(new RecordingWatch { Then = _ => throw new InvalidOperationException("a bug") });
        await client.WriteAsync([1]);
        await client.ReadToEndAsync();
        Assert.Equal(ConnectionFault.Reset, client.Fault);
        Assert.Equal(ConnectionFault.Aborted, server.Fault);
        Assert.Equal("a bug", Assert.Single(_bed.TakeEscaped()).Message);
        await otherClient.WriteAsync([2]);
        Assert.Equal([2], await other.ReadExactlyAsync(1));
    });

    [Fact]
    public void The_remote_address_is_known() => _bed.Run(async lane =>
    {
        var (peer, server) = await FromPlainSocketAsync(lane);
        var local = (IPEndPoint)peer.LocalEndPoint!;
        Assert.Equal(NetAddress.Tcp(local.Address, local.Port), server.Remote);
        peer.Dispose();
    });

    private static void EndAndReset(Socket peer, bool ends)
    {
        peer.Send([1, 2, 3]);
        if (ends)
        {
            peer.Shutdown(SocketShutdown.Send);
        }
        peer.LingerState = new LingerOption(true, 0);
        peer.Dispose();
    }

    private async Task<(Socket Peer, Connection Server)> FromPlainSocketAsync(Lane lane)
    {
        var accepting = _bed.Listener.AcceptAsync(lane);
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        peer.Connect(IPAddress.Loopback, _bed.Listener.Address.Port);
        return (peer, _bed.Track((await accepting)!));
    }

    public void Dispose() => _bed.Dispose();
}
