using System.Buffers;
using System.Runtime.CompilerServices;
using FastGate.Net.Buffers;

namespace FastGate.Net.Linux;

/// <summary>Sending: pooled segments where they are, in one call, at once or with the rest of the turn.</summary>
internal sealed unsafe partial class SocketConnection
{
    private const int VectorsMax = 64;
    private int _owingPlace = -1;

    [SkipLocalsInit] // A kilobyte of vectors, of which a send uses one or two.
    private protected override long SendCore(in ReadOnlySequence<byte> buffered, in ReadOnlySequence<byte> caller)
    {
        if (_fd < 0)
        {
            return Failed;
        }
        Libc.IoVec* vectors = stackalloc Libc.IoVec[VectorsMax];
        int count = 0;
        long total = Gather(buffered, vectors, ref count);
        total += Gather(caller, vectors, ref count);
        nint sent;
        do
        {
            sent = count == 1
                ? Libc.Send(_fd, vectors[0].Start, vectors[0].Length, Libc.MsgDontWait | Libc.MsgNoSignal)
                : SendGathered(vectors, count);
        }
        while (sent < 0 && EpollLane.Errno == Libc.EIntr);
        if (sent >= 0)
        {
            if (sent < total)
            {
                Writable = false;
            }
            return sent;
        }
        return Refused(ref Writable);
    }

    private nint SendGathered(Libc.IoVec* vectors, int count)
    {
        Libc.MsgHdr message = new() { Vectors = vectors, VectorCount = (nuint)count };
        return Libc.SendMsg(_fd, &message, Libc.MsgDontWait | Libc.MsgNoSignal);
    }

    /// <summary>Adds the pieces of a sequence of pooled segments, whose memory is pinned.</summary>
    private static long Gather(in ReadOnlySequence<byte> source, Libc.IoVec* vectors, ref int count)
    {
        if (source.IsEmpty)
        {
            return 0;
        }
        long total = 0;
        var segment = (Segment)source.Start.GetObject()!;
        object last = source.End.GetObject()!;
        int start = source.Start.GetInteger();
        while (count < VectorsMax)
        {
            int end = segment == last ? source.End.GetInteger() : segment.Length;
            if (end > start)
            {
                vectors[count].Start = segment.Address + start;
                vectors[count].Length = (nuint)(end - start);
                count++;
                total += end - start;
            }
            if (segment == last)
            {
                break;
            }
            segment = segment.NextSegment!;
            start = 0;
        }
        return total;
    }

    internal override bool MayOwe => Writable && _fd >= 0;

    internal override void Owe()
    {
        if (_owingPlace >= 0)
        {
            return;
        }
        EpollLane lane = EpollLane;
        _owingPlace = lane.Owe(this);
        if (lane.OwingIsFull)
        {
            lane.SendAllOwed();
        }
    }

    /// <summary>The lane's end of <see cref="Owe"/>.</summary>
    public void PayOwed()
    {
        _owingPlace = -1;
        // A later flush may have taken it along, and the writer have been given back since.
        OutputInUse?.SendOwed();
        OnOwedSent();
    }

    private void Unowe()
    {
        if (_owingPlace >= 0)
        {
            EpollLane.Unowe(_owingPlace);
            _owingPlace = -1;
        }
    }

    private protected override long UnacknowledgedBytes
    {
        get
        {
            int queued = 0;
            return _fd >= 0 && Libc.IoCtl(_fd, Libc.SiocOutQ, &queued) == 0 ? queued : 0;
        }
    }
}
