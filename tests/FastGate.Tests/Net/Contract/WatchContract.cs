using FastGate.Net;
using FastGate.Net.Buffers;

namespace FastGate.Tests.Net;

/// <summary>What comes while nobody reads is told to the watch: once it is there, also when it came before the watch,
/// and whatever the watch does then.</summary>
public abstract class WatchContract(TransportBed bed) : IDisposable
{
    [Fact]
    public void Bytes_are_activity_and_are_still_there_to_be_read() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        await client.WriteAsync([5]);
        await TransportBed.UntilAsync(lane, () => watch.Active > 0);
        Assert.Equal(0, watch.Broken);
        Assert.Equal(0, lane.Buffers.Rented - InFlight);
        Assert.Equal([5], await server.ReadExactlyAsync(1));
    });

    /// <summary>Buffers the transport itself holds for one message under way.</summary>
    protected virtual int InFlight => 0;

    [Fact]
    public void An_end_is_activity_and_not_a_break() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        client.EndOutput();
        await TransportBed.UntilAsync(lane, () => watch.Active > 0);
        Assert.Equal(0, watch.Broken);
        await server.WriteAsync([1]);
        Assert.Equal([1], await client.ReadExactlyAsync(1));
    });

    [Fact]
    public void An_end_behind_our_own_is_no_break() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        server.EndOutput();
        await client.ReadToEndAsync();
        client.EndOutput();
        await TransportBed.UntilAsync(lane, () => watch.Active > 0);
        Assert.Equal(0, watch.Broken);
        Assert.Equal(ConnectionFault.None, server.Fault);
    });

    [Theory]
    [InlineData("bytes", false)]
    [InlineData("end", false)]
    [InlineData("both", false)]
    public void What_came_before_the_watch_is_told_at_once(string what, bool broken) => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        if (what is "bytes" or "both")
        {
            await client.WriteAsync([5]);
        }
        if (what is "end" or "both")
        {
            client.EndOutput();
        }
        await TransportBed.PassAsync(lane, 10);
        var watch = new RecordingWatch();
        server.Watch(watch);
        Assert.Equal(1, watch.Active);
        Assert.Equal(broken ? 1 : 0, watch.Broken);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(BufferPool.SmallBytes)]
    [InlineData(BufferPool.SmallBytes + BufferPool.LargeBytes)]
    public void A_connection_that_was_read_empty_tells_nothing(int count) => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        Task<byte[]> reading = server.ReadExactlyAsync(count);
        await client.WriteAsync(Ends.Pattern(count));
        await reading;
        var watch = new RecordingWatch();
        // A read that filled its buffer to the last byte cannot know that nothing is left: the watch must.
        server.Watch(watch);
        await TransportBed.PassAsync(lane, 10);
        Assert.Equal(0, watch.Active);
        await client.WriteAsync([1]);
        await TransportBed.UntilAsync(lane, () => watch.Active > 0);
    });

    [Fact]
    public void A_read_that_waits_gets_the_bytes_and_the_watch_is_not_told() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        Task<byte[]> reading = server.ReadExactlyAsync(1);
        await client.WriteAsync([5]);
        Assert.Equal([5], await reading);
        Assert.Equal(0, watch.Active);
    });

    [Fact]
    public void A_watch_that_was_lifted_or_whose_connection_is_closed_is_not_told() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        server.Watch(null);
        await client.WriteAsync([5]);
        await TransportBed.PassAsync(lane, 10);
        Assert.Equal(0, watch.Active);
        client.Watch(watch);
        client.Close();
        await TransportBed.PassAsync(lane, 10);
        Assert.Equal(0, watch.Active);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_watch_may_end_its_connection_and_others_from_inside(bool close) => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var (onward, upstream) = await bed.PairAsync(lane);
        Task filling = EndContract.FillAsync(onward);
        Task<byte[]> hearing = onward.ReadToEndAsync();
        await TransportBed.UntilAsync(lane, () => onward.Output.IsWaiting);
        var watch = new RecordingWatch
        {
            Then = connection =>
            {
                onward.Abort();
                if (close)
                {
                    connection.Close();
                }
                else
                {
                    connection.Abort();
                }
            },
        };
        server.Watch(watch);
        client.Abort();
        await TransportBed.UntilAsync(lane, () => watch.Active > 0);
        await filling;
        await hearing;
        Assert.Equal(1, watch.Active);
        Assert.Equal(ConnectionFault.Aborted, onward.Fault);
        upstream.Close();
    });

    [Fact]
    public void A_write_that_waits_and_a_watch_are_both_told_of_a_break() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        Task filling = EndContract.FillAsync(server);
        await TransportBed.UntilAsync(lane, () => server.Output.IsWaiting);
        client.Abort();
        await filling;
        await TransportBed.UntilAsync(lane, () => watch.Broken > 0);
    });

    [Fact]
    public void Closing_in_the_continuation_of_a_write_does_not_tell_the_watch() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        Task filling = FillAndCloseAsync(server);
        await TransportBed.UntilAsync(lane, () => server.Output.IsWaiting);
        client.Abort();
        await filling;
        await TransportBed.PassAsync(lane, 10);
        Assert.Equal(0, watch.Active);

        static async Task FillAndCloseAsync(Connection connection)
        {
            await EndContract.FillAsync(connection);
            connection.Close();
        }
    });

    public void Dispose()
    {
        bed.Dispose();
        GC.SuppressFinalize(this);
    }
}
