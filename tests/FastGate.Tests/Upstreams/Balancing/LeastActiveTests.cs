using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Balancing;

namespace FastGate.Tests.Upstreams.Balancing;

public sealed class LeastActiveTests
{
    [Theory]
    [InlineData("1 1")]
    [InlineData("1 1 1 1 1 1 1")]
    [InlineData("3 2 1")]
    [InlineData("256 1 16 16 5")]
    public void Nobody_has_less_to_do_for_its_weight_than_the_chosen_one(string weights)
    {
        var bed = new ChoiceBed(Balance.Least, weights);
        var random = new Random(5);
        List<Server> open = [];
        for (int i = 0; i < 20_000; i++)
        {
            if (open.Count > 0 && random.Next(100) < (i / 4_000 % 2 == 0 ? 45 : 55))
            {
                int ended = random.Next(open.Count);
                bed.Count(open[ended], -1);
                open.RemoveAt(ended);
                continue;
            }
            Server chosen = bed.Pick()!;
            double least = bed.Servers.Min(static s => (double)s.Active / s.Weight);
            Assert.Equal(least, (double)chosen.Active / chosen.Weight);
            bed.Count(chosen, 1);
            open.Add(chosen);
        }
    }

    [Fact]
    public void Of_equals_any_is_taken_by_weight()
    {
        var idle = new ChoiceBed(Balance.Least, "1 2 3 4");
        ChoiceBed.AssertShares(idle.Counts(40_000), [0.1, 0.2, 0.3, 0.4], 0.05);
        idle.Count(idle.Servers[1], 1);
        ChoiceBed.AssertShares(idle.Counts(40_000), [0.125, 0, 0.375, 0.5], 0.05);
    }

    [Fact]
    public void Of_equals_one_that_starts_slowly_gets_its_part()
    {
        var bed = new ChoiceBed(Balance.Least, "1 1", slowStartMs: 10_000);
        bed.Servers[1].SetState(StateVoice.Health, ServerState.Down, "test", bed.Now);
        bed.Servers[1].SetState(StateVoice.Health, ServerState.Up, "test", bed.Now);
        ChoiceBed.AssertShares(bed.Counts(100_000), [1 / 1.1, 0.1 / 1.1], 0.05);
        bed.Now += 5_000;
        ChoiceBed.AssertShares(bed.Counts(100_000), [1 / 1.55, 0.55 / 1.55], 0.02);
    }

    [Fact]
    public void What_is_under_way_is_shared_by_weight()
    {
        var bed = new ChoiceBed(Balance.Least, "3 2 1");
        for (int i = 0; i < 60; i++)
        {
            bed.Begin();
        }
        Assert.Equal([30, 20, 10], bed.Servers.Select(static s => s.Active));
    }

    [Fact]
    public void A_lane_sees_itself_at_once_and_the_others_after_some_milliseconds()
    {
        var bed = new ChoiceBed(Balance.Least, "1 1", lanes: 2);
        bed.Pick(0);
        for (int i = 0; i < 5; i++)
        {
            bed.Count(bed.Servers[0], 1, lane: 1);
        }
        ChoiceBed.AssertShares(bed.Counts(2_000), [0.5, 0.5], 0.1);
        bed.Now += LoadView.FreshMs;
        Assert.Equal([0, 100], bed.Counts(100));
        for (int i = 0; i < 5; i++)
        {
            Assert.Same(bed.Servers[1], bed.Begin());
        }
        Assert.All(bed.Counts(100), static count => Assert.NotEqual(0, count));
    }

    [Fact]
    public void Two_lanes_with_few_connections_share_them_evenly()
    {
        var bed = new ChoiceBed(Balance.Least, "1 1", lanes: 2);
        int[] counts = bed.Run(atOnce: 4, total: 20_000, take: static _ => 20);
        ChoiceBed.AssertShares(counts, [0.5, 0.5], 0.02);
    }

    [Fact]
    public void Of_many_servers_a_slice_is_looked_at_with_each_choice()
    {
        var bed = new ChoiceBed(Balance.Least, ChoiceBed.Equal(1_000), lanes: 9);
        bed.Pick(0);
        // Every server but one is busy, as another lane knows.
        foreach (Server server in bed.Servers[..999])
        {
            bed.Count(server, 1, lane: 8);
        }
        bed.Now += LoadView.FreshMs;
        Server? chosen = null;
        for (int choice = 0; choice < 1_000 / (1024 / 8) + 1; choice++)
        {
            chosen = bed.Pick(0);
        }
        Assert.Same(bed.Servers[999], chosen);
    }
}
