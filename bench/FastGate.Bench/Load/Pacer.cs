using System.Diagnostics;
using System.Runtime.InteropServices;
using FastGate.Net;

namespace FastGate.Bench.Load;

/// <summary>Wakes a lane at times that a millisecond is too coarse for. A thread that sleeps to the next one costs a
/// few percent of a core; a lane that spins would take the core from the upstream beside it.</summary>
internal sealed unsafe partial class Pacer
{
    private const int ClockMonotonic = 1;
    private const int AbsoluteTime = 1;
    private const int SetTimerSlack = 29;

    /// <summary>Requests that are closer together than this are sent together.</summary>
    private const long GapMin = 20_000;

    private readonly Lane _lane;
    private readonly Tick _tick;
    private readonly Thread _thread;
    private volatile bool _ended;

    /// <param name="lane">Whom to wake.</param>
    /// <param name="tick">Runs on the lane. It may run late, and then once for several times that have
    /// passed.</param>
    /// <param name="next">The next time after the given one, in nanoseconds of <see cref="Stopwatch"/>.</param>
    public Pacer(Lane lane, Action tick, Func<long, long> next)
    {
        _lane = lane;
        _tick = new Tick(tick);
        _thread = new Thread(() => Run(next)) { Name = "pacer", IsBackground = true };
    }

    public void Start() => _thread.Start();

    public void End()
    {
        _ended = true;
        _thread.Join();
    }

    private void Run(Func<long, long> next)
    {
        // Otherwise the kernel may let it sleep 50 us longer.
        _ = ProcessControl(SetTimerSlack, 1, 0, 0, 0);
        long* time = stackalloc long[2];
        while (!_ended)
        {
            long now = Stopwatch.GetTimestamp();
            long due = Math.Min(Math.Max(next(now), now + GapMin), now + 10_000_000);
            time[0] = due / 1_000_000_000;
            time[1] = due % 1_000_000_000;
            while (ClockNanosleep(ClockMonotonic, AbsoluteTime, time, null) != 0)
            {
            }
            _tick.PostTo(_lane);
        }
    }

    private sealed class Tick(Action action) : LaneWork
    {
        private int _posted;

        /// <summary>Once it is posted and has not run yet, it will see this time as well.</summary>
        public void PostTo(Lane lane)
        {
            if (Interlocked.Exchange(ref _posted, 1) == 0)
            {
                lane.Post(this);
            }
        }

        protected internal override void Run()
        {
            Volatile.Write(ref _posted, 0);
            action();
        }
    }

    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    private static partial int ClockNanosleep(int clock, int flags, long* request, long* remaining);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint a, nuint b, nuint c, nuint d);
}
