using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using FastGate.Net.Time;

namespace FastGate.Net;

/// <summary>One byte stream on one lane, of whatever transport. Reads and writes wait for readiness; nothing here
/// throws for what a peer does: a broken connection completes its reads and says why in <see cref="Fault"/>.</summary>
public abstract partial class Connection : LaneTimer, IDuplexPipe
{
    private ConnectionWatch? _watch;
    private bool _gone;

    private protected Connection(Lane lane)
    {
        Lane = lane;
    }

    /// <summary>The lane it lives on; changes only when an idle connection is handed over.</summary>
    public Lane Lane { get; private protected set; }

    PipeReader IDuplexPipe.Input => Input;

    PipeWriter IDuplexPipe.Output => Output;

    /// <summary>Why it broke; <see cref="ConnectionFault.None"/> while it works and after an orderly end.</summary>
    public ConnectionFault Fault { get; private protected set; }

    /// <summary>The system's error number behind <see cref="Fault"/>, or 0.</summary>
    public int FaultNumber { get; private protected set; }

    public bool IsClosed { get; private protected set; }

    /// <summary>The other end; a client's address is known from its accept on.</summary>
    public abstract NetAddress Remote { get; }

    /// <summary>The IP address of the other end, in 4 bytes or 16 as the network has them; empty where it has
    /// none.</summary>
    public virtual ReadOnlySpan<byte> RemoteIp => Remote.IpBytes;

    /// <summary>Bytes may be there to be received: set by readiness, cleared by a short read.</summary>
    internal bool Readable;

    /// <summary>The kernel may take bytes: cleared by a partial send, set by readiness.</summary>
    internal bool Writable = true;

    /// <summary>True when we sent our FIN.</summary>
    public bool OutputEnded { get; private protected set; }

    /// <summary>Bytes received and sent since it was opened.</summary>
    public long BytesReceived { get; internal set; }

    public long BytesSent { get; internal set; }

    /// <summary>False when it can live on its lane only: then it arrives cut wherever it is handed over to.</summary>
    public virtual bool IsMovable => true;

    /// <summary>Who is told of unasked activity; null for nobody. Activity that came before and that nobody has read is
    /// told at once, inside of this call.</summary>
    public void Watch(ConnectionWatch? watch)
    {
        Lane.AssertCurrent();
        _watch = IsClosed ? null : watch;
        NoteIdle(_watch is { IsIdle: true });
        if (_watch is null || IsAwaited)
        {
            return;
        }
        if (_gone || Fault != ConnectionFault.None)
        {
            _watch.OnActivity(this, broken: true);
        }
        else if (Readable && Peek() != WouldBlock)
        {
            // Readable alone proves nothing: a read that filled its buffer to the last byte leaves it set.
            _watch.OnActivity(this, broken: Fault != ConnectionFault.None);
        }
    }

    /// <summary>Whether nobody uses it now, and its watch is to be told first.</summary>
    private protected virtual void NoteIdle(bool isIdle)
    {
    }

    /// <summary>True when the peer has neither said nor ended anything that was not consumed, as far as this lane
    /// knows: readiness that came while nobody watched is looked into.</summary>
    /// <param name="looks">Also where no readiness was told: it may be of this very turn.</param>
    public bool IsSilent(bool looks = false)
    {
        if (Fault != ConnectionFault.None || _input is { HasBytes: true } or { IsEnded: true })
        {
            return false;
        }
        // Readable says only "perhaps"; a receive that would block says "no" and clears it.
        return Readable ? !Input.TryRead(out _) && !Readable : !looks || Peek() == WouldBlock;
    }

    /// <summary>Receives into <paramref name="buffer"/>: a count, 0 at the orderly end, or one of
    /// <see cref="WouldBlock"/> and <see cref="Failed"/>.</summary>
    private protected abstract int ReceiveCore(Span<byte> buffer);

    /// <summary>Looks whether something could be received and leaves it there: 1 for bytes, otherwise as
    /// <see cref="ReceiveCore"/>.</summary>
    private protected abstract int Peek();

    /// <summary>Sends what the peer takes now of the buffered segments and then of the caller's.</summary>
    /// <returns>Bytes taken, or <see cref="WouldBlock"/> or <see cref="Failed"/>.</returns>
    private protected abstract long SendCore(in ReadOnlySequence<byte> buffered, in ReadOnlySequence<byte> caller);

    internal const int WouldBlock = -1;
    internal const int Failed = -2;

    internal int Receive(Span<byte> buffer) => ReceiveCore(buffer);

    internal long Send(in ReadOnlySequence<byte> buffered, in ReadOnlySequence<byte> caller) =>
        SendCore(buffered, caller);

    /// <summary>Sends FIN: no more output, the input goes on (RFC 9293 section 3.6). Behind bytes that were never sent
    /// an end would be a lie, so then it cuts.</summary>
    public void EndOutput()
    {
        Lane.AssertCurrent();
        if (OutputEnded || IsClosed || IsCut)
        {
            return;
        }
        _output?.SendOwed();
        if (_output is { HasUnsent: true })
        {
            Abort();
            return;
        }
        OutputEnded = true;
        EndOutputCore();
    }

    private protected abstract void EndOutputCore();

    /// <summary>It was cut from this side.</summary>
    private protected abstract bool IsCut { get; }

    /// <summary>Cuts the connection at once; the peer sees a reset. Waiting reads and writes complete with the
    /// fault.</summary>
    public abstract void Abort(ConnectionFault fault = ConnectionFault.Aborted);

    /// <summary>Ends it and gives everything back; idempotent. The peer sees an orderly end, or a reset when it sent
    /// bytes that were never received, or when bytes it was to get were never sent. Results that a waiter has not seen
    /// yet become empty and completed.</summary>
    public abstract void Close();

    /// <summary>Moves a connection on which nobody waits and nothing is buffered to another lane, whose thread goes on
    /// with it from <paramref name="arrived"/>. Its watch and its deadlines stay behind. It may arrive closed or with a
    /// fault; what its peer sent meanwhile is there to be read, or told to a new watch.</summary>
    public abstract void HandOver(Lane target, Action<Connection> arrived);

    /// <summary>Readiness, translated by the transport. Runs waiters inline: the transport calls it from a place where
    /// that is right.</summary>
    private protected void OnReadiness(bool readable, bool writable, bool broken)
    {
        Lane lane = Lane;
        _gone |= broken;
        Readable |= readable;
        if (writable)
        {
            Writable = true;
            if (_output is { IsWaiting: true } output)
            {
                output.OnWritable();
                // Its waiter may have closed, cut or given away the connection, or read what there was.
                if (IsClosed || IsCut || Lane != lane)
                {
                    return;
                }
            }
            else if (_output is { IsStuck: true } stuck)
            {
                stuck.SendOwed();
                OnOwedSent();
            }
        }
        if (_wake is not null)
        {
            OnReadableAtRest(readable);
        }
        else if (_input is { IsWaiting: true } input)
        {
            input.OnReadiness(readable);
        }
        else if (readable && Readable)
        {
            _watch?.OnActivity(this, broken);
        }
    }

    /// <summary>The transport cut it for something the peer did, with nobody waiting.</summary>
    private protected void TellWatchOfBreak()
    {
        _gone = true;
        _watch?.OnActivity(this, broken: true);
    }

    private protected void NoteFault(ConnectionFault fault, int number = 0)
    {
        if (Fault == ConnectionFault.None)
        {
            Fault = fault;
            FaultNumber = number;
        }
    }

    /// <summary>Completes what waits: the connection broke.</summary>
    private protected void FailWaiters()
    {
        Readable = true;
        Writable = true;
        _output?.OnBroken();
        if (_input is { IsWaiting: true } input)
        {
            input.OnBroken();
        }
        WakeQueued();
    }

    private protected void ReleaseBuffers()
    {
        _watch = null;
        Lane.Deadlines.Remove(this);
        _input?.Release();
        _output?.Release();
        WakeQueued();
    }

    /// <summary>Leaves nothing of the connection behind on its lane.</summary>
    private protected void Leave()
    {
        Debug.Assert(IsQuiet, "only a quiet connection is handed over");
        _watch = null;
        ForgetDeadlines();
        _input?.Leave();
        GiveBackHalves();
    }

    private bool IsQuiet => !IsAwaited && _input is not { HasBytes: true }
        && _output is not ({ IsWaiting: true } or { HasUnsent: true });
}
