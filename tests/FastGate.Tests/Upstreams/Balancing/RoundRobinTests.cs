using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Upstreams.Balancing;

public sealed class RoundRobinTests
{
    [Theory]
    [InlineData(8, 3)]
    [InlineData(64, 3)]
    [InlineData(2, 2)]
    [InlineData(3, 100)]
    public void The_first_requests_of_the_lanes_go_to_different_servers(int lanes, int servers)
    {
        for (int group = 0; group < 20; group++)
        {
            var bed = new ChoiceBed(Balance.RoundRobin, ChoiceBed.Equal(servers), lanes);
            int[] counts = new int[servers];
            for (int lane = 0; lane < lanes; lane++)
            {
                counts[bed.Pick(lane)!.Index]++;
            }
            Assert.All(counts, count => Assert.InRange(count, lanes / servers, (lanes + servers - 1) / servers));
        }
    }

    [Fact]
    public void Not_every_group_begins_with_the_same_server()
    {
        int[] first = [.. Enumerable.Range(0, 100).Select(_ =>
            new ChoiceBed(Balance.RoundRobin, ChoiceBed.Equal(10)).Pick()!.Index)];
        Assert.True(first.Distinct().Count() > 3);
    }

    [Fact]
    public void Equal_servers_take_turns()
    {
        var bed = new ChoiceBed(Balance.RoundRobin, ChoiceBed.Equal(7));
        int[] picks = [.. Enumerable.Range(0, 700).Select(_ => bed.Pick()!.Index)];
        for (int from = 0; from + 7 <= picks.Length; from++)
        {
            Assert.Equal(7, picks[from..(from + 7)].Distinct().Count());
        }
    }

    [Theory]
    [InlineData("5 1 1")]
    [InlineData("256 1")]
    [InlineData("3 2 1 7 4")]
    public void Each_round_has_as_many_of_a_server_as_its_weight(string weights)
    {
        var bed = new ChoiceBed(Balance.RoundRobin, weights);
        int round = bed.Servers.Sum(static s => s.Weight);
        for (int i = 0; i < 20; i++)
        {
            int[] counts = bed.Counts(round);
            Assert.All(bed.Servers, server => Assert.InRange(counts[server.Index], server.Weight - 1, server.Weight + 1));
        }
        int[] many = bed.Counts(1000 * round);
        Assert.All(bed.Servers, server =>
            Assert.InRange(many[server.Index], (1000 * server.Weight) - 1, (1000 * server.Weight) + 1));
    }

    /// <summary>nginx turns 5 1 1 into aabacaa: the light ones stand between the heavy one's turns.</summary>
    [Fact]
    public void A_heavy_server_s_turns_are_spread()
    {
        var bed = new ChoiceBed(Balance.RoundRobin, "5 1 1");
        int row = 0;
        int longest = 0;
        for (int i = 0; i < 7_000; i++)
        {
            row = bed.Pick()!.Index == 0 ? row + 1 : 0;
            longest = Math.Max(longest, row);
        }
        Assert.InRange(longest, 2, 5);
        var even = new ChoiceBed(Balance.RoundRobin, "2 1 1");
        string picks = string.Concat(Enumerable.Range(0, 400).Select(_ => even.Pick()!.Index));
        Assert.DoesNotContain("000", picks, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_lanes_together_are_fair_too()
    {
        var bed = new ChoiceBed(Balance.RoundRobin, "3 1", lanes: 2);
        int[] counts = new int[2];
        for (int i = 0; i < 80; i++)
        {
            counts[bed.Pick(i % 2)!.Index]++;
        }
        Assert.InRange(counts[0], 58, 62);
    }
}
