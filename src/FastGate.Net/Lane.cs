using System.Diagnostics;
using FastGate.Net.Async;
using FastGate.Net.Buffers;
using FastGate.Net.Time;

namespace FastGate.Net;

/// <summary>One shard of the machine: a thread with its connections, buffers, deadlines and ready queue. Everything
/// that belongs to a lane is touched by its thread alone; other threads reach it through <see cref="Post"/>.</summary>
public abstract class Lane
{
    /// <summary>Microseconds: a turn that keeps everything else on its lane waiting for longer is told of
    /// (<see cref="Overran"/>).</summary>
    public const long TurnMicrosecondsMax = 100_000;

    /// <summary>Of what is due, of what is ready and of what was posted, each, in one turn: thousands of connections
    /// that end together must not keep the others waiting. The sockets' share is their batch.</summary>
    internal const int TurnWorkMax = 512;

    [ThreadStatic]
    private static Lane? t_current;

    private readonly ForeignQueue _foreign = new();
    private LaneWork? _foreignTaken;
    private LaneWork? _readyHead;
    private LaneWork? _readyTail;
    private int _readyCount;
    private int _asleep;
    private volatile bool _stopping;
    private long _turnStarted;
    private long _lagMax;

    protected Lane(int index)
    {
        Index = index;
        Memory = new LaneMemory(this);
        Buffers = new BufferPool(this);
        Deadlines = new DeadlineQueue();
        Halves = new ConnectionHalves();
    }

    /// <summary>The lane whose thread this is; null on any other thread.</summary>
    public static Lane? Current => t_current;

    public int Index { get; }

    public BufferPool Buffers { get; }

    /// <summary>What its connections hold.</summary>
    public LaneMemory Memory { get; }

    public DeadlineQueue Deadlines { get; }

    internal ConnectionHalves Halves { get; }

    /// <summary>Milliseconds of a clock that never jumps, read once a turn.</summary>
    public long Now { get; private protected set; }

    /// <summary>Counts the turns of the loop; a budget per turn is renewed when it changes.</summary>
    public long Turn { get; private set; }

    /// <summary>Connections that live here or are on their way here; read by lanes that accept.</summary>
    public int Connections => Volatile.Read(ref _connections);

    private protected int _connections;

    /// <summary>Called with an exception that escaped from work on this lane: a bug, and the loop goes on.</summary>
    public Action<Exception>? Escaped { get; set; }

    /// <summary>Called while a listener of this lane gets no descriptor from the system, every 100 ms, and when a
    /// connect gets none: those who idle may end for those who wait. Who ends does so from the ready queue.</summary>
    public Action? MakesRoom { get; set; }

    /// <summary>How long the turns of the last minute kept the others waiting, each of them, and those of before it
    /// who began in it. Any thread reads.</summary>
    public WindowHistogram LoopLag { get; } = new();

    /// <summary>Called with the microseconds of a turn that took longer than
    /// <see cref="TurnMicrosecondsMax"/>.</summary>
    public Action<long>? Overran { get; set; }

    /// <summary>The longest time one turn has kept the others waiting since the last call, in microseconds. Any
    /// thread.</summary>
    public long TakeLoopLag() => Interlocked.Exchange(ref _lagMax, 0);

    [Conditional("DEBUG")]
    public void AssertCurrent() => Debug.Assert(t_current == this, "called from outside the lane");

    /// <summary>Runs work on this lane's thread, soon and in the order of posting. Any thread. What is posted to a lane
    /// that has ended is never run.</summary>
    public void Post(LaneWork work)
    {
        Debug.Assert(!work.IsQueued, "work is queued already");
        work.IsQueued = true;
        _foreign.Push(work);
        // The push is a full fence: either this thread sees the lane asleep, or the lane sees the work before it
        // sleeps.
        if (Volatile.Read(ref _asleep) == 1 && Interlocked.Exchange(ref _asleep, 0) == 1)
        {
            Wake();
        }
    }

    /// <summary>Appends work of this lane to its ready queue: a continuation that must not run inline.</summary>
    public void Enqueue(LaneWork work)
    {
        AssertCurrent();
        Debug.Assert(!work.IsQueued, "work is queued already");
        work.IsQueued = true;
        work.Next = null;
        if (_readyTail is null)
        {
            _readyHead = work;
        }
        else
        {
            _readyTail.Next = work;
        }
        _readyTail = work;
        _readyCount++;
    }

    /// <summary>Continues at the end of the ready queue, after everything that is ready now and a look at the
    /// sockets.</summary>
    public YieldAwaitable Yield() => new(this);

    /// <summary>The one door by which work leaves a lane: runs <paramref name="work"/> on the thread pool and continues
    /// on this lane. What the work throws is thrown here.</summary>
    public LaneTask<TResult> OffloadAsync<TState, TResult>(Func<TState, TResult> work, TState state)
    {
        AssertCurrent();
        return new Offload<TState, TResult>(this, work, state).RunAsync();
    }

    /// <summary>Asks the thread to end after the current turn. Any thread.</summary>
    public void Stop()
    {
        _stopping = true;
        Post(new Nudge());
    }

    /// <summary>Something is queued to run.</summary>
    private protected bool HasReady => _readyHead is not null || HasForeign;

    private bool HasForeign => _foreignTaken is not null || !_foreign.IsEmpty;

    /// <summary>Waits at most <paramref name="milliseconds"/> (-1: without bound) for readiness and dispatches
    /// it.</summary>
    private protected abstract void WaitAndDispatch(int milliseconds);

    /// <summary>Something has happened that was left for the next turn.</summary>
    private protected virtual bool HasToBegin => false;

    /// <summary>How long the first of what began in this turn had been left for it, in milliseconds.</summary>
    private protected uint BeginsWaited { get; set; }

    /// <summary>Sends what connections owe (<see cref="ConnectionWriter.FlushSoonAsync"/>).</summary>
    private protected virtual void SendOwed()
    {
    }

    /// <summary>Ends a wait in progress. Any thread.</summary>
    private protected abstract void Wake();

    /// <summary>Nanoseconds of a clock that never jumps. The timer of .NET on Linux counts exactly those.</summary>
    private protected virtual long ReadClock() => Stopwatch.GetTimestamp();

    /// <summary>The thread's body: returns after <see cref="Stop"/>.</summary>
    private protected void Run()
    {
        Enter();
        while (!_stopping)
        {
            TurnOnce(maxWait: -1);
        }
        // What was posted before the end is owed its turn: a listener that opens, a connection that arrives.
        while (HasForeign)
        {
            RunForeign();
        }
        SendOwed();
        Leave();
    }

    /// <summary>Lets go of what was posted too late. After the thread has ended.</summary>
    private protected void AbandonForeign()
    {
        LaneWork? work = _foreign.TakeAll();
        while (work is not null)
        {
            LaneWork? next = work.Next;
            work.Abandon();
            work = next;
        }
    }

    private protected void Enter()
    {
        t_current = this;
        WaitEnded();
    }

    private protected static void Leave() => t_current = null;

    /// <summary>One turn: what is due, what is ready, what others posted; then what all of that, and the sockets before
    /// it, left to be sent; then the sockets.</summary>
    private protected void TurnOnce(int maxWait)
    {
        Turn++;
        RunDue();
        RunReady();
        RunForeign();
        SendOwed();
        int wait = HasReady || HasToBegin ? 0 : Deadlines.MillisecondsUntilNext(Now);
        if (maxWait >= 0 && (wait < 0 || wait > maxWait))
        {
            wait = maxWait;
        }
        if (wait != 0)
        {
            Interlocked.Exchange(ref _asleep, 1);
            // The end is looked at too: this turn may have taken the nudge that came with it.
            if (!_foreign.IsEmpty || _stopping)
            {
                wait = 0;
            }
        }
        PublishLag();
        WaitAndDispatch(wait);
    }

    /// <summary>To be called by <see cref="WaitAndDispatch"/> when the wait is over and dispatching begins.</summary>
    private protected void WaitEnded()
    {
        // From here on the lane looks at its queue by itself before it sleeps again.
        Volatile.Write(ref _asleep, 0);
        _turnStarted = ReadClock();
        Now = _turnStarted / 1_000_000;
    }

    private protected void Guard(Exception exception)
    {
        try
        {
            Escaped?.Invoke(exception);
        }
        catch (Exception)
        {
            // Who reports bugs must not end the loop with one of its own; there is nobody left to tell.
        }
    }

    private void PublishLag()
    {
        long lag = (ReadClock() - _turnStarted) / 1_000;
        long waited = lag + (BeginsWaited * 1_000);
        LoopLag.Record(Now, waited);
        if (waited > Volatile.Read(ref _lagMax))
        {
            Volatile.Write(ref _lagMax, waited);
        }
        if (lag > TurnMicrosecondsMax)
        {
            Overran?.Invoke(lag);
        }
    }

    private void RunDue()
    {
        // Bounded: a timer that sets itself anew to a time that has passed must not keep the sockets waiting.
        int count = Math.Min(Deadlines.Count, TurnWorkMax);
        for (int left = count; left > 0 && Deadlines.TakeDue(Now) is { } timer; left--)
        {
            try
            {
                timer.OnDue();
            }
            catch (Exception exception)
            {
                Guard(exception);
            }
        }
    }

    private void RunReady()
    {
        // Only what is queued now: work that queues more work must not keep the sockets waiting.
        for (int count = Math.Min(_readyCount, TurnWorkMax); count > 0 && _readyHead is { } work; count--)
        {
            _readyHead = work.Next;
            if (_readyHead is null)
            {
                _readyTail = null;
            }
            _readyCount--;
            work.Next = null;
            work.IsQueued = false;
            RunGuarded(work);
        }
    }

    private void RunForeign()
    {
        // What was posted later goes behind what is left of the last time.
        _foreignTaken ??= _foreign.TakeAll();
        for (int count = TurnWorkMax; count > 0 && _foreignTaken is { } work; count--)
        {
            _foreignTaken = work.Next;
            work.Next = null;
            work.IsQueued = false;
            RunGuarded(work);
        }
    }

    private void RunGuarded(LaneWork work)
    {
        try
        {
            work.Run();
        }
        catch (Exception exception)
        {
            Guard(exception);
        }
    }

    private sealed class Nudge : LaneWork
    {
        protected internal override void Run()
        {
        }
    }
}
