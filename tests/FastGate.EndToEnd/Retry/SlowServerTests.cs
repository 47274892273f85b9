using System.Diagnostics;
using FastGate.EndToEnd.Upstreams;
using FastGate.Tests;

namespace FastGate.EndToEnd.Retry;

/// <summary>A server that is not dead but a hundred times slower than the others: it is found by its answers.</summary>
[Collection(Alone.Name)]
public sealed class SlowServerTests
{
    private const int UsualMs = 10;
    private const int SlowMs = 100 * UsualMs;

    [Fact]
    public void One_of_three_that_becomes_a_hundred_times_slower_is_hardly_asked_any_more()
    {
        MoodyUpstream[] servers = [.. Enumerable.Range(0, 3).Select(i => new MoodyUpstream($"{i}") { DelayMs = UsualMs })];
        using var gate = new GateOnLoopback(GateOnLoopback.To(
            string.Join("\", \"", servers.Select(static s => s.Address)), upstream: "balance = \"p2c_ewma\""));
        using var load = new Load(gate.Port, clients: 6);
        Asked[] before = Take(load, seconds: 1.5);
        servers[0].DelayMs = SlowMs;
        Asked[] during = Take(load, seconds: 3);
        Asked[] after = Take(load, seconds: 3);
        load.End();
        Array.ForEach(servers, static server => server.Dispose());

        double share = (double)after.Count(static each => each.Body == "0") / after.Length;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"p99 {P99(before):f0} ms before, {P99(during):f0} ms in the first 3 s, {P99(after):f0} ms in the 3 s behind; "
            + $"the slow server gets {share:p2} of {after.Length} requests (before: "
            + $"{(double)before.Count(static each => each.Body == "0") / before.Length:p1})");
        Assert.All(before.Concat(during).Concat(after), static each => Assert.True(each.IsFine));
        Assert.True(share < 0.01, $"it still gets {share:p2}");
        Assert.True(P99(after) < SlowMs / 2, $"the p99 is {P99(after):f0} ms still");
    }

    /// <summary>Whoever balances does not know of it, so every third request begins with the slow one. But two of
    /// three are fast, and so is the median, so none waits for it.</summary>
    [Fact]
    public void With_hedging_a_slow_server_costs_its_requests_the_percentile_and_no_more()
    {
        MoodyUpstream[] servers = [.. Enumerable.Range(0, 3).Select(i => new MoodyUpstream($"{i}") { DelayMs = UsualMs })];
        using var gate = new GateOnLoopback(GateOnLoopback.To(
            string.Join("\", \"", servers.Select(static s => s.Address)),
            route: "retry = { hedge = \"p50\", budget = \"100%\" }", upstream: "balance = \"round_robin\""));
        using var load = new Load(gate.Port, clients: 6);
        Asked[] before = Take(load, seconds: 1.5);
        servers[0].DelayMs = SlowMs;
        Asked[] after = Take(load, seconds: 3);
        load.End();
        int asked = servers[0].Requests;
        Array.ForEach(servers, static server => server.Dispose());

        double worst = after.Max(static each => each.Ms);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"p99 {P99(before):f0} ms before, {P99(after):f0} ms behind, the worst {worst:f0} ms; the slow server was asked "
            + $"{asked} times and answered {after.Count(static each => each.Body == "0")} of {after.Length}");
        Assert.All(before.Concat(after), static each => Assert.True(each.IsFine));
        Assert.True(P99(after) < SlowMs / 4, $"the p99 is {P99(after):f0} ms");
        Assert.True(after.Count(static each => each.Body == "0") <= after.Length / 100);
    }

    /// <summary>Requests that began within the next seconds.</summary>
    private static Asked[] Take(Load load, double seconds)
    {
        long from = Stopwatch.GetTimestamp();
        long until = from + (long)(seconds * Stopwatch.Frequency);
        Expect.Await(() => Stopwatch.GetTimestamp() > until, "time stands still");
        // The last ones take their time.
        Expect.Await(() => load.Now.Any(each => each.From > until), "nobody asks");
        return [.. load.Now.Where(each => each.From >= from && each.From <= until)];
    }

    private static double P99(Asked[] asked) => asked.Select(static each => each.Ms).Order().ElementAt(asked.Length * 99 / 100);
}
