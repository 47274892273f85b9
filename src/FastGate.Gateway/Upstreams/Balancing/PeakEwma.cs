using System.Runtime.CompilerServices;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>How long a server takes to answer, quick to believe that it became slow and slow to forget it: a sample
/// above the average replaces it, one below pulls it down by its age. The average also fades while nobody asks, so that
/// a server that was slow once is tried again. The idea and the time constant of 10 s are Finagle's (its
/// loadbalancer.PeakEwma and the default of Balancers.p2cPeakEwma; Linkerd has taken both over): long enough that a
/// pause of a second is remembered for a minute beside neighbours that answer in milliseconds, short enough that a
/// server that recovered gets its traffic back within that minute. One number holds average and time, so that other
/// threads read both of the same moment: microseconds as a float, above them the milliseconds of the lanes' clock as 32
/// bits. 0: nothing is known.</summary>
internal static class PeakEwma
{
    private const float TimeConstantMs = 10_000;

    /// <summary>Below this age in time constants 1 - x is within an eighth of a percent of e^-x, and much
    /// cheaper.</summary>
    private const float LinearMax = 0.05f;

    /// <summary>A server that fails at once would look fast. So a failure counts as this many times what the server is
    /// known to take: one is soon forgotten, and a server that does nothing else drives itself out in a few, and gets
    /// one exchange in about 1.4 time constants from then on.</summary>
    private const float FailureFactor = 4;

    /// <summary>What a failure counts as where nothing is known, in microseconds.</summary>
    private const float FailureLeast = 100_000;

    private const float Most = 60_000_000;

    /// <summary>The average at <paramref name="now"/>, in microseconds; 0 when nothing is known (any more).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float At(long ewma, long now)
    {
        // Another lane may have read the clock a moment later than this one: no age below 0, and without a branch, for
        // nobody can foresee it. What is not known is 0 at any age.
        int age = unchecked((int)((uint)now - (uint)(ewma >> 32)));
        return BitConverter.Int32BitsToSingle((int)ewma) * Fade(age & ~(age >> 31));
    }

    /// <summary>What is known after one more answer.</summary>
    public static long After(long ewma, double sampleUs, long now)
    {
        float sample = (float)Math.Clamp(sampleUs, 1, Most);
        float average = BitConverter.Int32BitsToSingle((int)ewma);
        if (sample < average)
        {
            int age = Math.Max(0, unchecked((int)((uint)now - (uint)(ewma >> 32))));
            float kept = Fade(age);
            sample = (average * kept) + (sample * (1 - kept));
        }
        return ((long)(uint)now << 32) | (uint)BitConverter.SingleToInt32Bits(sample);
    }

    /// <summary>What is known after a failure that took <paramref name="tookUs"/>.</summary>
    public static long AfterFailure(long ewma, double tookUs, long now)
    {
        double known = At(ewma, now);
        return After(ewma, Math.Max(tookUs, known > 0 ? known * FailureFactor : FailureLeast), now);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Fade(int ageMs)
    {
        float x = ageMs * (1 / TimeConstantMs);
        return x < LinearMax ? 1 - x : MathF.Exp(-x);
    }
}
