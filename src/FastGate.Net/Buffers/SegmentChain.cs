using System.Buffers;

namespace FastGate.Net.Buffers;

/// <summary>Bytes that were copied out of an input to outlive it, in pooled buffers of a lane. Their sequence may be
/// given to <see cref="ConnectionWriter.SendAsync(in ReadOnlySequence{byte})"/> any number of times, and must not be
/// released while a flush of it waits.</summary>
public sealed class SegmentChain
{
    private BufferPool? _pool;
    private Segment? _head;
    private Segment? _tail;

    /// <summary>Bytes that are kept.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes of the buffers that hold them.</summary>
    public long HeldBytes => Segment.CapacityFrom(_head);

    /// <summary>What is kept, in the order it came.</summary>
    public ReadOnlySequence<byte> Bytes => _head is null
        ? ReadOnlySequence<byte>.Empty
        : new ReadOnlySequence<byte>(_head, 0, _tail!, _tail!.Length);

    /// <summary>Copies bytes behind what is kept.</summary>
    /// <param name="bytes">Of any memory.</param>
    /// <param name="pool">Of the lane whose thread calls; the same until all is released.</param>
    public void Append(in ReadOnlySequence<byte> bytes, BufferPool pool)
    {
        _pool = pool;
        foreach (ReadOnlyMemory<byte> piece in bytes)
        {
            ReadOnlySpan<byte> left = piece.Span;
            while (!left.IsEmpty)
            {
                Segment target = _tail is { Free: > 0 } tail ? tail : Add(pool.RentAny(large: false));
                int count = Math.Min(target.Free, left.Length);
                left[..count].CopyTo(target.FreeSpan);
                target.Advance(count);
                left = left[count..];
            }
        }
        Length += bytes.Length;
    }

    /// <summary>Gives every buffer back.</summary>
    public void Release()
    {
        while (_head is { } segment)
        {
            _head = segment.NextSegment;
            _pool!.Return(segment);
        }
        _tail = null;
        Length = 0;
    }

    private Segment Add(Segment segment)
    {
        if (_tail is null)
        {
            _head = segment;
        }
        else
        {
            _tail.Append(segment);
        }
        _tail = segment;
        return segment;
    }
}
