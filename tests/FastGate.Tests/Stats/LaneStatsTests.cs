using CsCheck;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

public sealed class LaneStatsTests
{
    [Fact]
    public void Lanes_add_up_to_the_slow_count()
    {
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 1000], Gen.Enum<Reason>(), Gen.Int[0, 1 << 20]).List[0, 200]
            .Sample(exchanges =>
            {
                var stats = new GateStats(3);
                foreach ((int lane, int status, Reason reason, int bytes) in exchanges)
                {
                    stats.ForLane(lane).Finished(status, reason, bytes, bytes * 2L);
                }
                StatsTotals sum = stats.Sum();
                Assert.Equal(exchanges.Count, sum.Requests);
                Assert.Equal(exchanges.Sum(e => (long)e.Item4), sum.BytesIn);
                Assert.Equal(exchanges.Sum(e => e.Item4 * 2L), sum.BytesOut);
                for (int status = 100; status <= 599; status++)
                {
                    Assert.Equal(exchanges.Count(e => e.Item2 == status), sum.WithStatus(status));
                }
                Assert.Equal(exchanges.Count(e => e.Item2 is < 100 or > 599), sum.OtherStatus);
                Assert.All(Enum.GetValues<Reason>(),
                    r => Assert.Equal(exchanges.Count(e => e.Item3 == r), sum.WithReason(r)));
                Assert.Equal(exchanges.Count(e => e.Item1 == 1), stats.SumOf(1).Requests);
            });
    }

    [Fact]
    public void Open_connections_are_those_not_closed_yet()
    {
        var stats = new GateStats(2);
        stats.ForLane(0).ClientOpened();
        stats.ForLane(0).ClientOpened();
        stats.ForLane(1).ClientOpened();
        stats.ForLane(0).ClientClosed();
        stats.ForLane(1).UpstreamOpened();
        stats.ForLane(1).UpstreamOpened();
        stats.ForLane(1).UpstreamClosed();
        StatsTotals sum = stats.Sum();
        Assert.Equal((3, 2, 1), (sum.ClientsAccepted, sum.ClientsOpen, sum.UpstreamsOpen));
    }

    [Fact]
    public void A_reader_never_sees_fewer_opened_than_closed()
    {
        var stats = new GateStats(1);
        LaneStats lane = stats.ForLane(0);
        var done = new ManualResetEventSlim();
        var writer = new Thread(() =>
        {
            for (int i = 0; i < 200_000; i++)
            {
                lane.ClientOpened();
                lane.UpstreamOpened();
                lane.UpstreamClosed();
                lane.ClientClosed();
            }
            done.Set();
        });
        writer.Start();
        while (!done.IsSet)
        {
            StatsTotals sum = stats.Sum();
            Assert.True(sum.ClientsOpen >= 0 && sum.UpstreamsOpen >= 0);
        }
        writer.Join();
        Assert.Equal(0, stats.Sum().ClientsOpen);
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        LaneStats lane = new GateStats(1).ForLane(0);
        lane.Finished(200, Reason.None, 1, 2);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            lane.Finished(200, Reason.None, 1, 2);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
