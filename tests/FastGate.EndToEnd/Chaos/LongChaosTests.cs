using System.Globalization;
using FastGate.EndToEnd.Processes;

namespace FastGate.EndToEnd.Chaos;

/// <summary>The process between clients and upstreams that do all there is to do wrong, for seconds or, by
/// FASTGATE_CHAOS_SECONDS, for hours: nobody gets a wrong byte, who does everything right beside them feels nothing,
/// and in the end nothing is left and nothing has grown.</summary>
public sealed class LongChaosTests
{
    private const int ShortSeconds = 5;
    /// <summary>From here on memory has settled long before the end.</summary>
    private const int LongSeconds = 120;
    private const long GrowthMax = 4 << 20;

    [Fact]
    public async Task Whatever_others_do_no_byte_is_wrong_and_nothing_is_left()
    {
        int seconds = NumberIn("FASTGATE_CHAOS_SECONDS", ShortSeconds);
        int seed = NumberIn("FASTGATE_CHAOS_SEED", Random.Shared.Next(1, 1_000_000));
        int paceMs = NumberIn("FASTGATE_CHAOS_PACE_MS", 20);
        Say($"{seconds} s of chaos, seed {seed}, a turn every {paceMs} ms per client");
        await using var run = new ChaosRun(TimeSpan.FromSeconds(seconds), TimeSpan.FromMilliseconds(paceMs), seed, Say);
        await run.RunAsync();
        Assert.True(run.Tally.Complaints.Count == 0, string.Join('\n', run.Tally.Complaints));
        AssertFlat(run, isLong: seconds >= LongSeconds);
        run.Gate.End();
        string[] said = run.Gate.Error.WaitForEnd();
        Say(string.Join('\n', said.TakeLast(20)));
        // Both servers of a pair may be away together: one is restarted, and checks of the other are in time or not.
        Assert.DoesNotContain(said, line => line.Contains(" error ", StringComparison.Ordinal)
            && !line.Contains(" error too few servers are up: all are used upstream=pair", StringComparison.Ordinal));
        Assert.Contains(said, line => line.EndsWith("info drained connections=0", StringComparison.Ordinal));
        foreach (string kind in (string[])["calm get", "calm tunnel", "few get", "pair post", "few pipelined"])
        {
            Assert.True(run.Tally.Count(kind, Outcome.Right) > 0, $"{kind} was never right");
        }
    }

    /// <summary>The median of the last quarter against the second's: the first one is the warm-up.</summary>
    private static void AssertFlat(ChaosRun run, bool isLong)
    {
        long second = Median(run, 1);
        long last = Median(run, 3);
        Say($"resident memory by quarters in KiB: {string.Join(", ", Enumerable.Range(0, 4).Select(
            quarter => Median(run, quarter) >> 10))}");
        Assert.True(!isLong || last <= second + (second / 20) + GrowthMax,
            $"memory grew from {second} to {last} bytes");
    }

    private static long Median(ChaosRun run, int quarter)
    {
        int length = run.Resident.Count / 4;
        long[] sorted = [.. run.Resident.Skip(quarter * length).Take(length).Order()];
        return sorted[length / 2];
    }

    private static int NumberIn(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number)
            ? number
            : otherwise;

    private static void Say(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);
}
