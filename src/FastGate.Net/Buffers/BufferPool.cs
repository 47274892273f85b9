using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FastGate.Net.Buffers;

/// <summary>The buffers of one lane, in two sizes, cut from pinned slabs: the kernel reads and writes them without
/// pinning, and the collector never moves them. Last returned is first rented, so a busy lane works in a few warm
/// buffers however many connections it has.</summary>
public sealed class BufferPool
{
    /// <summary>Bytes of an ordinary buffer: a message head and a small body in one read.</summary>
    public const int SmallBytes = 16 * 1024;
    /// <summary>Bytes of a buffer for a stream that filled its last one.</summary>
    public const int LargeBytes = 64 * 1024;

    private const int SlabBytes = 1024 * 1024;

    private readonly Lane _lane;
    private Segment? _freeSmall;
    private Segment? _freeLarge;

    internal BufferPool(Lane lane) => _lane = lane;

    /// <summary>Buffers that are out; for limits, statistics and tests.</summary>
    public int Rented { get; private set; }

    /// <summary>Bytes of the buffers that are out.</summary>
    public long RentedBytes { get; private set; }

    /// <summary>Bytes taken from the system so far.</summary>
    public long SlabBytesTotal { get; private set; }

    public Segment RentSmall() => Take(ref _freeSmall, SmallBytes);

    public Segment RentLarge() => Take(ref _freeLarge, LargeBytes);

    /// <summary>A buffer of the size that is wanted if possible. Where the slabs have reached the lane's bound, it is
    /// whichever is free already: a lane that has had its fill of one size must not take as much again of the
    /// other.</summary>
    public Segment RentAny(bool large)
    {
        Segment? wanted = large ? _freeLarge : _freeSmall;
        Segment? other = large ? _freeSmall : _freeLarge;
        bool takesOther = wanted is null && other is not null && SlabBytesTotal + SlabBytes > _lane.Memory.Max;
        return large != takesOther ? RentLarge() : RentSmall();
    }

    /// <summary>A buffer of at least so many bytes in one piece. More than <see cref="LargeBytes"/>, which only the
    /// heads of unusual limits need, is taken from the collector each time.</summary>
    public Segment Rent(int bytes)
    {
        if (bytes <= LargeBytes)
        {
            return bytes <= SmallBytes ? RentAny(large: false) : RentLarge();
        }
        _lane.AssertCurrent();
        byte[] own = GC.AllocateUninitializedArray<byte>(bytes, pinned: true);
        return Count(new Segment(MemoryMarshal.CreateFromPinnedArray(own, 0, bytes), own, 0));
    }

    public void Return(Segment segment)
    {
        _lane.AssertCurrent();
        Debug.Assert(segment.IsRented, "returned twice");
        segment.IsRented = false;
        Rented--;
        RentedBytes -= segment.Capacity;
        _lane.Memory.Give(segment.Capacity);
        segment.Clear();
        if (segment.Capacity > LargeBytes)
        {
            return;
        }
        ref Segment? free = ref segment.Capacity == SmallBytes ? ref _freeSmall : ref _freeLarge;
        segment.NextFree = free;
        free = segment;
    }

    private Segment Take(ref Segment? free, int bytes)
    {
        _lane.AssertCurrent();
        if (free is null)
        {
            CutSlab(ref free, bytes);
        }
        Segment segment = free!;
        free = segment.NextFree;
        segment.NextFree = null;
        return Count(segment);
    }

    private Segment Count(Segment segment)
    {
        segment.IsRented = true;
        Rented++;
        RentedBytes += segment.Capacity;
        _lane.Memory.Take(segment.Capacity);
        return segment;
    }

    private void CutSlab(ref Segment? free, int bytes)
    {
        byte[] slab = GC.AllocateUninitializedArray<byte>(SlabBytes, pinned: true);
        SlabBytesTotal += SlabBytes;
        for (int offset = SlabBytes - bytes; offset >= 0; offset -= bytes)
        {
            Memory<byte> memory = MemoryMarshal.CreateFromPinnedArray(slab, offset, bytes);
            free = new Segment(memory, slab, offset) { NextFree = free };
        }
    }
}
