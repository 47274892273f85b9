using System.Runtime.InteropServices;

namespace FastGate.Gateway.Stats;

/// <summary>What the log writer is doing, as the threads that feed it need to know.</summary>
internal enum WriterState
{
    /// <summary>Looking at rings and queues, or about to.</summary>
    Awake = 0,
    /// <summary>Everything was empty; waits without a timeout until somebody wakes it.</summary>
    Asleep,
    /// <summary>Just wrote; looks again by itself in a moment.</summary>
    Napping,
    /// <summary>Has lines it cannot write yet; waits for the file, not for more lines.</summary>
    Blocked,
}

/// <summary>Wakes the log writer, at the price of a load when it is awake.
///
/// Why no wake-up is lost: a producer publishes its line, then (a full fence in between: the exchange in
/// <see cref="ByteRing.Publish"/>, or the one that pushes to the process log's queue) reads the state. The writer
/// stores Asleep, then (the exchange in <see cref="Enter"/> is a full fence) looks at every ring and queue once more.
/// Both orders being total, either the producer sees Asleep and wakes the writer, or the writer sees the line and does
/// not sleep. A wake-up that comes late, when the writer is already running again, stays in the eventfd and costs one
/// empty look.</summary>
internal sealed unsafe class WriterSignal
{
    private readonly int _event;
    private int _state;

    public WriterSignal()
    {
        _event = Posix.EventFd(0, Posix.CloseOnExec | Posix.NonBlocking);
        if (_event < 0)
        {
            throw new IOException($"cannot create an event: {Posix.Describe(Marshal.GetLastPInvokeError())}");
        }
    }

    // Never closed by hand: a lane that writes its last line while the writer ends must not write eight bytes into
    // whatever got the same number. It goes when nobody is left who could raise it.
    ~WriterSignal()
    {
        if (_event >= 0)
        {
            _ = Posix.Close(_event);
        }
    }

    /// <summary>After a line was published to a ring: wakes a writer that sleeps.</summary>
    public void LinePublished()
    {
        if (Volatile.Read(ref _state) == (int)WriterState.Asleep
            && Interlocked.CompareExchange(ref _state, (int)WriterState.Awake, (int)WriterState.Asleep)
                == (int)WriterState.Asleep)
        {
            Raise();
        }
    }

    /// <summary>A ring fills up: ends a nap. A writer that waits for its file would not be helped.</summary>
    public void Hurry()
    {
        int state = Volatile.Read(ref _state);
        if (state is (int)WriterState.Napping or (int)WriterState.Asleep
            && Interlocked.CompareExchange(ref _state, (int)WriterState.Awake, state) == state)
        {
            Raise();
        }
    }

    /// <summary>Something other than an access line wants the writer, whatever it is waiting for.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _state, (int)WriterState.Awake) != (int)WriterState.Awake)
        {
            Raise();
        }
    }

    /// <summary>The writer: from now on others wake me. To be followed by a last look at what they may have left, then
    /// by <see cref="Wait"/> or <see cref="Leave"/>.</summary>
    public void Enter(WriterState state) => Interlocked.Exchange(ref _state, (int)state);

    public void Leave() => Interlocked.Exchange(ref _state, (int)WriterState.Awake);

    /// <summary>The writer: waits until woken, until a descriptor can be written, or for
    /// <paramref name="timeoutMs"/> (-1: without bound). A negative descriptor is not waited for.</summary>
    public void Wait(int firstFd, int secondFd, int timeoutMs)
    {
        PollFd* fds = stackalloc PollFd[3];
        fds[0] = new PollFd { Fd = _event, Events = Posix.PollIn };
        fds[1] = new PollFd { Fd = firstFd, Events = Posix.PollOut };
        fds[2] = new PollFd { Fd = secondFd, Events = Posix.PollOut };
        // An interrupted wait is a look too early, nothing else.
        Posix.Poll(fds, 3, timeoutMs);
        Leave();
        if ((fds[0].Returned & Posix.PollIn) != 0)
        {
            ulong count;
            Posix.ReadBytes(_event, &count, sizeof(ulong));
        }
        GC.KeepAlive(this);
    }

    private void Raise()
    {
        ulong one = 1;
        Posix.WriteBytes(_event, &one, sizeof(ulong));
        GC.KeepAlive(this);
    }
}
