using FastGate.Net.Buffers;
using FastGate.Net.Memory;

namespace FastGate.Tests.Net.Buffers;

public sealed class BufferPoolTests : IDisposable
{
    private readonly MemoryTransport _transport = new(1);

    [Fact]
    public void Buffers_are_counted_and_the_last_returned_is_the_first_rented() => OnLane(pool =>
    {
        Segment small = pool.RentSmall();
        Segment large = pool.RentLarge();
        Assert.Equal((BufferPool.SmallBytes, BufferPool.LargeBytes), (small.Capacity, large.Capacity));
        Assert.Equal(2, pool.Rented);
        Segment second = pool.RentSmall();
        pool.Return(second);
        pool.Return(small);
        Assert.Same(small, pool.RentSmall());
        pool.Return(small);
        pool.Return(large);
        Assert.Equal(0, pool.Rented);
    });

    [Fact]
    public void More_than_a_large_one_is_one_piece_and_not_kept() => OnLane(pool =>
    {
        Segment huge = pool.Rent(BufferPool.LargeBytes + 1);
        Assert.Equal(BufferPool.LargeBytes + 1, huge.Free);
        Assert.Equal((1, BufferPool.LargeBytes + 1), (pool.Rented, (int)pool.RentedBytes));
        pool.Return(huge);
        Assert.Equal((0, 0), (pool.Rented, (int)pool.RentedBytes));
        Segment large = pool.Rent(BufferPool.LargeBytes);
        Assert.NotSame(huge, large);
        pool.Return(large);
    });

    [Fact]
    public void What_comes_back_is_empty() => OnLane(pool =>
    {
        Segment segment = pool.RentSmall();
        segment.FreeSpan.Fill(1);
        segment.Advance(100);
        Segment next = pool.RentSmall();
        segment.Append(next);
        Assert.Equal(100, next.RunningIndex);
        pool.Return(segment);
        segment = pool.RentSmall();
        Assert.Equal((0, BufferPool.SmallBytes), (segment.Length, segment.Free));
        Assert.Null(segment.NextSegment);
        Assert.True(segment.Memory.IsEmpty);
        pool.Return(segment);
        pool.Return(next);
    });

    [Fact]
    public void Memory_is_taken_from_the_system_by_the_slab_and_none_overlaps() => OnLane(pool =>
    {
        Assert.Equal(0, pool.SlabBytesTotal);
        Segment[] segments = [.. Enumerable.Range(0, 70).Select(i => i % 2 == 0 ? pool.RentSmall() : pool.RentLarge())];
        // 35 of each size: one slab holds 64 small ones, three hold 35 large ones.
        Assert.Equal(4 * 1024 * 1024, pool.SlabBytesTotal);
        for (int i = 0; i < segments.Length; i++)
        {
            segments[i].FreeSpan.Fill((byte)(i + 1));
        }
        for (int i = 0; i < segments.Length; i++)
        {
            Assert.Equal(-1, segments[i].FreeSpan.IndexOfAnyExcept((byte)(i + 1)));
            pool.Return(segments[i]);
        }
        long total = pool.SlabBytesTotal;
        segments = [.. Enumerable.Range(0, 35).Select(_ => pool.RentLarge())];
        Assert.Equal(total, pool.SlabBytesTotal);
        Array.ForEach(segments, pool.Return);
    });

#if DEBUG // Release builds have no asserts.
    [Fact]
    public void Returning_twice_or_from_outside_the_lane_is_a_bug_that_shows()
    {
        Segment segment = null!;
        OnLane(pool =>
        {
            segment = pool.RentSmall();
            pool.Return(segment);
            Assert.Throws<AssertException>(() => pool.Return(segment));
        });
        Assert.Throws<AssertException>(() => _transport.Lanes[0].Buffers.RentSmall());
    }
#endif

    private void OnLane(Action<BufferPool> body) => _transport.On(0, () => body(_transport.Lanes[0].Buffers));

    public void Dispose() => _transport.Dispose();
}
