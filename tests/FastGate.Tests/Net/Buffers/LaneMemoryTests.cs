using FastGate.Net;
using FastGate.Net.Buffers;
using FastGate.Net.Memory;

namespace FastGate.Tests.Net.Buffers;

public sealed class LaneMemoryTests : IDisposable
{
    private const long Max = 64_000;
    private const long Step = Max / 64;

    private readonly MemoryTransport _transport = new(1);
    private int _told;

    public LaneMemoryTests()
    {
        Memory.Max = Max;
        Memory.Passed = new LaneAction(() => _told++);
    }

    private LaneMemory Memory => _transport.Lanes[0].Memory;

    public void Dispose() => _transport.Dispose();

    [Fact]
    public void The_bound_itself_may_be_used_and_one_byte_more_is_told()
    {
        Take(Max);
        Assert.Equal((false, 0), (Memory.IsOver, _told));
        Take(1);
        Assert.Equal((true, 1), (Memory.IsOver, _told));
    }

    [Fact]
    public void Beyond_the_bound_it_is_told_again_after_a_step_and_not_for_every_buffer()
    {
        Take(Max + 1);
        for (int i = 0; i < Step; i++)
        {
            Take(1);
        }
        Assert.Equal(1, _told);
        Take(1);
        Assert.Equal(2, _told);
    }

    [Fact]
    public void Back_within_the_bound_the_next_passing_is_told_at_once()
    {
        Take(Max + (10 * Step));
        Give(11 * Step);
        Assert.Equal((false, 1), (Memory.IsOver, _told));
        Take((1 * Step) + 1);
        Assert.Equal(2, _told);
    }

    [Fact]
    public void Buffers_that_are_out_are_counted()
    {
        _transport.On(0, () =>
        {
            BufferPool pool = _transport.Lanes[0].Buffers;
            Segment[] segments = [pool.RentSmall(), pool.RentLarge(), pool.Rent(100_000)];
            Assert.Equal(BufferPool.SmallBytes + BufferPool.LargeBytes + 100_000, Memory.Used);
            Array.ForEach(segments, pool.Return);
            Assert.Equal(0, Memory.Used);
        });
    }

    /// <summary>Slabs are never given back, so a lane that had its fill of one size must not take as much again of the
    /// other.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void At_the_bound_a_lane_uses_the_buffers_it_has(bool large)
    {
        const int Slab = 1024 * 1024;
        Memory.Max = 2 * Slab;
        _transport.On(0, () =>
        {
            BufferPool pool = _transport.Lanes[0].Buffers;
            int count = 2 * Slab / (large ? BufferPool.LargeBytes : BufferPool.SmallBytes);
            Segment[] fill = [.. Enumerable.Range(0, count).Select(_ => pool.RentAny(large))];
            Assert.Equal(2 * Slab, pool.SlabBytesTotal);
            Array.ForEach(fill, pool.Return);
            Segment[] other = [.. Enumerable.Range(0, count).Select(_ => pool.RentAny(!large))];
            Assert.Equal(2 * Slab, pool.SlabBytesTotal);
            // With none left of either, a new one is taken: nobody waits for a buffer.
            Segment more = pool.RentAny(!large);
            Assert.Equal(large ? BufferPool.SmallBytes : BufferPool.LargeBytes, more.Capacity);
            Array.ForEach([.. other, more], pool.Return);
        });
    }

    private void Take(long bytes) => Move(() => Memory.Take(bytes));

    private void Give(long bytes) => Move(() => Memory.Give(bytes));

    private void Move(Action action)
    {
        _transport.On(0, action);
        _transport.RunUntilIdle();
    }
}
