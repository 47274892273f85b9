namespace FastGate.Net.Time;

/// <summary>How long things took within the last minute: one thread records, any thread reads, and neither waits for
/// the other. The minute has four parts, and the one that has begun replaces the oldest, so that a reading covers the
/// last 45 to 60 seconds whether or not anybody read before, and nothing older. Logarithmic buckets, eight to a power
/// of two: what is read is within 7 % of what was recorded. 4 KiB, and no allocation after that.</summary>
public sealed class WindowHistogram
{
    public const long WindowMs = 60_000;

    /// <summary>0 to 15 microseconds have a bucket each, then eight for each power of two up to
    /// <see cref="MicrosecondsMax"/>.</summary>
    internal const int Buckets = ExactBuckets + ((32 - ExactBits) * PerPower);

    /// <summary>71 minutes; what takes longer counts as so long.</summary>
    internal const long MicrosecondsMax = uint.MaxValue;

    private const int ExactBits = 4;
    private const int ExactBuckets = 1 << ExactBits;
    private const int PerPowerBits = 3;
    private const int PerPower = 1 << PerPowerBits;

    private const int Parts = 4;
    private const long PartMs = WindowMs / Parts;
    private const long NoPeriod = long.MinValue;

    // Two cache lines before and after, so that no other thread's counters share one.
    private const int Padding = 32;

    private readonly int[] _counts = new int[Padding + (Parts * Buckets) + Padding];
    private readonly long[] _max = new long[Parts];
    private readonly long[] _periods = [NoPeriod, NoPeriod, NoPeriod, NoPeriod];
    private long _partEnds = long.MinValue;
    private int _part;

    /// <summary>Its own thread only.</summary>
    /// <param name="now">Milliseconds of a clock that never jumps.</param>
    /// <param name="microseconds">How long it took.</param>
    public void Record(long now, long microseconds)
    {
        if (now >= _partEnds)
        {
            BeginPart(now);
        }
        long value = Math.Clamp(microseconds, 0, MicrosecondsMax);
        ref int count = ref _counts[Padding + (_part * Buckets) + BucketOf(value)];
        Volatile.Write(ref count, count + 1);
        ref long max = ref _max[_part];
        if (value > max)
        {
            Volatile.Write(ref max, value);
        }
    }

    /// <summary>Adds what was recorded in the last minute. Any thread.</summary>
    /// <param name="reading">What it is added to.</param>
    /// <param name="now">The same clock as that of <see cref="Record"/>.</param>
    public void AddTo(HistogramReading reading, long now)
    {
        long oldest = (now / PartMs) - Parts + 1;
        Span<int> counts = stackalloc int[Buckets];
        for (int part = 0; part < Parts; part++)
        {
            long period = Volatile.Read(ref _periods[part]);
            if (period < oldest)
            {
                continue;
            }
            for (int i = 0; i < Buckets; i++)
            {
                counts[i] = Volatile.Read(ref _counts[Padding + (part * Buckets) + i]);
            }
            long max = Volatile.Read(ref _max[part]);
            // Replaced while it was read: then it was the oldest, and its minute is over.
            if (Volatile.Read(ref _periods[part]) == period)
            {
                reading.Add(counts, max);
            }
        }
    }

    internal static int BucketOf(long value)
    {
        if (value < ExactBuckets)
        {
            return (int)value;
        }
        int power = 63 - System.Numerics.BitOperations.LeadingZeroCount((ulong)value);
        return ExactBuckets + ((power - ExactBits) * PerPower)
            + ((int)(value >> (power - PerPowerBits)) & (PerPower - 1));
    }

    /// <summary>The middle of a bucket.</summary>
    internal static long ValueOf(int bucket)
    {
        if (bucket < ExactBuckets)
        {
            return bucket;
        }
        (int power, int step) = Math.DivRem(bucket - ExactBuckets, PerPower);
        int shift = power + ExactBits - PerPowerBits;
        return ((long)(PerPower + step) << shift) + (1L << shift >> 1);
    }

    private void BeginPart(long now)
    {
        long period = now / PartMs;
        _part = (int)(period % Parts);
        Volatile.Write(ref _periods[_part], NoPeriod);
        // Whoever sees a count of the new part also sees that the old one is gone.
        Interlocked.MemoryBarrier();
        Array.Clear(_counts, Padding + (_part * Buckets), Buckets);
        _max[_part] = 0;
        Volatile.Write(ref _periods[_part], period);
        _partEnds = (period + 1) * PartMs;
    }
}
