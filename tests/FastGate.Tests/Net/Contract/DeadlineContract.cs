using FastGate.Net;
using FastGate.Net.Time;

namespace FastGate.Tests.Net;

/// <summary>A wait that is given up: canceled, with nothing lost, and the connection goes on.</summary>
public abstract class DeadlineContract(TransportBed bed) : IDisposable
{
    [Fact]
    public void A_read_that_waits_too_long_is_canceled_and_the_next_one_reads_on() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        long due = lane.Now + 20;
        server.SetReadDeadline(due);
        var read = await server.Input.ReadAsync();
        Assert.True(read.IsCanceled && !read.IsCompleted && read.Buffer.IsEmpty);
        Assert.True(lane.Now >= due);
        Assert.Equal(ConnectionFault.None, server.Fault);
        // It was lifted by passing.
        var next = server.Input.ReadAsync();
        await TransportBed.PassAsync(lane, 30);
        Assert.False(next.IsCompleted);
        await client.WriteAsync([1]);
        read = await next;
        Assert.False(read.IsCanceled);
        server.Input.AdvanceTo(read.Buffer.End);
    });

    [Fact]
    public void Bytes_that_were_examined_are_shown_with_the_cancellation() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync([1, 2]);
        var read = await server.Input.ReadAsync();
        server.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        server.SetReadDeadline(lane.Now + 5);
        read = await server.Input.ReadAsync();
        Assert.True(read.IsCanceled);
        Assert.Equal(2, read.Buffer.Length);
        server.Input.AdvanceTo(read.Buffer.End);
    });

    [Fact]
    public void A_deadline_that_passed_while_nobody_read_cancels_the_next_wait_once() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        server.SetReadDeadline(lane.Now + 5);
        await client.WriteAsync([1]);
        await TransportBed.PassAsync(lane, 20);
        // Bytes that are here are no wait.
        Assert.Equal([1], await server.ReadExactlyAsync(1));
        Assert.True((await server.Input.ReadAsync()).IsCanceled);
        var next = server.Input.ReadAsync();
        await TransportBed.PassAsync(lane, 20);
        Assert.False(next.IsCompleted);
        server.Input.CancelPendingRead();
        Assert.True((await next).IsCanceled);
    });

    [Fact]
    public void A_deadline_may_be_moved_either_way_and_lifted() => bed.Run(async lane =>
    {
        var (_, server) = await bed.PairAsync(lane);
        server.SetReadDeadline(lane.Now + 10);
        var read = server.Input.ReadAsync();
        server.SetReadDeadline(lane.Now + 600_000);
        await TransportBed.PassAsync(lane, 30);
        Assert.False(read.IsCompleted);
        // Both within one turn: however late the lane is, the first never stood when time passed.
        server.SetReadDeadline(lane.Now + 10);
        server.SetReadDeadline(LaneTimer.Never);
        await TransportBed.PassAsync(lane, 30);
        Assert.False(read.IsCompleted);
        long due = lane.Now + 5;
        server.SetReadDeadline(lane.Now + 5_000);
        server.SetReadDeadline(due);
        Assert.True((await read).IsCanceled);
        Assert.InRange(lane.Now, due, due + 2_000);
    });

    [Fact]
    public void A_write_that_waits_too_long_is_canceled_and_goes_on_where_it_was() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        byte[] sent = Ends.Pattern(8 * 1024 * 1024);
        client.SetWriteDeadline(lane.Now + 20);
        var flush = await client.Output.WriteAsync(sent.AsMemory());
        Assert.True(flush.IsCanceled && !flush.IsCompleted);
        Assert.True(client.Output.HasBytes);
        Task<byte[]> reading = server.ReadExactlyAsync(sent.Length);
        flush = await client.Output.FlushAsync();
        Assert.False(flush.IsCanceled || flush.IsCompleted);
        Assert.True((await reading).AsSpan().SequenceEqual(sent));
    });

    [Fact]
    public void A_peer_that_takes_something_but_less_than_the_pace_is_given_up() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.SetWriteDeadline(lane.Now + 600_000);
        client.SetWritePace(new Pace(bytesPerSecond: 1L << 40, graceMs: 50, creditMaxMs: 50));
        Task<bool> writing = WriteAsync(client, 8 * 1024 * 1024);
        await TransportBed.UntilAsync(lane, () => client.Output.IsWaiting);
        long began = lane.Now;
        while (!writing.IsCompleted)
        {
            Assert.True(lane.Now < began + 10_000, "it waits for ever");
            if (server.Input.TryRead(out var read))
            {
                server.Input.AdvanceTo(read.Buffer.End);
            }
            await TransportBed.PassAsync(lane, 5);
        }
        Assert.True(await writing, "it was not given up");
        client.Output.Discard();
    });

    /// <summary>What the pace was for is over when its flush was canceled: due for ever, it would keep the lane
    /// awake.</summary>
    [Fact]
    public void A_pace_whose_flush_was_canceled_is_not_due_again_and_again() => bed.Run(async lane =>
    {
        var (client, _) = await bed.PairAsync(lane);
        client.SetWritePace(new Pace(bytesPerSecond: 1L << 40, graceMs: 30, creditMaxMs: 30));
        var flush = client.Output.WriteAsync(Ends.Pattern(8 * 1024 * 1024).AsMemory());
        Assert.True(client.Output.IsWaiting);
        client.Output.CancelPendingFlush();
        Assert.True((await flush).IsCanceled);
        Assert.NotEqual(LaneTimer.Never, client.Due);
        await TransportBed.PassAsync(lane, 60);
        Assert.Equal(LaneTimer.Never, client.Due);
        Assert.Equal(ConnectionFault.None, client.Fault);
    });

    [Fact]
    public void A_peer_that_keeps_the_pace_is_not() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.SetWriteDeadline(lane.Now + 600_000);
        client.SetWritePace(new Pace(bytesPerSecond: 1, graceMs: 200, creditMaxMs: 600_000));
        Task<bool> writing = WriteAsync(client, 8 * 1024 * 1024);
        int received = 0;
        while (received < 8 * 1024 * 1024)
        {
            var read = await server.Input.ReadAsync();
            received += (int)read.Buffer.Length;
            server.Input.AdvanceTo(read.Buffer.End);
            await TransportBed.PassAsync(lane, 5);
        }
        Assert.False(await writing, "it was given up");
    });

    /// <returns>Whether the write was canceled.</returns>
    private static async Task<bool> WriteAsync(Connection connection, int bytes) =>
        (await connection.Output.WriteAsync(new byte[bytes].AsMemory())).IsCanceled;

    [Fact]
    public void After_a_canceled_write_the_callers_segments_may_be_released() => bed.Run(async lane =>
    {
        var (source, gate) = await bed.PairAsync(lane);
        var (onward, target) = await bed.PairAsync(lane);
        var sent = new List<byte>();
        while (true)
        {
            byte[] piece = Ends.Pattern(40_000, sent.Count + 1);
            await source.WriteAsync(piece);
            var read = await RoundTripContract.ReadAtLeastAsync(gate, piece.Length);
            sent.AddRange(piece);
            onward.SetWriteDeadline(lane.Now + 10);
            var flush = await onward.Output.SendAsync(read.Buffer);
            gate.Input.AdvanceTo(read.Buffer.End);
            if (flush.IsCanceled)
            {
                break;
            }
        }
        // The released segments are used again before the rest is sent.
        await source.WriteAsync(new byte[40_000]);
        await gate.ReadExactlyAsync(40_000);
        onward.SetWriteDeadline(LaneTimer.Never);
        Task<byte[]> reading = target.ReadExactlyAsync(sent.Count + 4);
        Assert.False((await onward.Output.WriteAsync("tail"u8.ToArray().AsMemory())).IsCanceled);
        byte[] received = await reading;
        Assert.True(received.AsSpan(0, sent.Count).SequenceEqual(sent.ToArray()));
        Assert.Equal("tail"u8.ToArray(), received[^4..]);
    });

    [Fact]
    public void A_read_and_a_write_that_are_due_together_are_both_canceled() => bed.Run(async lane =>
    {
        var (client, _) = await bed.PairAsync(lane);
        client.SetReadDeadline(lane.Now + 30);
        client.SetWriteDeadline(lane.Now + 30);
        Task filling = EndContract.FillAsync(client);
        Assert.True((await client.Input.ReadAsync()).IsCanceled);
        await filling;
        client.Output.Discard();
    });

    [Fact]
    public void A_waiter_of_a_deadline_may_set_a_new_one_for_the_other_direction() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.SetReadDeadline(lane.Now + 20);
        client.SetWriteDeadline(lane.Now + 20);
        Assert.True((await client.Input.ReadAsync()).IsCanceled);
        client.SetWriteDeadline(lane.Now + 60_000);
        Task filling = EndContract.FillAsync(client);
        await TransportBed.UntilAsync(lane, () => client.Output.IsWaiting);
        await TransportBed.PassAsync(lane, 20);
        Assert.False(filling.IsCompleted);
        client.Abort();
        await filling;
        server.Close();
    });

    [Fact]
    public void Cancelling_a_read_completes_it_from_the_queue() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        bool done = false;
        Task reading = ReadAsync();
        server.Input.CancelPendingRead();
        Assert.False(done, "the waiter ran inside of CancelPendingRead");
        await reading;
        await client.WriteAsync([3]);
        Assert.Equal([3], await server.ReadExactlyAsync(1));

        async Task ReadAsync()
        {
            Assert.True((await server.Input.ReadAsync()).IsCanceled);
            done = true;
        }
    });

    [Fact]
    public void Cancelling_without_a_read_cancels_the_next_one_even_with_bytes() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync([3]);
        await TransportBed.PassAsync(lane, 10);
        server.Input.CancelPendingRead();
        Assert.True((await server.Input.ReadAsync()).IsCanceled);
        Assert.Equal([3], await server.ReadExactlyAsync(1));
    });

    [Fact]
    public void Cancelling_a_flush_that_waits_keeps_the_rest_for_the_next_one() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        byte[] sent = Ends.Pattern(8 * 1024 * 1024);
        var flush = client.Output.WriteAsync(sent.AsMemory());
        Assert.False(flush.IsCompleted);
        client.Output.CancelPendingFlush();
        Assert.True((await flush).IsCanceled);
        Task<byte[]> reading = server.ReadExactlyAsync(sent.Length);
        await client.Output.FlushAsync();
        Assert.True((await reading).AsSpan().SequenceEqual(sent));
    });

    [Fact]
    public void Cancelling_without_a_flush_does_nothing() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Output.CancelPendingFlush();
        await client.WriteAsync([3]);
        Assert.Equal([3], await server.ReadExactlyAsync(1));
    });

    [Fact]
    public void A_flush_of_nothing_does_not_wait() => bed.Run(async lane =>
    {
        var (client, _) = await bed.PairAsync(lane);
        client.SetWriteDeadline(lane.Now + 5);
        await EndContract.FillAsync(client);
        client.Output.Discard();
        Assert.True(client.Output.FlushAsync().IsCompleted);
    });

    public void Dispose()
    {
        bed.Dispose();
        GC.SuppressFinalize(this);
    }
}
