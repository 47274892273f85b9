namespace FastGate.Net.Time;

/// <summary>What was read of one or more <see cref="WindowHistogram"/>s, added up. Reused from reading to
/// reading.</summary>
public sealed class HistogramReading
{
    private readonly long[] _counts = new long[WindowHistogram.Buckets];

    /// <summary>How many were recorded: exactly those that the percentiles speak of.</summary>
    public long Count { get; private set; }

    /// <summary>The longest, to the microsecond.</summary>
    public long Max { get; private set; }

    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
        Max = 0;
    }

    /// <summary>What a share of <paramref name="of"/> did not exceed, in microseconds; null when nothing was
    /// recorded.</summary>
    /// <param name="share">Above 0, at most <paramref name="of"/>: 99 of 100 is p99. Whole numbers, for 0.999 times a
    /// count may come out one too high.</param>
    /// <param name="of">The whole.</param>
    public long? Percentile(int share, int of)
    {
        if (Count == 0)
        {
            return null;
        }
        long rank = ((Count * share) + of - 1) / of;
        int bucket = 0;
        for (long seen = _counts[0]; seen < rank; seen += _counts[bucket])
        {
            bucket++;
        }
        return Math.Min(WindowHistogram.ValueOf(bucket), Max);
    }

    internal void Add(ReadOnlySpan<int> counts, long max)
    {
        for (int i = 0; i < counts.Length; i++)
        {
            _counts[i] += counts[i];
            Count += counts[i];
        }
        Max = Math.Max(Max, max);
    }
}
