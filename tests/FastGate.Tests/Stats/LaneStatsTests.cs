using CsCheck;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

public sealed class LaneStatsTests
{
    private const int Lanes = 3;
    private const int Routes = 4;

    /// <summary>The slow twin counts in a list. Common and rare statuses, every reason, with a route and without.</summary>
    [Fact]
    public void Lanes_and_routes_add_up_to_the_slow_count()
    {
        Gen.Select(Gen.Int[0, Lanes - 1], Gen.Int[0, Routes], Gen.Int[100, 999], Gen.Enum<Reason>(), Gen.Int[0, 1 << 20])
            .List[0, 300].Sample(exchanges =>
            {
                var stats = new GateStats(Lanes, Routes, listeners: 1);
                foreach ((int lane, int route, int status, Reason reason, int bytes) in exchanges)
                {
                    if (route != LaneStats.NoRoute)
                    {
                        stats.ForLane(lane).Began(route);
                    }
                    stats.ForLane(lane).Finished(route, status, reason, bytes, bytes * 2L, now: 0);
                }
                AssertIs(stats.Sum(), exchanges);
                AssertIs(stats.SumOf(1), [.. exchanges.Where(e => e.Item1 == 1)]);
                Assert.Equal(exchanges.Count(e => e.Item1 == 2), stats.ForLane(2).Rate.Requests);
                for (int route = LaneStats.NoRoute; route <= Routes; route++)
                {
                    var totals = new RequestTotals();
                    stats.AddRouteTo(route, totals);
                    AssertIs(totals, [.. exchanges.Where(e => e.Item2 == route)]);
                }
            });
    }

    [Fact]
    public void A_status_outside_of_what_can_be_parsed_counts_as_the_nearest()
    {
        var stats = new GateStats(1, 1, 1);
        stats.ForLane(0).Finished(1, 0, Reason.None, 0, 0, now: 0);
        stats.ForLane(0).Finished(1, 12_345, Reason.None, 0, 0, now: 0);
        StatsTotals sum = stats.Sum();
        Assert.Equal((2, 1, 1), (sum.Requests, sum.WithStatus(100), sum.WithStatus(999)));
    }

    [Fact]
    public void Every_status_of_the_closed_list_of_reasons_that_is_common_has_its_place()
    {
        Assert.Equal(CommonStatuses.Count, CommonStatuses.All.Length);
        for (int i = 0; i < CommonStatuses.Count; i++)
        {
            Assert.Equal(i, CommonStatuses.PlaceOf(CommonStatuses.All[i]));
        }
        Assert.All([0, -1, 100, 299, 418, 511, 512, 999, int.MaxValue],
            status => Assert.Equal(CommonStatuses.None, CommonStatuses.PlaceOf(status)));
    }

    [Fact]
    public void In_flight_is_what_began_and_is_not_over()
    {
        var stats = new GateStats(2, 2, 1);
        stats.ForLane(0).Began(1);
        stats.ForLane(0).Began(1);
        stats.ForLane(1).Began(1);
        stats.ForLane(1).Began(2);
        stats.ForLane(0).Finished(1, 200, Reason.None, 0, 0, now: 0);
        // No route was found for this one.
        stats.ForLane(0).Finished(LaneStats.NoRoute, 404, Reason.NoRoute, 0, 0, now: 0);
        Assert.Equal([0, 2, 1], Enumerable.Range(0, 3).Select(route => Route(stats, route).InFlight));
    }

    [Fact]
    public void Open_connections_are_those_not_closed_yet_and_belong_to_their_listener()
    {
        var stats = new GateStats(2, 0, 2);
        stats.ForLane(0).ClientOpened(0);
        stats.ForLane(0).ClientOpened(1);
        stats.ForLane(1).ClientOpened(1);
        stats.ForLane(0).ClientClosed(0);
        StatsTotals sum = stats.Sum();
        Assert.Equal((3, 2), (sum.ClientsAccepted, sum.ClientsOpen));
        Assert.Equal((0, 2), (stats.OpenOf(0), stats.OpenOf(1)));
    }

    [Fact]
    public void A_reader_beside_the_writer_sees_one_connection_and_one_request_at_most_and_counts_that_only_grow()
    {
        var stats = new GateStats(1, 1, 1);
        LaneStats lane = stats.ForLane(0);
        var writer = new Thread(() =>
        {
            for (int i = 0; i < 200_000; i++)
            {
                lane.ClientOpened(0);
                lane.Began(1);
                // A rare status each time: their list grows while it is read.
                lane.Finished(1, 600 + (i % 400), Reason.Overloaded, 1, 2, now: i);
                lane.ClientClosed(0);
            }
        });
        writer.Start();
        long seen = 0;
        while (writer.IsAlive)
        {
            StatsTotals sum = stats.Sum();
            Assert.InRange(sum.ClientsOpen, 0, 1);
            Assert.InRange(stats.OpenOf(0), 0, 1);
            Assert.True(sum.ClientsAccepted >= sum.ClientsOpen);
            RequestTotals route = Route(stats, 1);
            Assert.InRange(route.InFlight, 0, 1);
            Assert.True(route.Requests >= seen);
            seen = route.Requests;
        }
        RequestTotals last = Route(stats, 1);
        Assert.Equal((200_000, 200_000, 500), (last.Requests, last.WithReason(Reason.Overloaded), last.WithStatus(700)));
    }

    [Fact]
    public void Counting_allocates_nothing_once_a_status_was_seen()
    {
        var stats = new GateStats(1, 1, 1);
        LaneStats lane = stats.ForLane(0);
        lane.Finished(1, 418, Reason.None, 0, 0, now: 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            lane.Began(1);
            lane.Finished(1, i % 2 == 0 ? 200 : 418, Reason.None, 1, 1, now: i * 10);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static RequestTotals Route(GateStats stats, int route)
    {
        var totals = new RequestTotals();
        stats.AddRouteTo(route, totals);
        return totals;
    }

    private static void AssertIs(RequestTotals totals, List<(int, int, int Status, Reason Reason, int Bytes)> exchanges)
    {
        Assert.Equal(exchanges.Count, totals.Requests);
        Assert.Equal(0, totals.InFlight);
        Assert.Equal(exchanges.Sum(e => (long)e.Bytes), totals.BytesIn);
        Assert.Equal(exchanges.Sum(e => e.Bytes * 2L), totals.BytesOut);
        for (int status = LaneStats.StatusMin; status <= LaneStats.StatusMax; status++)
        {
            Assert.Equal(exchanges.Count(e => e.Status == status), totals.WithStatus(status));
        }
        Assert.All(Enum.GetValues<Reason>(),
            reason => Assert.Equal(exchanges.Count(e => e.Reason == reason), totals.WithReason(reason)));
    }
}
