using System.Diagnostics;
using System.IO.Pipelines;
using FastGate.Net.Async;
using FastGate.Net.Buffers;

namespace FastGate.Net;

/// <summary>What a flush took over and is not with the system yet: the first bytes of those that are here.</summary>
public sealed partial class ConnectionWriter
{
    private long _owed;

    /// <summary>Bytes that <see cref="FlushSoonAsync"/> takes over at most; more are sent at once.</summary>
    public const int OwedBytesMax = BufferPool.SmallBytes;

    /// <summary>Bytes are here that a flush took over and that are not with the system yet. Who wants to end the
    /// connection flushes once more first: an end does not wait for a peer that is slow.</summary>
    public bool IsOwing => _owed > 0;

    /// <summary>The peer did not take what is owed, and no flush waits for it.</summary>
    internal bool IsStuck { get; private set; }

    /// <summary>As <see cref="SendAsync"/>, but of little the sending may be left to the end of the lane's turn, where
    /// the transport does that: it completes at once then, and what goes wrong is told by the next flush, and by the
    /// read that waits. What the peer does not take then is waited for by the next flush, and bound by the write
    /// deadline and the pace: a peer that lets them pass is cut.</summary>
    public LaneTask<FlushResult> FlushSoonAsync()
    {
        _connection.Lane.AssertCurrent();
        Debug.Assert(!IsWaiting, "a flush is under way already");
        if (_length is 0 or > OwedBytesMax || _broken || !_connection.MayOwe)
        {
            return SendAsync();
        }
        _owed = _length;
        _connection.Owe();
        return new LaneTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: false));
    }

    /// <summary>Sends what is owed, and nothing that was written since. Nobody else's code runs inside of it.</summary>
    internal void SendOwed()
    {
        if (_owed == 0 || !_connection.Writable)
        {
            return;
        }
        bool isLeft = SendNow(owedOnly: true) == Connection.WouldBlock;
        if (_broken)
        {
            _connection.TellOfBrokenSend();
        }
        else if (isLeft != IsStuck)
        {
            IsStuck = isLeft;
            if (isLeft)
            {
                _connection.NoteWriteWait(goesOn: false);
            }
            else
            {
                _connection.NoteWriteWaitEnded();
            }
        }
    }

    /// <summary>Where the bytes that are owed end.</summary>
    private Segment OwedEnd(out int index)
    {
        Segment segment = _head!;
        long left = _headOffset + _owed;
        for (; left > segment.Length; segment = segment.NextSegment!)
        {
            left -= segment.Length;
        }
        index = (int)left;
        return segment;
    }
}
