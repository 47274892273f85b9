using System.Collections;
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

    /// <summary>Beside a list that is searched.</summary>
    [Fact]
    public void The_tree_knows_the_least_and_takes_its_equals_by_weight() =>
        Gen.Select(Gen.Int[1, 40], Gen.Select(Gen.Int[0, 39], Gen.Int[0, 4], Gen.Int[1, 9]).Array[1, 200], Gen.ULong)
            .Sample((count, changes, seed) =>
            {
                var tree = new TieTree(count);
                var random = new SplitMix(seed);
                float[] values = new float[count];
                for (int i = 0; i < count; i++)
                {
                    tree.Set(i, 0, 1);
                }
                foreach ((int at, int value, int weight) in changes)
                {
                    values[at % count] = value;
                    tree.Set(at % count, value, weight);
                    Assert.Equal(values.Min(), values[tree.Draw(ref random)]);
                }
            }, iter: 300);

    [Fact]
    public void Equals_of_the_tree_are_taken_by_weight()
    {
        var tree = new TieTree(5);
        float[] weights = [1, 2, 3, 4, 10];
        for (int i = 0; i < 5; i++)
        {
            tree.Set(i, i == 4 ? 1 : 0, weights[i]);
        }
        var random = new SplitMix(9);
        int[] counts = new int[5];
        for (int i = 0; i < 100_000; i++)
        {
            counts[tree.Draw(ref random)]++;
        }
        ChoiceBed.AssertShares(counts, [0.1, 0.2, 0.3, 0.4, 0], 0.05);
    }

    /// <summary>Beside a search through all points.</summary>
    [Fact]
    public void The_ring_finds_the_next_point() =>
        Gen.Select(Gen.Int[1, 30], Gen.Int[0, 29], Gen.ULong.Array[50]).Sample((count, gone, keys) =>
        {
            HashRing ring = new HashRing(Servers(count, static _ => 1))
                .Only([.. Enumerable.Range(0, count).Select(i => i == gone && count > 1 ? -1 : i)]);
            uint[] points = [.. Enumerable.Range(0, ring.Length).Select(ring.PositionOf)];
            Assert.Equal(points.Order(), points);
            foreach (ulong key in (ulong[])[.. keys, 0, ulong.MaxValue])
            {
                int wanted = Array.FindIndex(points, point => point >= key >> 32);
                Assert.Equal(Math.Max(wanted, 0), ring.Find(key));
                Assert.False(ring[ring.Find(key)] == gone && count > 1);
            }
        }, iter: 100);

    [Fact]
    public void Points_are_in_proportion_to_weights_and_bounded()
    {
        var small = new HashRing(Servers(3, static i => i + 1));
        int[] points = new int[3];
        for (int i = 0; i < small.Length; i++)
        {
            points[small[i]]++;
        }
        Assert.Equal([128, 256, 384], points);
        var large = new HashRing(Servers(1_000, static i => i % 2 == 0 ? 256 : 1));
        Assert.InRange(large.Length, 100_000, (128 * 1024) + 1_000);
    }

    private static List<UpstreamServer> Servers(int count, Func<int, int> weight) =>
        [.. Enumerable.Range(0, count).Select(i =>
            new UpstreamServer(ChoiceBed.Address($"10.1.{i / 250}.{i % 250}:80"), weight(i)))];
}
