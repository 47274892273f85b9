using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

namespace FastGate.Gateway.Stats;

/// <summary>A bounded ring of whole lines between one producer (a lane's thread) and one consumer (the log writer).
/// Neither ever waits for the other; what to do when it is full is the producer's business.
///
/// Positions count bytes since the start and never wrap; an offset is a position modulo the capacity. Behind the
/// capacity lies slack for one reservation, so that the producer always formats into one contiguous span; what runs
/// over the end is copied to the front when it is published, once a lap.
///
/// The memory model: the producer alone stores Head, with release, after the bytes it covers; the consumer loads it
/// with acquire before it reads them. The consumer alone stores Tail, with release, after its last read of the bytes
/// below; the producer loads it with acquire before it overwrites them. Head is always at the end of a line, and Tail
/// is only ever moved to the end of a line: a line that is half written to a file stays in the ring whole.</summary>
internal sealed class ByteRing
{
    private readonly byte[] _bytes;
    private readonly int _capacity;
    private readonly int _mask;
    private Positions _at;

    // The two sides write to lines of their own; 128 bytes because neighbouring lines are fetched in pairs.
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private struct Positions
    {
        [FieldOffset(128)]
        public long Head;
        /// <summary>The producer's last look at Tail.</summary>
        [FieldOffset(136)]
        public long TailSeen;
        [FieldOffset(256)]
        public long Tail;
        /// <summary>How far the consumer handed bytes to the kernel; Tail is the end of the last whole line in
        /// it.</summary>
        [FieldOffset(264)]
        public long Sent;
    }

    /// <param name="capacity">Bytes, a power of two.</param>
    /// <param name="reservationMax">The largest reservation the producer makes, at most the capacity.</param>
    public ByteRing(int capacity, int reservationMax)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(BitOperations.IsPow2(capacity), true, nameof(capacity));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reservationMax, capacity);
        _capacity = capacity;
        _mask = capacity - 1;
        // Pinned, so that its address can be given to the kernel; uninitialised, so that untouched pages cost nothing.
        _bytes = GC.AllocateUninitializedArray<byte>(capacity + reservationMax, pinned: true);
    }

    /// <summary>Producer: room for a line of at most so many bytes; empty when that does not fit now.</summary>
    public Span<byte> Reserve(int bytesMax)
    {
        long head = _at.Head;
        if (_capacity - (head - _at.TailSeen) < bytesMax)
        {
            _at.TailSeen = Volatile.Read(ref _at.Tail);
            if (_capacity - (head - _at.TailSeen) < bytesMax)
            {
                return default;
            }
        }
        return _bytes.AsSpan((int)head & _mask, bytesMax);
    }

    /// <summary>Producer: the first <paramref name="length"/> bytes of the reservation are a finished line. A full
    /// fence: what the producer reads afterwards is read after the line became visible.</summary>
    public void Publish(int length)
    {
        long head = _at.Head;
        int over = ((int)head & _mask) + length - _capacity;
        if (over > 0)
        {
            _bytes.AsSpan(_capacity, over).CopyTo(_bytes);
        }
        Interlocked.Exchange(ref _at.Head, head + length);
    }

    /// <summary>Producer: more than half is waiting for the consumer.</summary>
    public bool IsHalfFull
    {
        get
        {
            long head = _at.Head;
            if (head - _at.TailSeen <= _capacity / 2)
            {
                return false;
            }
            _at.TailSeen = Volatile.Read(ref _at.Tail);
            return head - _at.TailSeen > _capacity / 2;
        }
    }

    /// <summary>Consumer: everything below this position may be read.</summary>
    public long Head => Volatile.Read(ref _at.Head);

    /// <summary>Consumer: everything below this position was handed to the kernel.</summary>
    public long Sent => _at.Sent;

    public bool IsEmpty => Head == _at.Tail;

    /// <summary>Consumer: the last thing sent was a part of a line.</summary>
    public bool IsMidLine => _at.Sent != _at.Tail;

    /// <summary>Consumer: the unsent bytes below <paramref name="end"/>, in one or two pieces.</summary>
    public unsafe int Gather(long end, Span<IoVec> pieces)
    {
        int length = (int)(end - _at.Sent);
        if (length == 0)
        {
            return 0;
        }
        int offset = (int)_at.Sent & _mask;
        int first = Math.Min(length, _capacity - offset);
        byte* start = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0);
        pieces[0] = new IoVec(start + offset, first);
        if (first == length)
        {
            return 1;
        }
        pieces[1] = new IoVec(start, length - first);
        return 2;
    }

    /// <summary>Consumer: so many more bytes were taken by the kernel; whole lines among them are freed.</summary>
    public void Advance(int count)
    {
        long sent = _at.Sent + count;
        Debug.Assert(sent <= Head, "more was sent than published");
        _at.Sent = sent;
        long tail = _at.Tail;
        // Bytes between Tail and Sent are the consumer's, so an end of line in them is seen whatever the producer does.
        long end = sent;
        while (end > tail && _bytes[(int)(end - 1) & _mask] != (byte)'\n')
        {
            end = PreviousLineEnd(tail, end);
        }
        Volatile.Write(ref _at.Tail, end);
    }

    /// <summary>Consumer: forget that part of a line was sent; it is sent again from its start.</summary>
    public void Rewind() => _at.Sent = _at.Tail;

    /// <summary>Consumer: where the line that was partly sent ends.</summary>
    public long LineEnd()
    {
        long position = _at.Sent;
        long head = Head;
        while (position < head)
        {
            ReadOnlySpan<byte> piece = Piece(position, head);
            int newline = piece.IndexOf((byte)'\n');
            if (newline >= 0)
            {
                return position + newline + 1;
            }
            position += piece.Length;
        }
        return head;
    }

    /// <summary>Consumer: empties the ring and says how many lines that lost.</summary>
    public long Discard()
    {
        long lines = 0;
        long position = _at.Tail;
        long head = Head;
        while (position < head)
        {
            ReadOnlySpan<byte> piece = Piece(position, head);
            lines += piece.Count((byte)'\n');
            position += piece.Length;
        }
        _at.Sent = head;
        Volatile.Write(ref _at.Tail, head);
        return lines;
    }

    private ReadOnlySpan<byte> Piece(long start, long end)
    {
        int offset = (int)start & _mask;
        return _bytes.AsSpan(offset, (int)Math.Min(end - start, _capacity - offset));
    }

    private long PreviousLineEnd(long tail, long end)
    {
        // The piece that ends at `end` without crossing the ring's front.
        int offset = (int)(end - 1) & _mask;
        int length = (int)Math.Min(end - tail, offset + 1);
        int newline = _bytes.AsSpan(offset + 1 - length, length).LastIndexOf((byte)'\n');
        return newline >= 0 ? end - length + newline + 1 : end - length;
    }
}
