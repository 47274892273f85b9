namespace FastGate.Gateway.Stats;

/// <summary>How many requests a lane finished, and how much its thread allocated, second by second for the last minute.
/// The lane notes where it stood when the first request of a second is over; a reader finds the minute whether or not
/// anybody read before. One thread writes, any thread reads, and neither waits.</summary>
internal sealed class RequestRate
{
    public const int WindowSeconds = 60;

    /// <summary>A few more than the window: what is read is not what is being replaced.</summary>
    private const int Seconds = 64;
    private const int CellLongs = 4;
    private const long NoSecond = -1;

    private const int Padding = 16;
    private const int Finished = Padding;
    private const int NextSecond = Padding + 1;
    private const int FirstCell = Padding + 4;

    // The count, when the next second begins, and per second: which, and requests and bytes before it. With two cache
    // lines before and after, so that no other lane's counters share one.
    private readonly long[] _longs = new long[FirstCell + (Seconds * CellLongs) + Padding];

    public RequestRate()
    {
        for (int i = 0; i < Seconds; i++)
        {
            _longs[FirstCell + (i * CellLongs)] = NoSecond;
        }
    }

    /// <summary>Requests since the start. Any thread.</summary>
    public long Requests => Volatile.Read(ref _longs[Finished]);

    /// <summary>A request is over.</summary>
    /// <param name="now">The lane's milliseconds.</param>
    public void Count(long now)
    {
        if (now >= _longs[NextSecond])
        {
            BeginSecond(now);
        }
        ref long finished = ref _longs[Finished];
        Volatile.Write(ref finished, finished + 1);
    }

    /// <summary>Adds what happened in the last minute. Any thread.</summary>
    public void AddTo(ref RateReading reading, long now)
    {
        long newest = now / 1000;
        long total = Requests;
        (long Requests, long Allocated)? first = null;
        (long Requests, long Allocated) last = default;
        for (long second = WindowStart(now) / 1000; second <= newest; second++)
        {
            if (TryRead(second, out (long Requests, long Allocated) before))
            {
                first ??= before;
                last = before;
            }
        }
        if (first is not { } start)
        {
            return; // Nothing was finished within the window.
        }
        reading.Requests += Math.Max(0, total - start.Requests);
        reading.MeasuredRequests += last.Requests - start.Requests;
        reading.AllocatedBytes += last.Allocated - start.Allocated;
    }

    /// <summary>When the window of a reading begins: whole seconds, the one that runs included.</summary>
    public static long WindowStart(long now) => Math.Max(0, (now / 1000) - WindowSeconds + 1) * 1000;

    private bool TryRead(long second, out (long Requests, long Allocated) before)
    {
        int cell = CellOf(second);
        before = default;
        if (Volatile.Read(ref _longs[cell]) != second)
        {
            return false;
        }
        before = (Volatile.Read(ref _longs[cell + 1]), Volatile.Read(ref _longs[cell + 2]));
        return Volatile.Read(ref _longs[cell]) == second;
    }

    private void BeginSecond(long now)
    {
        long second = now / 1000;
        int cell = CellOf(second);
        Volatile.Write(ref _longs[cell], NoSecond);
        // Whoever sees a number of the new second also sees that the old one is gone.
        Interlocked.MemoryBarrier();
        _longs[cell + 1] = _longs[Finished];
        _longs[cell + 2] = GC.GetAllocatedBytesForCurrentThread();
        Volatile.Write(ref _longs[cell], second);
        _longs[NextSecond] = (second + 1) * 1000;
    }

    private static int CellOf(long second) => FirstCell + ((int)(second % Seconds) * CellLongs);
}

/// <summary>The last minute of all lanes.</summary>
internal struct RateReading
{
    public long Requests;

    /// <summary>Those between the first and the last second in which a request ended, for which bytes are
    /// known.</summary>
    public long MeasuredRequests;

    /// <summary>What the lanes' threads allocated meanwhile, for connections too.</summary>
    public long AllocatedBytes;
}
