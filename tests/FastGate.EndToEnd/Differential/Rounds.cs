using System.Globalization;
using CsCheck;
using FastGate.Tests;

namespace FastGate.EndToEnd.Differential;

/// <summary>Random values in batches, so that millions can be made by hand: FASTGATE_DIFFERENTIAL_ITERATIONS. The usual
/// run has the same seed every time; one by hand has its own and says it.</summary>
internal static class Rounds
{
    private const int BatchMax = 250;

    private static readonly bool s_byHand =
        !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("FASTGATE_DIFFERENTIAL_ITERATIONS"));

    /// <summary>For whoever runs it by hand.</summary>
    public static void Say(FormattableString line)
    {
        if (s_byHand)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        }
    }

    public static IEnumerable<T[]> Of<T>(Gen<T> gen, int usual, uint stream)
    {
        ulong seed = s_byHand ? (ulong)DateTime.UtcNow.Ticks : 1;
        var random = new PCG(stream, seed);
        int left = ByHand.Iterations("FASTGATE_DIFFERENTIAL_ITERATIONS", usual);
        Say($"{left} inputs with seed {stream}, {seed}");
        for (; left > 0; left -= BatchMax)
        {
            var batch = new T[Math.Min(left, BatchMax)];
            for (int i = 0; i < batch.Length; i++)
            {
                batch[i] = gen.Generate(random, null, out _);
            }
            yield return batch;
        }
    }
}
