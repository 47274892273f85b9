using System.Buffers;
using System.IO.Pipelines;
using FastGate.Net;
using FastGate.Net.Buffers;

namespace FastGate.Tests.Net;

/// <summary>Bytes arrive, all of them, in order, whatever the sizes and whoever waits.</summary>
public abstract class RoundTripContract(TransportBed bed) : IDisposable
{
    [Theory]
    [InlineData(1)]
    [InlineData(BufferPool.SmallBytes)]
    [InlineData(BufferPool.SmallBytes + 1)]
    [InlineData(300_000)]
    public void An_echo_returns_what_was_sent(int count) => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        byte[] sent = Ends.Pattern(count);
        Task echo = EchoAsync(server, count);
        Task write = client.WriteAsync(sent);
        byte[] received = await client.ReadExactlyAsync(count);
        await write;
        await echo;
        Assert.Equal(sent, received);
        Assert.Equal(count, client.BytesSent);
        Assert.Equal(count, client.BytesReceived);
    });

    [Fact]
    public void A_head_and_the_segments_of_another_connection_go_out_together() => bed.Run(async lane =>
    {
        var (source, gate) = await bed.PairAsync(lane);
        var (onward, target) = await bed.PairAsync(lane);
        byte[] body = Ends.Pattern(60_000);
        await source.WriteAsync(body);
        source.EndOutput();
        var read = await ReadAtLeastAsync(gate, body.Length);
        Assert.False(read.Buffer.IsSingleSegment);
        onward.Output.Append("head|"u8);
        var flush = onward.Output.SendAsync(read.Buffer);
        Task<byte[]> arriving = target.ReadExactlyAsync(5 + body.Length);
        Assert.False((await flush).IsCompleted);
        gate.Input.AdvanceTo(read.Buffer.End);
        byte[] arrived = await arriving;
        Assert.Equal("head|"u8.ToArray(), arrived[..5]);
        Assert.Equal(body, arrived[5..]);
    });

    [Fact]
    public void A_slice_of_a_sequence_is_sent_and_nothing_around_it() => bed.Run(async lane =>
    {
        var (source, gate) = await bed.PairAsync(lane);
        var (onward, target) = await bed.PairAsync(lane);
        byte[] body = Ends.Pattern(50_000);
        await source.WriteAsync(body);
        var read = await ReadAtLeastAsync(gate, body.Length);
        await onward.Output.SendAsync(read.Buffer.Slice(16_000, 20_000));
        gate.Input.AdvanceTo(read.Buffer.End);
        onward.EndOutput();
        Assert.Equal(body[16_000..36_000], await target.ReadToEndAsync());
    });

    [Fact]
    public void A_writer_waits_for_a_peer_that_does_not_read_and_nothing_is_lost_both_ways() => bed.Run(async lane =>
    {
        const int Count = 8 * 1024 * 1024;
        var (client, server) = await bed.PairAsync(lane);
        byte[] up = Ends.Pattern(Count, 1);
        byte[] down = Ends.Pattern(Count, 2);
        Task sendUp = SendAsync(client, up);
        Task sendDown = SendAsync(server, down);
        await TransportBed.UntilAsync(lane, () => client.Output.IsWaiting && server.Output.IsWaiting);
        await TransportBed.PassAsync(lane, 20);
        Assert.True(client.Output.IsWaiting, "nobody reads, and yet it was all taken");
        Task<byte[]> readUp = server.ReadExactlyAsync(Count);
        Task<byte[]> readDown = client.ReadExactlyAsync(Count);
        Assert.True((await readUp).AsSpan().SequenceEqual(up));
        Assert.True((await readDown).AsSpan().SequenceEqual(down));
        await sendUp;
        await sendDown;
    });

    [Fact]
    public void What_was_consumed_is_gone_and_what_was_only_examined_comes_again() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        byte[] sent = Ends.Pattern(3 * BufferPool.SmallBytes + 100);
        await client.WriteAsync(sent);
        var read = await ReadAtLeastAsync(server, sent.Length);
        // Consume to just before a segment's end, then exactly to it, then past it.
        int taken = 0;
        foreach (int to in new[] { BufferPool.SmallBytes - 1, BufferPool.SmallBytes, BufferPool.SmallBytes + 1, 40_000 })
        {
            server.Input.AdvanceTo(read.Buffer.GetPosition(to - taken), read.Buffer.GetPosition(to - taken));
            taken = to;
            Assert.True(server.Input.TryRead(out read), "not everything was examined");
            Assert.Equal(sent[taken..], read.Buffer.ToArray());
            Assert.False(read.Buffer.First.IsEmpty, "a sequence begins with bytes");
        }
        server.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        Assert.False(server.Input.TryRead(out _), "everything was examined and nothing new came");
        await client.WriteAsync([7]);
        read = await server.Input.ReadAsync();
        Assert.Equal([.. sent[taken..], 7], read.Buffer.ToArray());
        server.Input.AdvanceTo(read.Buffer.End);
        Assert.False(server.Input.HasBytes);
    });

    [Fact]
    public void Random_steps_of_consuming_agree_with_the_bytes_sent() => bed.Run(async lane =>
    {
        const int Seed = 20260;
        var random = new Random(Seed);
        var (client, server) = await bed.PairAsync(lane);
        byte[] sent = Ends.Pattern(600_000, Seed);
        Task writing = SendInPiecesAsync(client, sent, new Random(Seed + 1));
        int have = 0;
        while (have < sent.Length)
        {
            var read = await server.Input.ReadAsync();
            int length = (int)read.Buffer.Length;
            Assert.True(read.Buffer.ToArray().AsSpan().SequenceEqual(sent.AsSpan(have, length)), $"seed {Seed}");
            int consume = length > 100_000 ? length : random.Next(0, length + 1);
            int examine = random.Next(2) == 0 ? length : random.Next(consume, length + 1);
            // At the end nothing more comes: what was examined whole must be consumed too.
            if (have + length == sent.Length && examine == length)
            {
                consume = length;
            }
            server.Input.AdvanceTo(read.Buffer.GetPosition(consume), read.Buffer.GetPosition(examine));
            have += consume;
        }
        await writing;
    });

    [Fact]
    public void An_empty_result_may_be_advanced_to_its_end() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        server.Input.CancelPendingRead();
        var read = await server.Input.ReadAsync();
        Assert.True(read.IsCanceled);
        server.Input.AdvanceTo(read.Buffer.End);
        server.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        await client.WriteAsync([1, 2]);
        Assert.Equal([1, 2], await server.ReadExactlyAsync(2));
    });

    [Fact]
    public void A_connection_that_waits_holds_no_buffer() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        for (int i = 0; i < 3; i++)
        {
            Task<byte[]> reading = server.ReadExactlyAsync(5);
            Assert.Equal(0, lane.Buffers.Rented);
            client.Output.GetSpan(100);
            client.Output.Append("hello"u8);
            Assert.False((await client.Output.FlushAsync()).IsCompleted);
            await reading;
            await TransportBed.UntilAsync(lane, () => lane.Buffers.Rented == 0);
        }
    });

    [Fact]
    public void A_reservation_that_was_not_used_is_given_back_by_the_flush() => bed.Run(async lane =>
    {
        var (client, _) = await bed.PairAsync(lane);
        client.Output.GetSpan(BufferPool.LargeBytes);
        Assert.Equal(1, lane.Buffers.Rented);
        Assert.False((await client.Output.FlushAsync()).IsCompleted);
        Assert.Equal(0, lane.Buffers.Rented);
    });

    [Fact]
    public void Discarding_drops_what_was_written_and_not_sent() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Output.Append("wrong"u8);
        Assert.Equal(5, client.Output.UnflushedBytes);
        client.Output.Discard();
        Assert.False(client.Output.HasBytes);
        client.Output.Append("right"u8);
        await client.Output.FlushAsync();
        Assert.Equal("right"u8.ToArray(), await server.ReadExactlyAsync(5));
    });

    [Fact]
    public void Reservations_of_every_size_keep_the_order() => bed.Run(async lane =>
    {
        const int Seed = 77;
        var random = new Random(Seed);
        var (client, server) = await bed.PairAsync(lane);
        byte[] sent = Ends.Pattern(400_000, Seed);
        Task<byte[]> reading = server.ReadExactlyAsync(sent.Length);
        int at = 0;
        while (at < sent.Length)
        {
            int count = Math.Min(random.Next(1, 30_000), sent.Length - at);
            Span<byte> room = client.Output.GetSpan(count);
            Assert.True(room.Length >= count);
            sent.AsSpan(at, count).CopyTo(room);
            client.Output.Advance(count);
            at += count;
            if (random.Next(3) == 0)
            {
                await client.Output.FlushAsync();
            }
        }
        await client.Output.FlushAsync();
        Assert.True((await reading).AsSpan().SequenceEqual(sent), $"seed {Seed}");
    });

    internal static async Task<ReadResult> ReadAtLeastAsync(Connection connection, int count)
    {
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            if (read.Buffer.Length >= count || read.IsCompleted)
            {
                return read;
            }
            connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static async Task EchoAsync(Connection connection, int count)
    {
        while (count > 0)
        {
            var read = await connection.Input.ReadAsync();
            count -= (int)read.Buffer.Length;
            Assert.False((await connection.Output.SendAsync(read.Buffer)).IsCompleted);
            connection.Input.AdvanceTo(read.Buffer.End);
        }
    }

    private static async Task SendAsync(Connection connection, byte[] bytes)
    {
        for (int at = 0; at < bytes.Length; at += 100_000)
        {
            await connection.WriteAsync(bytes[at..Math.Min(at + 100_000, bytes.Length)]);
        }
    }

    private static async Task SendInPiecesAsync(Connection connection, byte[] bytes, Random random)
    {
        int at = 0;
        while (at < bytes.Length)
        {
            int count = Math.Min(random.Next(1, 20_000), bytes.Length - at);
            await connection.WriteAsync(bytes[at..(at + count)]);
            at += count;
        }
    }

    public void Dispose()
    {
        bed.Dispose();
        GC.SuppressFinalize(this);
    }
}
