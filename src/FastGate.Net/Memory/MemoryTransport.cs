using FastGate.Net.Async;

namespace FastGate.Net.Memory;

/// <summary>A transport without sockets, for tests and benchmarks: its lanes are turned by hand on the caller's thread
/// and its clock stands still until it is moved.</summary>
public sealed class MemoryTransport : Transport
{
    private readonly ManualLane[] _lanes;

    public MemoryTransport(int laneCount)
    {
        _lanes = new ManualLane[laneCount];
        for (int i = 0; i < laneCount; i++)
        {
            _lanes[i] = new ManualLane(i);
        }
    }

    public override IReadOnlyList<Lane> Lanes => _lanes;

    public MemoryNames Names { get; } = new();

    public override Listener Bind(NetAddress address) => Names.Bind(address, _lanes);

    public override LaneTask<Connection> ConnectAsync(Lane lane, NetAddress address, long due,
        ConnectHandle? handle = null)
    {
        lane.AssertCurrent();
        return new LaneTask<Connection>(Names.Connect(lane, address));
    }

    /// <summary>Turns every lane until nothing is ready on any.</summary>
    /// <returns>The turns it took.</returns>
    public int RunUntilIdle()
    {
        int turns = 0;
        bool busy = true;
        while (busy)
        {
            busy = false;
            foreach (ManualLane lane in _lanes)
            {
                while (lane.HasWork)
                {
                    lane.TurnByHand();
                    turns++;
                    busy = true;
                }
            }
        }
        return turns;
    }

    /// <summary>Moves the clock and runs what becomes due.</summary>
    public void Advance(TimeSpan time)
    {
        foreach (ManualLane lane in _lanes)
        {
            lane.Clock += (long)time.TotalMilliseconds * 1_000_000;
            // One turn sees to so many deadlines only.
            for (int turns = 1 + (lane.Deadlines.Count / Lane.TurnWorkMax); turns > 0; turns--)
            {
                lane.TurnByHand();
            }
        }
        RunUntilIdle();
    }

    /// <summary>Runs <paramref name="action"/> as if on a lane's thread.</summary>
    public void On(int lane, Action action) => _lanes[lane].RunByHand(action);

    public override void Start()
    {
    }

    public override void Dispose()
    {
    }

    private sealed class ManualLane(int index) : Lane(index)
    {
        public long Clock = 1_000_000_000;

        public bool HasWork => HasReady;

        public void TurnByHand()
        {
            if (Current == this)
            {
                throw new InvalidOperationException("a turn within a turn");
            }
            Enter();
            try
            {
                TurnOnce(maxWait: 0);
            }
            finally
            {
                Leave();
            }
        }

        public void RunByHand(Action action)
        {
            if (Current == this)
            {
                action();
                return;
            }
            if (Current is not null)
            {
                throw new InvalidOperationException("this thread is another lane's already");
            }
            Enter();
            try
            {
                action();
            }
            finally
            {
                Leave();
            }
        }

        private protected override long ReadClock() => Clock;

        private protected override void WaitAndDispatch(int milliseconds) => WaitEnded();

        private protected override void Wake()
        {
        }
    }
}
