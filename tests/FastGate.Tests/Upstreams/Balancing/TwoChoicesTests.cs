using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Upstreams.Balancing;

public sealed class TwoChoicesTests
{
    [Theory]
    [InlineData("1 1")]
    [InlineData("5 3 2")]
    [InlineData("10 1 1 4")]
    public void Idle_servers_are_chosen_by_weight(string weights)
    {
        var bed = new ChoiceBed(Balance.P2c, weights);
        ChoiceBed.AssertShares(bed.Counts(100_000), Shares(bed), 0.05);
    }

    [Theory]
    [InlineData("1 1 1", 30)]
    [InlineData("5 3 2", 100)]
    [InlineData("4 1 1 1 1 1 1 1 1 1", 130)]
    public void Work_is_shared_by_weight(string weights, int atOnce)
    {
        var bed = new ChoiceBed(Balance.P2c, weights);
        var random = new Random(3);
        int[] counts = bed.Run(atOnce, 60_000, _ => Exponential(random, 10));
        ChoiceBed.AssertShares(counts, Shares(bed), 0.06);
    }

    [Fact]
    public void The_busiest_of_a_hundred_servers_has_little_more_than_the_others()
    {
        var bed = new ChoiceBed(Balance.P2c, ChoiceBed.Equal(100));
        for (int i = 0; i < 1_000; i++)
        {
            bed.Begin();
        }
        // By chance alone it would be about 21.
        Assert.InRange(bed.Servers.Max(static s => s.Active), 10, 13);
    }

    [Fact]
    public void Two_lanes_with_few_connections_use_both_servers()
    {
        var bed = new ChoiceBed(Balance.P2c, "1 1", lanes: 2);
        ChoiceBed.AssertShares(bed.Run(4, 20_000, static _ => 20), [0.5, 0.5], 0.05);
    }

    [Theory]
    [InlineData("1 1 1", 1)]
    [InlineData("1 1 1", 30)]
    [InlineData("3 2 1", 60)]
    [InlineData("1 1 1 1 1 1 1 1 1 1", 10)]
    public void Servers_that_answer_alike_share_by_weight(string weights, int atOnce)
    {
        var bed = new ChoiceBed(Balance.P2cEwma, weights);
        int[] counts = bed.Run(atOnce, 100_000, static _ => 10);
        ChoiceBed.AssertShares(counts, Shares(bed), 0.1);
    }

    [Fact]
    public void A_heavy_server_gets_more_though_both_are_idle()
    {
        var bed = new ChoiceBed(Balance.P2cEwma, "3 1");
        int[] counts = bed.Run(1, 40_000, static _ => 10);
        // Of two, one is better at any moment: weights count less than they say, but they count.
        Assert.InRange(counts[0] / 40_000.0, 0.6, 0.8);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public void A_slow_server_gets_little(int lanes)
    {
        var bed = new ChoiceBed(Balance.P2cEwma, "1 1 1", lanes);
        var random = new Random(3);
        int[] counts = bed.Run(16, 100_000, server => Exponential(random, server == 2 ? 100 : 5));
        Assert.InRange(counts[2], 1, 5_000);
        ChoiceBed.AssertShares(counts[..2], [0.5, 0.5], 0.1);
        // Counting alone would give it more: it has as much under way as the others.
        var counting = new ChoiceBed(Balance.P2c, "1 1 1", lanes);
        Assert.True(counts[2] < counting.Run(16, 100_000,
            server => Exponential(random, server == 2 ? 100 : 5))[2]);
    }

    [Theory]
    [InlineData(Outcome.Failed, 1)]
    [InlineData(Outcome.ServerError, 1)]
    [InlineData(Outcome.Failed, 8)]
    public void A_server_that_fails_fast_does_not_attract(Outcome outcome, int lanes)
    {
        var bed = new ChoiceBed(Balance.P2cEwma, "1 1", lanes);
        var random = new Random(3);
        bed.Run(8, 2_000, _ => Exponential(random, 5));
        int[] counts = bed.Run(8, 100_000, server => server == 1 ? 0.1 : Exponential(random, 5),
            server => server == 1 ? outcome : Outcome.Answered);
        Assert.InRange(counts[1], 1, 50 * lanes);
        // It is well again: within a minute it has its share.
        int[] after = bed.Run(8, 100_000, _ => Exponential(random, 5));
        Assert.True(after[1] > 5_000, $"{after[1]}");
        ChoiceBed.AssertShares(bed.Run(8, 40_000, _ => Exponential(random, 5)), [0.5, 0.5], 0.1);
    }

    [Fact]
    public void One_failure_costs_a_server_little()
    {
        var bed = new ChoiceBed(Balance.P2cEwma, "1 1 1");
        bed.Run(6, 3_000, static _ => 5);
        bed.Finished(bed.Servers[0], 1, Outcome.Failed);
        long from = bed.Now;
        int[] counts = bed.Run(6, 20_000, static _ => 5);
        Assert.InRange(bed.Now - from, 15_000, 20_000);
        Assert.True(counts[0] > 1_000, $"{counts[0]}");
    }

    [Fact]
    public void A_server_of_which_nothing_is_known_gets_one_exchange_and_waits_for_its_answer()
    {
        var bed = new ChoiceBed(Balance.P2cEwma, "1 1");
        bed.Finished(bed.Servers[0], 5);
        Assert.Same(bed.Servers[1], bed.Begin());
        for (int i = 0; i < 50; i++)
        {
            Assert.Same(bed.Servers[0], bed.Begin());
        }
        bed.Finished(bed.Servers[1], 5);
        for (int i = 0; i < 20; i++)
        {
            bed.Begin();
        }
        Assert.InRange(bed.Servers[1].Active, 10, 21);
    }

    [Fact]
    public void What_one_lane_learns_of_a_server_the_others_know_after_some_milliseconds()
    {
        var bed = new ChoiceBed(Balance.P2cEwma, "1 1", lanes: 2);
        foreach (Server server in bed.Servers)
        {
            bed.Finished(server, 5, lane: 0);
            bed.Finished(server, 5, lane: 1);
        }
        Assert.All(bed.Counts(2_000), static count => Assert.InRange(count, 500, 1_500));
        bed.Finished(bed.Servers[0], 500, lane: 1);
        bed.Now += 5;
        Assert.Equal([0, 200], bed.Counts(200));
    }

    private static double[] Shares(ChoiceBed bed) =>
        [.. bed.Servers.Select(s => (double)s.Weight / bed.Servers.Sum(static each => each.Weight))];

    private static double Exponential(Random random, double mean) => -mean * Math.Log(1 - random.NextDouble());
}
