using System.Diagnostics;
using FastGate.Net.Time;

namespace FastGate.Net;

/// <summary>How long a peer may keep us waiting: until when for what we read, how long between two bytes of what we
/// write, and how slowly on the whole. One timer, for whichever is due first.</summary>
public abstract partial class Connection
{
    private long _readDue = Never;
    private long _writeDue = Never;
    private long _writeGap;
    private Pace _writePace;
    private long _paceDue = Never;
    private long _paceFrom;
    private long _acknowledged;
    private bool _readOverdue;
    private bool _writeOverdue;

    /// <summary>Until when the current and every later read may wait, in the lane's milliseconds;
    /// <see cref="LaneTimer.Never"/> lifts it. The read that waits then, or the next one that would have to, completes
    /// as canceled, and with that the deadline is lifted.</summary>
    public void SetReadDeadline(long due)
    {
        Lane.AssertCurrent();
        _readDue = due;
        _readOverdue = false;
        ArmTimer();
    }

    /// <summary>The same for writes, where it bounds the gap between bytes: while the peer acknowledges some, it is put
    /// off by as much as it was set ahead. One that takes nothing more is noticed one to two such gaps later.</summary>
    public void SetWriteDeadline(long due)
    {
        Lane.AssertCurrent();
        _writeDue = due;
        _writeGap = due - Lane.Now;
        _writeOverdue = false;
        ArmTimer();
    }

    /// <summary>How slowly the peer may take what is written, besides: a flush that waits longer than the pace allows
    /// completes as canceled. <c>default</c> lifts it.</summary>
    public void SetWritePace(in Pace pace)
    {
        Lane.AssertCurrent();
        Debug.Assert(_output is not { IsWaiting: true }, "a flush is under way");
        _writePace = pace;
        _paceDue = Never;
        _paceFrom = Lane.Now;
        // What is under way to the peer belongs to what came before; the first look sees to that.
        _acknowledged = BytesSent;
    }

    private void ArmTimer()
    {
        if (!IsClosed)
        {
            Lane.Deadlines.Set(this, Math.Min(_readDue, Math.Min(_writeDue, _paceDue)));
        }
    }

    /// <summary>True once after a read deadline passed while no read waited.</summary>
    internal bool TakeReadOverdue() => _readOverdue && !(_readOverdue = false);

    internal bool TakeWriteOverdue() => _writeOverdue && !(_writeOverdue = false);

    protected internal sealed override void OnDue()
    {
        long now = Lane.Now;
        bool readDue = _readDue <= now;
        bool writeDue = _writeDue <= now;
        bool paceDue = _paceDue <= now;
        if (readDue)
        {
            _readDue = Never;
            _readOverdue = !IsAwaited;
        }
        if (writeDue)
        {
            _writeDue = Never;
            _writeOverdue = !IsWriteAwaited;
        }
        ArmTimer();
        // Waiters go on from the ready queue: one that closes the connection, or sets the other deadline anew, must not
        // do so between these two.
        if (readDue && IsAwaited)
        {
            Input.CancelPendingRead();
        }
        if (writeDue || paceDue)
        {
            OnWriteDeadline(gapIsOver: writeDue);
        }
    }

    private bool IsWriteAwaited => _output is { IsWaiting: true } or { IsStuck: true };

    private protected virtual void OnWriteDeadline(bool gapIsOver)
    {
        if (!IsWriteAwaited)
        {
            // What it was for is over, or it would be due in every turn.
            _paceDue = Never;
            return;
        }
        bool moved = CountTaken(_paceFrom);
        if (gapIsOver && moved)
        {
            _writeDue = Lane.Now + _writeGap;
        }
        if ((gapIsOver && !moved) || _paceDue <= Lane.Now)
        {
            _writeDue = Never;
            _paceDue = Never;
            ArmTimer();
            if (_output is { IsWaiting: true } output)
            {
                output.OnDeadline();
                return;
            }
            // No flush waits that could say so, and perhaps none will come.
            Abort(ConnectionFault.TimedOut);
            TellWatchOfBreak();
            return;
        }
        ArmTimer();
    }

    /// <summary>A flush begins to wait, or what is owed does: from here on what the peer takes counts. It goes on when
    /// a flush comes that waits for what was owed already.</summary>
    internal void NoteWriteWait(bool goesOn)
    {
        CountTaken(waitedSince: goesOn ? _paceFrom : Lane.Now);
        ArmTimer();
    }

    /// <summary>The peer took enough for the flush to end.</summary>
    internal void NoteWriteWaitEnded()
    {
        if (_writePace.IsBound)
        {
            CountTaken(_paceFrom);
            _paceDue = Never;
        }
    }

    /// <summary>Counts what the peer took since the last look, whether somebody waited for it or not, and the time that
    /// was waited.</summary>
    /// <returns>Whether it took anything.</returns>
    private bool CountTaken(long waitedSince)
    {
        long taken = BytesSent - UnacknowledgedBytes - _acknowledged;
        long now = Lane.Now;
        _acknowledged += taken;
        _writePace.Waited(now - waitedSince);
        _writePace.Moved(Math.Max(taken, 0));
        _paceFrom = now;
        _paceDue = _writePace.DueFrom(now);
        return taken > 0;
    }

    /// <summary>Bytes that were sent and are not with the peer yet: a socket takes more only when a good part of its
    /// buffer is free, so a slow peer looks silent for long.</summary>
    private protected virtual long UnacknowledgedBytes => 0;

    private void ForgetDeadlines()
    {
        _readDue = _writeDue = _paceDue = Never;
        _writePace = default;
        _readOverdue = _writeOverdue = false;
        Lane.Deadlines.Remove(this);
    }
}
