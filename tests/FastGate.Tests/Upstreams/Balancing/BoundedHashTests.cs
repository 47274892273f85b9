using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Balancing;

namespace FastGate.Tests.Upstreams.Balancing;

public sealed class BoundedHashTests
{
    private const int Keys = 20_000;

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(100)]
    public void Of_many_keys_those_of_a_server_that_leaves_move_and_no_others(int servers)
    {
        var bed = new ChoiceBed(Balance.Hash, ChoiceBed.Equal(servers));
        int[] before = Places(bed);
        Server gone = bed.Servers[servers / 2];
        gone.SetState(StateVoice.Health, ServerState.Down, "test", bed.Now);
        int[] after = Places(bed);
        int moved = 0;
        for (int i = 0; i < Keys; i++)
        {
            Assert.NotEqual(gone.Index, after[i]);
            Assert.True(before[i] == after[i] || before[i] == gone.Index);
            moved += before[i] == after[i] ? 0 : 1;
        }
        Assert.InRange(moved, Keys / servers * 0.6, Keys / servers * 1.4);
        // Not all to one neighbour.
        int heirs = Enumerable.Range(0, Keys).Where(i => before[i] == gone.Index).Select(i => after[i]).Distinct().Count();
        Assert.InRange(heirs, Math.Min(servers - 1, servers / 3), servers);
        gone.SetState(StateVoice.Health, ServerState.Up, "test", bed.Now);
        Assert.Equal(before, Places(bed));
    }

    [Fact]
    public void A_server_that_is_added_takes_its_share_and_no_key_moves_between_the_others()
    {
        int[] before = Places(new ChoiceBed(Balance.Hash, ChoiceBed.Equal(10)));
        int[] after = Places(new ChoiceBed(Balance.Hash, ChoiceBed.Equal(11)));
        int moved = 0;
        for (int i = 0; i < Keys; i++)
        {
            Assert.True(before[i] == after[i] || after[i] == 10);
            moved += before[i] == after[i] ? 0 : 1;
        }
        Assert.InRange(moved, Keys / 11 * 0.6, Keys / 11 * 1.4);
    }

    [Theory]
    [InlineData("1 1 1 1 1 1 1 1 1 1")]
    [InlineData("1 2 4")]
    [InlineData("100 1 10")]
    public void Servers_have_keys_by_weight(string weights)
    {
        var bed = new ChoiceBed(Balance.Hash, weights);
        int[] counts = new int[bed.Servers.Length];
        Array.ForEach(Places(bed), place => counts[place]++);
        double sum = bed.Servers.Sum(static s => s.Weight);
        ChoiceBed.AssertShares(counts, [.. bed.Servers.Select(s => s.Weight / sum)], 0.4);
    }

    [Fact]
    public void Every_lane_and_every_process_sends_a_key_to_the_same_server()
    {
        int[] one = Places(new ChoiceBed(Balance.Hash, "1 2 3", lanes: 2, seed: 1));
        int[] other = Places(new ChoiceBed(Balance.Hash, "1 2 3", lanes: 2, seed: 99), lane: 1);
        Assert.Equal(one, other);
        Assert.Equal([2, 0, 1, 1], Places(new ChoiceBed(Balance.Hash, "1 2 3"))[..4]);
    }

    /// <summary>All keys are one, the worst there is.</summary>
    [Theory]
    [InlineData("1 1", 1)]
    [InlineData("1 1 1 1 1 1 1 1 1 1", 1)]
    [InlineData("1 2 3 4", 1)]
    [InlineData("1 1 1 1 1 1 1 1 1 1", 1_000_000)]
    public void No_server_gets_more_than_a_quarter_above_its_share(string weights, int keys)
    {
        var bed = new ChoiceBed(Balance.Hash, weights);
        double sum = bed.Servers.Sum(static s => s.Weight);
        var random = new Random(2);
        List<Server> open = [];
        for (int i = 0; i < 30_000; i++)
        {
            if (open.Count > 0 && (open.Count > 400 || random.Next(100) < 40))
            {
                int ended = random.Next(open.Count);
                bed.Count(open[ended], -1);
                open.RemoveAt(ended);
                continue;
            }
            Server chosen = bed.Begin(key: SplitMix.Mix((ulong)random.Next(keys)) | 1);
            open.Add(chosen);
            Assert.True(chosen.Active <= Math.Ceiling(1.25 * open.Count * chosen.Weight / sum),
                $"{chosen.Active} of {open.Count} at a server of weight {chosen.Weight}");
        }
    }

    [Fact]
    public void Another_lane_s_load_counts_after_some_milliseconds()
    {
        var bed = new ChoiceBed(Balance.Hash, "1 1", lanes: 2);
        Server own = bed.Pick(0, key: 77)!;
        Assert.Same(own, bed.Begin(0, key: 77));
        for (int i = 0; i < 10; i++)
        {
            bed.Count(own, 1, lane: 1);
        }
        bed.Now += LoadView.FreshMs;
        Assert.NotSame(own, bed.Pick(0, key: 77));
    }

    [Fact]
    public void Requests_without_the_key_are_spread_by_weight()
    {
        var bed = new ChoiceBed(Balance.Hash, "3 2 1");
        ChoiceBed.AssertShares(bed.Counts(60_000), [3 / 6.0, 2 / 6.0, 1 / 6.0], 0.05);
    }

    [Fact]
    public void A_set_that_changes_between_two_looks_at_it_is_one_set_for_a_choice()
    {
        var bed = new ChoiceBed(Balance.Hash, "1 1 1");
        bed.Pick();
        ServerSet before = bed.Group.Set;
        var balancer = new BoundedHash(bed.Group, 0, 5);
        bed.Servers[0].SetState(StateVoice.Health, ServerState.Down, "test", bed.Now);
        bed.Servers[1].SetState(StateVoice.Health, ServerState.Down, "test", bed.Now);
        // It was read just before.
        for (int i = 0; i < 50; i++)
        {
            Assert.NotNull(balancer.PickOf(before, bed.Now, 0, default));
        }
    }

    private static int[] Places(ChoiceBed bed, int lane = 0) =>
        [.. Enumerable.Range(1, Keys).Select(i => bed.Pick(lane, SplitMix.Mix((ulong)i))!.Index)];
}
