using System.Numerics;

namespace FastGate.Bench.Load;

/// <summary>Counts of times on a logarithmic scale: 128 steps from one power of two to the next, so a percentile is at
/// most 0.8 % too high, whatever its size.</summary>
internal sealed class LatencyHistogram
{
    private const int StepBits = 8;
    private const int Steps = 1 << StepBits;
    private const int BitsMax = 42;

    private readonly long[] _counts = new long[(BitsMax - StepBits + 2) * Steps / 2];

    public long Count { get; private set; }

    public long Max { get; private set; }

    /// <param name="nanoseconds">More than an hour counts as an hour.</param>
    public void Add(long nanoseconds)
    {
        nanoseconds = Math.Clamp(nanoseconds, 0, (1L << BitsMax) - 1);
        _counts[IndexOf(nanoseconds)]++;
        Count++;
        Max = Math.Max(Max, nanoseconds);
    }

    /// <summary>The time that a share of all does not exceed, in nanoseconds; 0 of nothing.</summary>
    /// <param name="share">Between 0 and 1.</param>
    public long Percentile(double share)
    {
        long wanted = Math.Max(1, (long)Math.Ceiling(Count * share));
        long seen = 0;
        for (int i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= wanted)
            {
                return Math.Min(UpperEdge(i), Max);
            }
        }
        return 0;
    }

    private static int IndexOf(long value)
    {
        // The first Steps values have a place of their own; from there on the upper StepBits bits decide.
        int shift = BitOperations.Log2((ulong)value | 1) - (StepBits - 1);
        return shift <= 0 ? (int)value : (shift * (Steps / 2)) + (int)(value >> shift);
    }

    private static long UpperEdge(int index)
    {
        if (index < Steps)
        {
            return index;
        }
        int shift = ((index - Steps) / (Steps / 2)) + 1;
        long step = (Steps / 2) + ((index - Steps) % (Steps / 2));
        return ((step + 1) << shift) - 1;
    }
}
