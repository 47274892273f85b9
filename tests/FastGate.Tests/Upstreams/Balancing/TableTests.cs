using System.Collections;
using System.Numerics;
using CsCheck;
using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Balancing;

namespace FastGate.Tests.Upstreams.Balancing;

/// <summary>The tables that choices are prepared with, each beside something slow and obvious.</summary>
public sealed class TableTests
{
    [Theory]
    [InlineData(new double[] { 1 })]
    [InlineData(new double[] { 1, 1, 1 })]
    [InlineData(new double[] { 256, 1 })]
    [InlineData(new double[] { 1, 2, 3, 4, 5, 6, 7 })]
    public void Draws_come_out_by_weight(double[] weights)
    {
        var table = new AliasTable(weights);
        var random = new SplitMix(11);
        int[] counts = new int[weights.Length];
        for (int i = 0; i < 200_000; i++)
        {
            counts[table.Draw((uint)random.Next())]++;
        }
        // Five standard deviations of a draw.
        Assert.All(weights, (weight, i) => Assert.InRange(
            Math.Abs((counts[i] / 200_000.0) - (weight / weights.Sum())), 0,
            5 * Math.Sqrt(weight / weights.Sum() / 200_000)));
    }

    /// <summary>At any moment of a round each server has had its share, give or take one turn and what the others'
    /// first turns put off.</summary>
    [Fact]
    public void Turns_come_by_weight_and_are_spread() =>
        Gen.Int[1, 256].Array[2, 12].Sample(weights =>
        {
            var table = new TurnTable([.. weights.Select(static weight => (double)weight)]);
            int divisor = weights.Aggregate(static (one, other) => (int)BigInteger.GreatestCommonDivisor(one, other));
            Assert.Equal(weights.Sum() / divisor, table.Length);
            int[] counts = new int[weights.Length];
            for (int turn = 0; turn < table.Length; turn++)
            {
                counts[table[turn]]++;
                for (int i = 0; i < weights.Length; i++)
                {
                    double share = (double)weights[i] / weights.Sum();
                    Assert.InRange(counts[i] - (share * (turn + 1)), -1 - (share * weights.Length),
                        1 + (share * weights.Length));
                }
            }
            Assert.Equal(weights.Select(weight => weight / divisor), counts);
        }, iter: 300);

    /// <summary>nginx turns 5 1 1 into aabacaa.</summary>
    [Theory]
    [InlineData("1 1 1", "012")]
    [InlineData("4 4 4 4", "0123")]
    [InlineData("2 1 1", "0102")]
    [InlineData("5 1 1", "0010020")]
    public void A_round_is_as_short_as_can_be_and_a_heavy_one_s_turns_lie_apart(string weights, string round)
    {
        var table = new TurnTable([.. weights.Split(' ').Select(double.Parse)]);
        Assert.Equal(round, string.Concat(Enumerable.Range(0, table.Length).Select(turn => table[turn])));
    }

    [Fact]
    public void A_round_of_many_heavy_servers_is_bounded_and_has_all_of_them()
    {
        var table = new TurnTable([.. Enumerable.Range(0, 1_000).Select(static i => i % 2 == 0 ? 256.0 : 1 + (i % 3))]);
        Assert.InRange(table.Length, 60_000, 67_000);
        Assert.Equal(1_000, Enumerable.Range(0, table.Length).Select(turn => table[turn]).Distinct().Count());
    }

    /// <summary>Two of them on the same place of the table.</summary>
    [Fact]
    public void Who_has_one_point_on_the_ring_has_keys_in_a_small_table_too()
    {
        ulong[] points = [Point(10, 0), Point(10, 1), Point(20, 2)];
        var slots = new HashSlots(points, owners: 3);
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 1 << 16).Select(slot => slots[(ulong)slot << 48]).Distinct().Order());

        static ulong Point(int slot, int owner) => ((ulong)slot << 48) | (uint)owner;
    }

    [Fact]
    public void A_thousand_weights_draw_every_server()
    {
        var table = new AliasTable([.. Enumerable.Range(0, 1_000).Select(static i => 1.0 + (i % 17))]);
        var random = new SplitMix(3);
        var seen = new BitArray(1_000);
        for (int i = 0; i < 200_000; i++)
        {
            seen[table.Draw((uint)random.Next())] = true;
        }
        Assert.True(seen.HasAllSet());
    }

    /// <summary>Beside a list that is searched; with up to three levels.</summary>
    [Theory]
    [InlineData(40)]
    [InlineData(1_000)]
    [InlineData(40_000)]
    public void The_tree_knows_the_least_and_takes_its_equals(int most) =>
        Gen.Select(
            Gen.Int[1, most], Gen.Select(Gen.Int[0, most], Gen.Int[0, 4], Gen.Int[1, 9]).Array[1, 200], Gen.ULong)
            .Sample((count, changes, seed) =>
            {
                var tree = new TieTree(count);
                var random = new SplitMix(seed);
                int[] values = new int[count];
                Array.Fill(values, 5);
                for (int i = 0; i < count; i++)
                {
                    tree.Set(i, 5);
                }
                foreach ((int at, int value, int weight) in changes)
                {
                    if (value % 2 == 0)
                    {
                        tree.Set(at % count, value);
                    }
                    else
                    {
                        tree.Add(at % count, value - values[at % count]);
                    }
                    values[at % count] = value;
                    tree.Weigh(at % count, weight);
                    Assert.Equal(values.Min(), values[tree.Draw(ref random)]);
                }
            }, iter: 40);

    [Theory]
    [InlineData(5)]
    [InlineData(16)]
    [InlineData(100)]
    [InlineData(300)]
    [InlineData(20_000)]
    public void Equals_of_the_tree_are_taken_by_weight(int count)
    {
        // Some of the first 16, of the last, and between.
        int[] equals = [.. ((int[])[0, 1, 4, 7, 8, 20, 130, 260, count / 2, count - 2, count - 1])
            .Where(at => at < count).Distinct()];
        var tree = new TieTree(count);
        for (int i = 0; i < count; i++)
        {
            tree.Weigh(i, 1 + (i % 5));
            tree.Set(i, equals.Contains(i) ? 2 : 3);
        }
        var random = new SplitMix(9);
        int[] counts = new int[count];
        for (int i = 0; i < 100_000; i++)
        {
            counts[tree.Draw(ref random)]++;
        }
        double sum = equals.Sum(static at => 1.0 + (at % 5));
        ChoiceBed.AssertShares(counts,
            [.. Enumerable.Range(0, count).Select(i => equals.Contains(i) ? (1 + (i % 5)) / sum : 0)], 0.1);
    }

    [Fact]
    public void A_weight_that_changed_counts_as_it_is_now()
    {
        int[] weights = [1_000, 3_001, 2_222, 4_096];
        var tree = new TieTree(weights.Length);
        for (int i = 0; i < weights.Length; i++)
        {
            tree.Weigh(i, 0x0FFF_FFFF);
            tree.Weigh(i, weights[i]);
            tree.Set(i, 1);
        }
        var random = new SplitMix(4);
        int[] counts = new int[weights.Length];
        for (int i = 0; i < 100_000; i++)
        {
            counts[tree.Draw(ref random)]++;
        }
        ChoiceBed.AssertShares(counts, Array.ConvertAll(weights, weight => weight / (double)weights.Sum()), 0.05);
    }

    /// <summary>Beside a search through all points, in groups that keep runs of slots and such that keep every
    /// slot.</summary>
    [Fact]
    public void A_stretch_of_keys_belongs_to_the_server_of_the_next_point() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[0, 59], Gen.ULong.Array[50]).Sample((count, gone, keys) =>
        {
            var ring = new HashRing(Servers(count, static _ => 1));
            int without = count > 1 ? gone : -1;
            HashSlots slots = ring.SlotsOf([.. Enumerable.Range(0, count).Select(i => i == without ? -1 : i)]);
            ulong[] points = [.. ring.Points];
            Assert.Equal(points.Order(), points);
            ulong[] left = [.. points.Where(point => (int)(uint)point != without)];
            foreach (ulong key in (ulong[])[.. keys, 0, ulong.MaxValue])
            {
                int next = Array.FindIndex(left, point => point >> 48 >= key >> 48);
                Assert.Equal((int)(uint)left[Math.Max(next, 0)], slots[key]);
            }
        }, iter: 100);

    /// <summary>Of equals none is left out, however many there are.</summary>
    [Theory]
    [InlineData(1_000)]
    [InlineData(10_000)]
    public void Each_of_many_equal_servers_has_keys(int count)
    {
        HashSlots slots = new HashRing(Servers(count, static _ => 1)).SlotsOf([.. Enumerable.Range(0, count)]);
        Assert.Equal(count, Enumerable.Range(0, 1 << 16).Select(slot => slots[(ulong)slot << 48]).Distinct().Count());
    }

    [Theory]
    [InlineData(3, 16)]
    [InlineData(32, 150)]
    [InlineData(100, 256)]
    public void What_a_change_of_the_set_takes_is_bounded(int count, int wantedKiB)
    {
        var ring = new HashRing(Servers(count, static _ => 1));
        int[] places = [.. Enumerable.Range(0, count)];
        ring.SlotsOf(places);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ring.SlotsOf(places);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, wantedKiB * 1024);
    }

    /// <summary>Where a full server's keys go next: to all others, by their weight.</summary>
    [Fact]
    public void The_keys_of_one_server_go_on_to_all_others()
    {
        HashSlots slots = new HashRing(Servers(20, static i => 1 + (i % 2))).SlotsOf([.. Enumerable.Range(0, 20)]);
        int[] counts = new int[20];
        for (ulong i = 0; i < 400_000; i++)
        {
            ulong key = SplitMix.Mix(i);
            if (slots[key] == 7)
            {
                counts[slots[HashSlots.After(key)]]++;
            }
        }
        ChoiceBed.AssertShares(counts, [.. Enumerable.Range(0, 20).Select(static i => (1 + (i % 2)) / 30.0)], 0.4);
    }

    [Fact]
    public void Points_are_in_proportion_to_weights_and_bounded()
    {
        int[] points = new int[3];
        foreach (ulong point in new HashRing(Servers(3, static i => i + 1)).Points)
        {
            points[(int)(uint)point]++;
        }
        Assert.Equal([128, 256, 384], points);
        var large = new HashRing(Servers(1_000, static i => i % 2 == 0 ? 256 : 1));
        Assert.InRange(large.Points.Length, 100_000, (128 * 1024) + 1_000);
    }

    private static List<UpstreamServer> Servers(int count, Func<int, int> weight) =>
        [.. Enumerable.Range(0, count).Select(i =>
            new UpstreamServer(ChoiceBed.Address($"10.1.{i / 250}.{i % 250}:80"), weight(i)))];
}
