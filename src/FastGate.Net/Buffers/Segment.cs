using System.Buffers;
using System.Runtime.InteropServices;

namespace FastGate.Net.Buffers;

/// <summary>One pooled buffer as a link of a sequence. Its memory is pinned for the life of the object.</summary>
public sealed class Segment : ReadOnlySequenceSegment<byte>
{
    private readonly Memory<byte> _whole;
    private readonly unsafe byte* _address;

    internal unsafe Segment(Memory<byte> memory, byte[] pinnedSlab, int offset)
    {
        _whole = memory;
        _address = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(pinnedSlab, offset);
    }

    internal Segment? NextFree;
    internal bool IsRented;

    public int Capacity => _whole.Length;

    /// <summary>Bytes written so far, from the start.</summary>
    public int Length { get; private set; }

    public int Free => Capacity - Length;

    public Segment? NextSegment => (Segment?)Next;

    /// <summary>Bytes of this buffer and of those that follow.</summary>
    internal static long CapacityFrom(Segment? first)
    {
        long bytes = 0;
        for (; first is not null; first = first.NextSegment)
        {
            bytes += first.Capacity;
        }
        return bytes;
    }

    /// <summary>Address of the first byte, valid for the life of the object.</summary>
    internal unsafe byte* Address => _address;

    internal Span<byte> FreeSpan => _whole.Span[Length..];

    internal Memory<byte> FreeMemory => _whole[Length..];

    internal void Advance(int count)
    {
        Length += count;
        Memory = _whole[..Length];
    }

    /// <summary>Forgets what was written behind <paramref name="length"/>, and what follows.</summary>
    internal void Truncate(int length)
    {
        Length = length;
        Memory = _whole[..length];
        Next = null;
    }

    internal void Append(Segment next)
    {
        next.RunningIndex = RunningIndex + Length;
        Next = next;
    }

    internal void Clear()
    {
        Length = 0;
        Memory = default;
        Next = null;
        RunningIndex = 0;
    }
}
