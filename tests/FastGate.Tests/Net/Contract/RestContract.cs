using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Tests.Net;

/// <summary>A connection at rest waits like a read, and holds nothing.</summary>
public abstract class RestContract(TransportBed bed) : IDisposable
{
    [Fact]
    public void Bytes_wake_and_are_there_to_be_read() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        for (byte i = 0; i < 3; i++)
        {
            var sleeper = new Sleeper();
            server.Rest(sleeper);
            Assert.True(server.IsWaitingForPeer);
            Assert.Null(server.InputInUse);
            await client.WriteAsync([i]);
            await sleeper.WokenAsync();
            Assert.Equal([i], await server.ReadExactlyAsync(1));
        }
    });

    [Fact]
    public void What_came_before_it_rested_wakes_too() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync([7]);
        await TransportBed.PassAsync(lane, 20);
        if (server.Input.TryRead(out var read))
        {
            server.Input.AdvanceTo(read.Buffer.End);
            await client.WriteAsync([7]);
        }
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        await sleeper.WokenAsync();
        Assert.Equal([7], await server.ReadExactlyAsync(1));
    });

    [Fact]
    public void The_peers_end_wakes() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        client.EndOutput();
        await sleeper.WokenAsync();
        Assert.True(server.Input.TryRead(out var read));
        Assert.True(read.IsCompleted && read.Buffer.IsEmpty);
        Assert.Equal(ConnectionFault.None, server.Fault);
    });

    [Fact]
    public void A_break_wakes() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        client.Abort();
        await sleeper.WokenAsync();
        Assert.True(server.Input.TryRead(out var read));
        Assert.True(read.IsCompleted);
        server.Output.Append("x"u8);
        Assert.True((await server.Output.SendAsync()).IsCompleted);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Cut_or_closed_from_this_side_it_wakes_to_nothing(bool isClosed) => bed.Run(async lane =>
    {
        var (_, server) = await bed.PairAsync(lane);
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        if (isClosed)
        {
            server.Close();
        }
        else
        {
            server.Abort();
        }
        Assert.False(sleeper.IsWoken, "inside of the call");
        await sleeper.WokenAsync();
        Assert.True(server.Input.TryRead(out var read));
        Assert.True(read.IsCompleted && read.Buffer.IsEmpty);
        server.Output.Append("x"u8);
        Assert.True((await server.Output.SendAsync()).IsCompleted);
    });

    [Fact]
    public void A_deadline_that_passes_wakes_to_a_canceled_read_and_once() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var sleeper = new Sleeper();
        server.SetReadDeadline(lane.Now + 10);
        server.Rest(sleeper);
        await sleeper.WokenAsync();
        Assert.True(server.Input.TryRead(out var read));
        Assert.True(read.IsCanceled && read.Buffer.IsEmpty && !read.IsCompleted);
        sleeper = new Sleeper();
        server.Rest(sleeper);
        await TransportBed.PassAsync(lane, 30);
        Assert.False(sleeper.IsWoken);
        await client.WriteAsync([1]);
        await sleeper.WokenAsync();
        Assert.Equal([1], await server.ReadExactlyAsync(1));
    });

    [Fact]
    public void It_is_woken_by_a_cancellation_and_what_comes_then_is_not_lost() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        server.Input.CancelPendingRead();
        Assert.False(sleeper.IsWoken, "inside of the call");
        Assert.False(server.IsWaitingForPeer);
        await client.WriteAsync([1]);
        await sleeper.WokenAsync();
        Assert.True(server.Input.TryRead(out var read));
        Assert.True(read.IsCanceled);
        server.Input.AdvanceTo(read.Buffer.Start);
        Assert.Equal([1], await server.ReadExactlyAsync(1));
    });

    [Fact]
    public void What_is_owed_still_goes_and_then_nothing_is_held() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        Task<byte[]> reading = client.ReadExactlyAsync(6);
        server.Output.Append("answer"u8);
        await server.Output.FlushSoonAsync();
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        Assert.Equal("answer"u8.ToArray(), await reading);
        await TransportBed.TurnAsync(lane);
        Assert.Null(server.InputInUse);
        Assert.Null(server.OutputInUse);
        Assert.False(sleeper.IsWoken);
        await client.WriteAsync([1]);
        await sleeper.WokenAsync();
        Assert.Equal([1], await server.ReadExactlyAsync(1));
    });

    [Fact]
    public void What_was_owed_and_went_with_a_later_flush_costs_nothing_at_rest() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        server.Output.Append("soon|"u8);
        await server.Output.FlushSoonAsync();
        server.Output.Append("now"u8);
        await server.Output.SendAsync();
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        Assert.Null(server.OutputInUse);
        await TransportBed.TurnAsync(lane);
        Assert.Equal(ConnectionFault.None, server.Fault);
        Assert.False(sleeper.IsWoken);
        Assert.Equal("soon|now"u8.ToArray(), await client.ReadExactlyAsync(8));
        await client.WriteAsync([1]);
        await sleeper.WokenAsync();
        Assert.Equal([1], await server.ReadExactlyAsync(1));
    });

    [Fact]
    public void A_deadline_that_passed_before_it_rested_wakes_too() => bed.Run(async lane =>
    {
        var (_, server) = await bed.PairAsync(lane);
        server.SetReadDeadline(lane.Now + 10);
        await TransportBed.PassAsync(lane, 30);
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        await TransportBed.PassAsync(lane, 30);
        Assert.True(sleeper.IsWoken);
    });

    [Fact]
    public void Bytes_and_an_end_wake_once_and_come_in_order() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        await client.WriteAsync([1]);
        client.EndOutput();
        await sleeper.WokenAsync();
        Assert.Equal([1], await server.ReadToEndAsync());
        Assert.Equal(ConnectionFault.None, server.Fault);
    });

    [Fact]
    public void Whatever_happens_in_one_turn_wakes_once() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        client.Abort();
        server.Input.CancelPendingRead();
        server.Input.CancelPendingRead();
        server.SetReadDeadline(lane.Now);
        server.Abort();
        server.Close();
        await sleeper.WokenAsync();
        await TransportBed.PassAsync(lane, 20);
        Assert.True(server.Input.TryRead(out var read));
        Assert.True(read.IsCompleted);
    });

    [Fact]
    public void What_the_peer_does_not_take_ends_by_its_deadline() => bed.Run(async lane =>
    {
        if (bed.Listener.Address.Kind == NetAddress.AddressKind.Memory)
        {
            return; // Nothing is owed there.
        }
        var (client, server) = await bed.PairAsync(lane);
        await FillAsync(lane, server);
        var sleeper = new Sleeper();
        server.SetWriteDeadline(lane.Now + 20);
        server.Rest(sleeper);
        await TransportBed.TurnAsync(lane);
        Assert.NotNull(server.OutputInUse);
        await sleeper.WokenAsync();
        Assert.Equal(ConnectionFault.TimedOut, server.Fault);
        Assert.True(server.Input.TryRead(out var read) && read.IsCompleted);
    });

    [Fact]
    public void What_the_peer_takes_late_goes_and_then_nothing_is_held() => bed.Run(async lane =>
    {
        if (bed.Listener.Address.Kind == NetAddress.AddressKind.Memory)
        {
            return; // Nothing is owed there.
        }
        var (client, server) = await bed.PairAsync(lane);
        await FillAsync(lane, server);
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        await TransportBed.TurnAsync(lane);
        ConnectionWriter writer = server.OutputInUse!;
        int taken = 0;
        while (server.OutputInUse is not null)
        {
            var read = await client.Input.ReadAsync();
            taken += (int)read.Buffer.Length;
            client.Input.AdvanceTo(read.Buffer.End);
        }
        Assert.False(sleeper.IsWoken);
        Assert.False(writer.IsOwing);
        await client.WriteAsync([1]);
        await sleeper.WokenAsync();
    });

    [Fact]
    public void A_send_that_fails_wakes() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Abort();
        server.Output.Append("too late"u8);
        await server.Output.FlushSoonAsync();
        var sleeper = new Sleeper();
        if (!server.Input.TryRead(out _))
        {
            server.Rest(sleeper);
            await sleeper.WokenAsync();
        }
        Assert.True(server.Input.TryRead(out var read) && read.IsCompleted);
    });

    [Fact]
    public void Its_reader_and_its_writer_serve_another_connection_with_nothing_left_in_them() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var (otherClient, other) = await bed.PairAsync(lane);
        await client.WriteAsync([1]);
        Assert.Equal([1], await server.ReadExactlyAsync(1));
        await server.WriteAsync([2]);
        Assert.Equal([2], await client.ReadExactlyAsync(1));
        ConnectionReader reader = server.Input;
        ConnectionWriter writer = server.Output;
        var sleeper = new Sleeper();
        server.Rest(sleeper);
        Assert.Same(reader, other.Input);
        Assert.Same(writer, other.Output);
        await otherClient.WriteAsync([3]);
        await other.WriteAsync([4]);
        Assert.Equal([3], await other.ReadExactlyAsync(1));
        Assert.Equal([4], await otherClient.ReadExactlyAsync(1));
        other.Abort();
        await client.WriteAsync([5]);
        await sleeper.WokenAsync();
        Assert.NotSame(reader, server.Input);
        Assert.Equal([5], await server.ReadExactlyAsync(1));
    });

    [Fact]
    public void One_that_has_had_its_turn_is_woken_in_the_next() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        byte[] sent = Ends.Pattern(ConnectionReader.TurnBytesMax * 4);
        Task writing = client.WriteAsync(sent);
        int have = 0;
        while (have < sent.Length)
        {
            if (!server.Input.TryRead(out var read))
            {
                var sleeper = new Sleeper();
                server.Rest(sleeper);
                await sleeper.WokenAsync();
                continue;
            }
            Assert.False(read.IsCompleted || read.IsCanceled);
            have += (int)read.Buffer.Length;
            server.Input.AdvanceTo(read.Buffer.End);
        }
        Assert.Equal(sent.Length, have);
        await writing;
    });

    public void Dispose()
    {
        bed.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Until something is owed that the peer does not take.</summary>
    private static async Task FillAsync(Lane lane, Connection server)
    {
        while (server.OutputInUse is not { IsOwing: true })
        {
            server.Output.Append(new byte[10_000]);
            var flush = server.Output.FlushSoonAsync();
            Assert.True(flush.IsCompleted);
            await flush;
            await TransportBed.TurnAsync(lane);
        }
    }

    private sealed class Sleeper : LaneWork
    {
        private readonly LaneSource<bool> _woken = new();
        private bool _isAwaited;

        public bool IsWoken { get; private set; }

        public async Task WokenAsync()
        {
            if (!IsWoken)
            {
                _isAwaited = true;
                await _woken.Begin();
            }
        }

        protected internal override void Run()
        {
            Assert.False(IsWoken, "woken twice");
            IsWoken = true;
            if (_isAwaited)
            {
                _woken.CompleteInline(true);
            }
        }
    }
}
