using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Tests.Net;

/// <summary>A flush that may be left to the end of the turn is one that was made at once, to whoever looks from
/// outside.</summary>
public abstract class SoonContract(TransportBed bed) : IDisposable
{
    [Fact]
    public void Flushes_of_every_kind_keep_the_order() => bed.Run(async lane =>
    {
        const int Seed = 4711;
        var random = new Random(Seed);
        var (client, server) = await bed.PairAsync(lane);
        byte[] sent = Ends.Pattern(2_000_000, Seed);
        Task<byte[]> reading = server.ReadExactlyAsync(sent.Length);
        int at = 0;
        while (at < sent.Length)
        {
            int count = Math.Min(random.Next(1, random.Next(4) == 0 ? 40_000 : 600), sent.Length - at);
            client.Output.Append(sent.AsSpan(at, count));
            at += count;
            switch (random.Next(8))
            {
                case 0:
                    await client.Output.FlushAsync();
                    break;
                case 1:
                    break;
                case 2:
                    await client.Output.FlushSoonAsync();
                    await TransportBed.TurnAsync(lane);
                    break;
                default:
                    await client.Output.FlushSoonAsync();
                    break;
            }
        }
        await client.Output.FlushSoonAsync();
        Assert.True((await reading).AsSpan().SequenceEqual(sent), $"seed {Seed}");
        Assert.Equal(sent.Length, client.BytesSent);
    });

    [Fact]
    public void The_segments_of_another_connection_go_behind_what_is_owed() => bed.Run(async lane =>
    {
        var (source, gate) = await bed.PairAsync(lane);
        var (onward, target) = await bed.PairAsync(lane);
        await source.WriteAsync("body"u8.ToArray());
        var read = await RoundTripContract.ReadAtLeastAsync(gate, 4);
        onward.Output.Append("head|"u8);
        await onward.Output.FlushSoonAsync();
        await onward.Output.SendAsync(read.Buffer);
        gate.Input.AdvanceTo(read.Buffer.End);
        Assert.Equal("head|body"u8.ToArray(), await target.ReadExactlyAsync(9));
    });

    [Fact]
    public void What_was_written_since_waits_for_its_own_flush() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Output.Append("first"u8);
        await client.Output.FlushSoonAsync();
        Assert.False(client.Output.HasBytes);
        client.Output.Append("second"u8);
        Assert.True(client.Output.HasBytes);
        Assert.Equal(6, client.Output.UnflushedBytes);
        Assert.Equal("first"u8.ToArray(), await server.ReadExactlyAsync(5));
        await TransportBed.PassAsync(lane, 10);
        Assert.False(server.Input.TryRead(out _), "it was sent without a flush");
        Assert.Equal(6, client.Output.UnflushedBytes);
        await client.Output.FlushSoonAsync();
        Assert.Equal("second"u8.ToArray(), await server.ReadExactlyAsync(6));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(20_000)]
    public void Discarding_drops_what_was_not_flushed_and_that_only(int more) => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Output.Append("right"u8);
        await client.Output.FlushSoonAsync();
        client.Output.Append("wrong"u8);
        client.Output.Append(new byte[more]);
        client.Output.Discard();
        Assert.False(client.Output.HasBytes);
        client.Output.Append("!"u8);
        await client.Output.FlushSoonAsync();
        client.EndOutput();
        Assert.Equal("right!"u8.ToArray(), await server.ReadToEndAsync());
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_end_comes_behind_what_is_owed(bool closes) => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Output.Append("last"u8);
        Assert.True(client.Output.FlushSoonAsync().IsCompleted);
        if (closes)
        {
            client.Close();
        }
        else
        {
            client.EndOutput();
        }
        Assert.Equal("last"u8.ToArray(), await server.ReadToEndAsync());
        Assert.Equal(ConnectionFault.None, server.Fault);
    });

    [Fact]
    public void A_close_over_bytes_that_nobody_flushed_is_a_cut_all_the_same() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Output.Append("flushed"u8);
        await client.Output.FlushSoonAsync();
        client.Output.Append("written"u8);
        client.Close();
        await server.ReadToEndAsync();
        // A Unix socket cannot say that it was cut.
        Assert.True(server.Fault == ConnectionFault.Reset || bed.Listener.Address.Kind == NetAddress.AddressKind.Unix);
    });

    [Fact]
    public void A_cut_drops_what_is_owed() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Output.Append("never"u8);
        await client.Output.FlushSoonAsync();
        client.Abort();
        Assert.Empty(await server.ReadToEndAsync());
        Assert.True((await client.Output.FlushSoonAsync()).IsCompleted);
    });

    [Fact]
    public void A_send_that_fails_is_told_to_the_read_that_waits_and_by_the_next_flush() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var read = client.Input.ReadAsync();
        server.Abort();
        // This lane has not looked yet.
        client.Output.Append("too late"u8);
        await client.Output.FlushSoonAsync();
        var result = await read;
        Assert.True(result.IsCompleted && result.Buffer.IsEmpty);
        client.Output.Append("again"u8);
        Assert.True((await client.Output.FlushSoonAsync()).IsCompleted);
        Assert.NotEqual(ConnectionFault.None, client.Fault);
        Assert.Equal(0, lane.Buffers.Rented);
    });

    [Fact]
    public void What_the_peer_said_before_it_broke_is_read_after_a_send_that_failed() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync("unread"u8.ToArray());
        await server.WriteAsync("413"u8.ToArray());
        await TransportBed.PassAsync(lane, 5);
        server.Close();
        client.Output.Append("more"u8);
        await client.Output.FlushSoonAsync();
        await TransportBed.TurnAsync(lane);
        byte[] said = await client.ReadToEndAsync();
        // In memory a reset drops what is under way, as some systems' do.
        Assert.True(said.AsSpan().SequenceEqual("413"u8) || bed.Listener.Address.Kind == NetAddress.AddressKind.Memory);
    });

    [Fact]
    public void A_peer_that_does_not_read_is_waited_for_and_holds_little() => bed.Run(async lane =>
    {
        byte[] piece = Ends.Pattern(10_000);
        var (client, server) = await bed.PairAsync(lane);
        int pieces = 0;
        LaneTask<System.IO.Pipelines.FlushResult> flush;
        do
        {
            Assert.True(pieces < 10_000, "nobody reads, and yet it was all taken");
            client.Output.Append(piece);
            pieces++;
            flush = client.Output.FlushSoonAsync();
            await TransportBed.TurnAsync(lane);
        }
        while (flush.IsCompleted && !(await flush).IsCompleted);
        Assert.True(client.Output.IsWaiting);
        Assert.InRange(client.Output.HeldBytes, 1, 3 * ConnectionWriter.OwedBytesMax);
        byte[] received = await server.ReadExactlyAsync(pieces * piece.Length);
        Assert.False((await flush).IsCompleted);
        for (int at = 0; at < received.Length; at += piece.Length)
        {
            Assert.True(received.AsSpan(at, piece.Length).SequenceEqual(piece));
        }
        Assert.Equal(0, lane.Buffers.Rented);
    });

    public void Dispose()
    {
        bed.Dispose();
        GC.SuppressFinalize(this);
    }
}
