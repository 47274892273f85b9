using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Upstreams.Balancing;

/// <summary>What holds for every way to choose: states, tiers, servers that were tried, and slow starts.</summary>
public sealed class UsableServersTests
{
    public static TheoryData<Balance> Balances => [.. Enum.GetValues<Balance>()];

    [Theory]
    [MemberData(nameof(Balances))]
    public void Only_servers_that_are_up_are_chosen(Balance balance)
    {
        var bed = new ChoiceBed(balance, "1 1 1 1 1 1");
        ServerState[] states =
            [ServerState.Up, ServerState.Down, ServerState.Ejected, ServerState.Draining, ServerState.Unresolved];
        for (int i = 0; i < states.Length; i++)
        {
            bed.Servers[i].SetState(StateVoice.Health, states[i], "test", bed.Now);
        }
        int[] counts = Keyed(bed, 2_000);
        Assert.Equal([false, true, true, true, true, false], counts.Select(static count => count == 0));
        bed.Servers[2].SetState(StateVoice.Health, ServerState.Up, "test", bed.Now);
        Assert.NotEqual(0, Keyed(bed, 2_000)[2]);
    }

    [Theory]
    [MemberData(nameof(Balances))]
    public void Backups_are_chosen_only_while_no_other_server_is_up(Balance balance)
    {
        var bed = new ChoiceBed(balance, "1 9b 1 9b");
        Assert.Equal([false, true, false, true], Keyed(bed, 500).Select(static count => count == 0));
        Down(bed, 0);
        Assert.Equal([0, 0, 500, 0], Keyed(bed, 500));
        Down(bed, 2);
        Assert.Equal([true, false, true, false], Keyed(bed, 500).Select(static count => count == 0));
        Down(bed, 1);
        Assert.Equal([0, 0, 0, 500], Keyed(bed, 500));
        Down(bed, 3);
        Assert.Null(bed.Pick());
        bed.Servers[2].SetState(StateVoice.Health, ServerState.Up, "test", bed.Now);
        Assert.Equal([0, 0, 500, 0], Keyed(bed, 500));
    }

    [Theory]
    [MemberData(nameof(Balances))]
    public void A_server_that_was_tried_is_not_chosen_while_there_are_others(Balance balance)
    {
        var bed = new ChoiceBed(balance, "50 1 1 1");
        for (ulong key = 1; key < 500; key++)
        {
            Assert.NotSame(bed.Servers[0], bed.Pick(0, key, bed.Servers[0]));
            Assert.Same(bed.Servers[3], bed.Pick(0, key, bed.Servers[0], bed.Servers[2], bed.Servers[1]));
            Assert.NotNull(bed.Pick(0, key, bed.Servers));
        }
        // It counts for that exchange only.
        Assert.NotEqual(0, Keyed(bed, 500)[0]);
    }

    [Theory]
    [MemberData(nameof(Balances))]
    public void Exclusion_keeps_to_the_tier(Balance balance)
    {
        var bed = new ChoiceBed(balance, "1 1 1b");
        for (ulong key = 1; key < 200; key++)
        {
            Assert.False(bed.Pick(0, key, bed.Servers[0])!.IsBackup);
            Assert.False(bed.Pick(0, key, bed.Servers[0], bed.Servers[1])!.IsBackup);
        }
    }

    [Theory]
    [MemberData(nameof(Balances))]
    public void A_server_that_is_usable_again_starts_with_a_small_share_that_grows(Balance balance)
    {
        var bed = new ChoiceBed(balance, "1 1", slowStartMs: 10_000);
        double from = Share(bed);
        Assert.InRange(from, 0.4, 0.6);
        Down(bed, 1);
        bed.Now += 5_000;
        Assert.Equal(0, Share(bed));
        bed.Servers[1].SetState(StateVoice.Health, ServerState.Up, "test", bed.Now);
        // 0.1 to 1 of its weight, beside a weight of 1.
        AssertNear(from, 0.1, Share(bed));
        bed.Now += 2_500;
        AssertNear(from, 0.325, Share(bed));
        bed.Now += 5_000;
        AssertNear(from, 0.775, Share(bed));
        bed.Now += 2_500;
        Assert.Equal(from, Share(bed), 0.03);

        // The keys that a server does not get back yet stay with the other; draws are between the two anew.
        void AssertNear(double whole, double weight, double share) => Assert.Equal(
            balance == Balance.Hash ? whole * weight : whole * weight / ((1 - whole) + (whole * weight)), share, 0.03);
    }

    [Fact]
    public void A_key_that_came_back_in_a_slow_start_stays()
    {
        var bed = new ChoiceBed(Balance.Hash, "1 1 1", slowStartMs: 10_000);
        Down(bed, 1);
        bed.Servers[1].SetState(StateVoice.Health, ServerState.Up, "test", bed.Now);
        HashSet<ulong> back = [];
        for (int step = 0; step <= 10; step++)
        {
            var now = Enumerable.Range(1, 2_000).Select(static i => (ulong)i * 0x9E3779B97F4A7C15)
                .Where(key => bed.Pick(0, key) == bed.Servers[1]).ToHashSet();
            Assert.Superset(back, now);
            back = now;
            bed.Now += 1_000;
        }
        Assert.InRange(back.Count, 400, 1_000);
    }

    [Fact]
    public void Nobody_starts_slowly_at_first_nor_when_a_name_is_resolved()
    {
        var bed = new ChoiceBed(Balance.Least, "1 1", slowStartMs: 10_000);
        Assert.InRange(Share(bed), 0.45, 0.55);
        bed.Servers[1].SetState(StateVoice.Names, ServerState.Unresolved, "dns", bed.Now);
        bed.Servers[1].SetState(StateVoice.Names, ServerState.Up, "dns", bed.Now);
        Assert.InRange(Share(bed), 0.45, 0.55);
    }

    [Fact]
    public void Each_voice_speaks_for_itself_and_the_strongest_is_shown()
    {
        var bed = new ChoiceBed(Balance.P2c, "1 1");
        Server server = bed.Servers[0];
        Assert.Equal(new ServerStatus(ServerState.Up, "", 0), server.Status);
        server.SetState(StateVoice.Ejection, ServerState.Ejected, "consecutive", 10);
        Assert.Equal(new ServerStatus(ServerState.Ejected, "consecutive", 10), server.Status);
        server.SetState(StateVoice.Operator, ServerState.Draining, "operator", 20);
        Assert.Equal(new ServerStatus(ServerState.Draining, "operator", 20), server.Status);
        server.SetState(StateVoice.Health, ServerState.Down, "timeout", 30);
        server.SetState(StateVoice.Health, ServerState.Down, "refused", 40);
        Assert.Equal(new ServerStatus(ServerState.Draining, "operator", 20), server.Status);
        server.SetState(StateVoice.Operator, ServerState.Up, "operator", 50);
        Assert.Equal(new ServerStatus(ServerState.Down, "refused", 30), server.Status);
        server.SetState(StateVoice.Health, ServerState.Up, "health", 60);
        Assert.Equal(new ServerStatus(ServerState.Ejected, "consecutive", 10), server.Status);
        server.SetState(StateVoice.Ejection, ServerState.Up, "served", 70);
        Assert.Equal(new ServerStatus(ServerState.Up, "served", 70), server.Status);
    }

    [Fact]
    public void The_set_is_replaced_only_when_a_server_becomes_usable_or_ceases_to_be()
    {
        var bed = new ChoiceBed(Balance.P2c, "1 1");
        ServerSet first = bed.Group.Set;
        bed.Servers[0].SetState(StateVoice.Health, ServerState.Up, "health", 10);
        Assert.Same(first, bed.Group.Set);
        Down(bed, 0);
        ServerSet second = bed.Group.Set;
        Assert.NotSame(first, second);
        bed.Servers[0].SetState(StateVoice.Ejection, ServerState.Ejected, "consecutive", 20);
        Assert.Same(second, bed.Group.Set);
    }

    [Fact]
    public void A_group_in_which_nothing_is_usable_says_why()
    {
        var bed = new ChoiceBed(Balance.P2c, "1 1b");
        bed.Servers[0].SetState(StateVoice.Names, ServerState.Unresolved, "dns", 1);
        bed.Servers[1].SetState(StateVoice.Names, ServerState.Unresolved, "dns", 1);
        Assert.Null(bed.Pick());
        Assert.Equal(Reason.DnsError, bed.Group.Set.Refusal);
        bed.Servers[1].SetState(StateVoice.Names, ServerState.Up, "dns", 1);
        Down(bed, 1);
        Assert.Equal(Reason.DestinationUnavailable, bed.Group.Set.Refusal);
    }

    [Fact]
    public async Task States_may_be_written_by_one_thread_while_another_chooses()
    {
        var bed = new ChoiceBed(Balance.P2cEwma, ChoiceBed.Equal(20));
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var writer = Task.Run(() =>
        {
            var random = new Random(4);
            for (int i = 0; i < 3_000 && !stop.IsCancellationRequested; i++)
            {
                bed.Servers[random.Next(1, 20)].SetState(StateVoice.Health,
                    random.Next(2) == 0 ? ServerState.Up : ServerState.Down, "test", i);
            }
        }, TestContext.Current.CancellationToken);
        long choices = 0;
        do
        {
            Assert.NotNull(bed.Pick());
            choices++;
        }
        while (!writer.IsCompleted);
        await writer;
        for (int i = 0; i < 2_000; i++)
        {
            Assert.True(bed.Pick()!.Status.IsUsable);
        }
        Assert.NotEqual(0, choices);
    }

    [Fact]
    public void Who_has_tried_more_than_sixteen_servers_remembers_the_last()
    {
        var bed = new ChoiceBed(Balance.P2c, ChoiceBed.Equal(18));
        var tried = new TriedServers();
        tried.Add(bed.Servers[0]);
        tried.Add(bed.Servers[0]);
        Assert.Equal(1, tried.Count);
        Array.ForEach(bed.Servers, server => tried.Add(server));
        Assert.Equal(16, tried.Count);
        Assert.Equal([false, false, .. Enumerable.Repeat(true, 16)],
            bed.Servers.Select(server => tried.Contains(server.Index)));
        tried.Clear();
        Assert.False(tried.Contains(5));
    }

    private static void Down(ChoiceBed bed, int server) =>
        bed.Servers[server].SetState(StateVoice.Health, ServerState.Down, "test", bed.Now);

    /// <summary>The share of the second server, each exchange with a key of its own and answered in the same
    /// time.</summary>
    private static double Share(ChoiceBed bed)
    {
        int[] counts = Keyed(bed, 4_000);
        return counts[1] / 4_000.0;
    }

    private static int[] Keyed(ChoiceBed bed, int picks)
    {
        int[] counts = new int[bed.Servers.Length];
        for (int i = 1; i <= picks; i++)
        {
            Server server = bed.Pick(0, (ulong)i * 0x9E3779B97F4A7C15)!;
            bed.Finished(server, 5);
            counts[server.Index]++;
        }
        return counts;
    }
}
