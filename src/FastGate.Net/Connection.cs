using System.Buffers;
using System.IO.Pipelines;
using FastGate.Net.Time;

namespace FastGate.Net;

/// <summary>One byte stream on one lane, of whatever transport. Reads and writes wait for readiness; nothing here
/// throws for what a peer does: a broken connection completes its reads and says why in <see cref="Fault"/>.</summary>
public abstract class Connection : LaneTimer, IDuplexPipe
{
    private ConnectionWatch? _watch;

    private protected Connection(Lane lane)
    {
        Lane = lane;
        Input = new ConnectionReader(this);
        Output = new ConnectionWriter(this);
    }

    /// <summary>The lane it lives on; changes only when an idle connection is handed over.</summary>
    public Lane Lane { get; private protected set; }

    public ConnectionReader Input { get; }

    public ConnectionWriter Output { get; }

    PipeReader IDuplexPipe.Input => Input;

    PipeWriter IDuplexPipe.Output => Output;

    /// <summary>Why it broke; <see cref="ConnectionFault.None"/> while it works and after an orderly end.</summary>
    public ConnectionFault Fault { get; private protected set; }

    /// <summary>The system's error number behind <see cref="Fault"/>, or 0.</summary>
    public int FaultNumber { get; private protected set; }

    public bool IsClosed { get; private protected set; }

    /// <summary>The other end; a client's address is known from its accept on.</summary>
    public abstract NetAddress Remote { get; }

    /// <summary>Bytes may be there to be received: set by readiness, cleared by a short read.</summary>
    internal bool Readable;

    /// <summary>The kernel may take bytes: cleared by a partial send, set by readiness.</summary>
    internal bool Writable = true;

    /// <summary>True when we sent our FIN.</summary>
    public bool OutputEnded { get; private protected set; }

    /// <summary>Bytes received and sent since it was opened.</summary>
    public long BytesReceived { get; internal set; }

    public long BytesSent { get; internal set; }

    /// <summary>Who is told of unasked activity; null for nobody. Activity that came before is told at once.</summary>
    public void Watch(ConnectionWatch? watch)
    {
        Lane.AssertCurrent();
        _watch = watch;
        if (watch is not null && Fault != ConnectionFault.None)
        {
            watch.OnActivity(this, broken: true);
        }
    }

    /// <summary>True when the peer has neither said nor ended anything that was not consumed, as far as this lane
    /// knows: readiness that came while nobody watched is looked into.</summary>
    public bool IsSilent()
    {
        if (Fault != ConnectionFault.None || Input.HasBytes || Input.IsEnded)
        {
            return false;
        }
        // Readable says only "perhaps"; a receive that would block says "no" and clears it.
        return !Readable || (!Input.TryRead(out _) && !Readable);
    }

    /// <summary>Receives into <paramref name="buffer"/>: a count, 0 at the orderly end, or one of
    /// <see cref="WouldBlock"/> and <see cref="Failed"/>.</summary>
    private protected abstract int ReceiveCore(Span<byte> buffer);

    /// <summary>Sends what the peer takes now of the buffered segments and then of the caller's.</summary>
    /// <returns>Bytes taken, or <see cref="WouldBlock"/> or <see cref="Failed"/>.</returns>
    private protected abstract long SendCore(in ReadOnlySequence<byte> buffered, in ReadOnlySequence<byte> caller);

    internal const int WouldBlock = -1;
    internal const int Failed = -2;

    internal int Receive(Span<byte> buffer) => ReceiveCore(buffer);

    internal long Send(in ReadOnlySequence<byte> buffered, in ReadOnlySequence<byte> caller) =>
        SendCore(buffered, caller);

    /// <summary>Sends FIN: no more output, the input goes on (RFC 9293 section 3.6).</summary>
    public abstract void EndOutput();

    /// <summary>Cuts the connection at once; the peer sees a reset. Waiting reads and writes complete with the
    /// fault.</summary>
    public abstract void Abort(ConnectionFault fault = ConnectionFault.Aborted);

    /// <summary>Ends it: an orderly close if nothing is unread and unsent. Gives everything back; idempotent.</summary>
    public abstract void Close();

    /// <summary>It can live on another lane: a socket can, an end inside the process cannot.</summary>
    public virtual bool CanHandOver => true;

    /// <summary>Moves a connection on which nobody waits and nothing is buffered to another lane, whose thread goes on
    /// with it from <paramref name="arrived"/>.</summary>
    public abstract void HandOver(Lane target, Action<Connection> arrived);

    /// <summary>Until when the current and every later read may wait, in the lane's milliseconds;
    /// <see cref="LaneTimer.Never"/> lifts it. A read that waits too long completes as canceled.</summary>
    public void SetReadDeadline(long due)
    {
        _readDue = due;
        ArmTimer();
    }

    /// <summary>The same for writes.</summary>
    public void SetWriteDeadline(long due)
    {
        _writeDue = due;
        ArmTimer();
    }

    private long _readDue = Never;
    private long _writeDue = Never;

    private void ArmTimer() => Lane.Deadlines.Set(this, Math.Min(_readDue, _writeDue));

    protected internal sealed override void OnDue()
    {
        long now = Lane.Now;
        // Re-arm first: the waiter that is told may close the connection or set other deadlines.
        bool readDue = _readDue <= now;
        bool writeDue = _writeDue <= now;
        if (readDue)
        {
            _readDue = Never;
        }
        if (writeDue)
        {
            _writeDue = Never;
        }
        ArmTimer();
        if (readDue)
        {
            Input.OnDeadline();
        }
        if (writeDue && !IsClosed)
        {
            OnWriteDeadline();
        }
    }

    private protected virtual void OnWriteDeadline() => Output.OnDeadline();

    /// <summary>Readiness, translated by the transport. Runs waiters inline: the transport calls it from a place where
    /// that is right.</summary>
    private protected void OnReadiness(bool readable, bool writable, bool broken)
    {
        if (writable)
        {
            Writable = true;
            if (Output.IsWaiting)
            {
                Output.OnWritable();
            }
        }
        if (!readable || IsClosed)
        {
            return;
        }
        Readable = true;
        if (Input.IsWaiting)
        {
            Input.OnReadable();
        }
        else
        {
            _watch?.OnActivity(this, broken);
        }
    }

    private protected void NoteFault(ConnectionFault fault, int number = 0)
    {
        if (Fault == ConnectionFault.None)
        {
            Fault = fault;
            FaultNumber = number;
        }
    }

    /// <summary>Tells whoever waits, or watches, that the connection broke.</summary>
    private protected void FailWaiters()
    {
        Readable = true;
        Writable = true;
        Output.OnBroken();
        if (Input.IsWaiting)
        {
            Input.OnBroken();
        }
    }

    private protected void ReleaseBuffers()
    {
        _watch = null;
        Lane.Deadlines.Remove(this);
        Input.Release();
        Output.Release();
    }

    private protected bool IsQuiet => !Input.IsWaiting && !Output.IsWaiting && !Input.HasBytes && !Output.HasBytes;
}
