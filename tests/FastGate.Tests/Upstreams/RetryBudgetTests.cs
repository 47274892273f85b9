using CsCheck;
using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Upstreams;

public sealed class RetryBudgetTests
{
    private const long PerSecond = 86_400;

    [Fact]
    public void A_share_of_the_requests_may_be_tried_again()
    {
        var budget = new RetryBudget(1);
        budget.Open(0);
        Assert.False(budget.TrySpend(0, 1_000));
        for (int i = 0; i < 12; i++)
        {
            budget.Earn(0, 20, 1_000);
        }
        Assert.Equal(2, budget.Left(1_000));
        Assert.True(budget.TrySpend(0, 1_000));
        Assert.True(budget.TrySpend(0, 1_000));
        Assert.False(budget.TrySpend(0, 1_000));
        Assert.Equal((2, 0), budget.Sum());
        Assert.Equal(0, budget.Left(1_000));
    }

    [Theory]
    [InlineData(4_999, 1)]
    [InlineData(5_000, 1)]
    [InlineData(9_999, 1)]
    [InlineData(10_000, 0)]
    public void What_was_earned_is_gone_after_ten_seconds(long later, long left)
    {
        const long Now = 100_000;
        var budget = new RetryBudget(1);
        budget.Open(0);
        budget.Earn(0, 100, Now);
        Assert.Equal(left, budget.Left(Now + later));
        Assert.Equal(left > 0, budget.TrySpend(0, Now + later));
    }

    [Fact]
    public void What_is_lost_sooner_is_spent_first()
    {
        var budget = new RetryBudget(1);
        budget.Open(0);
        budget.Earn(0, 100, 5_000);
        budget.Earn(0, 100, 10_000);
        Assert.True(budget.TrySpend(0, 10_001));
        Assert.Equal(1, budget.Left(15_500));
        Assert.True(budget.TrySpend(0, 15_500));
    }

    [Fact]
    public void The_floor_needs_no_traffic_and_is_the_whole_process_s()
    {
        var budget = new RetryBudget(4);
        budget.Open(3 * PerSecond);
        Assert.Equal(3, budget.Left(1_000));
        for (int lane = 0; lane < 3; lane++)
        {
            Assert.True(budget.TrySpend(lane, 1_000));
        }
        Assert.False(budget.TrySpend(3, 1_000));
        Assert.False(budget.TrySpend(3, 1_333));
        Assert.True(budget.TrySpend(3, 1_334));
        // However long nobody asks, it is a second of it at most.
        Assert.Equal(3, budget.Left(3_600_000));
    }

    [Fact]
    public void A_floor_of_less_than_one_a_second_is_one_at_once_and_then_its_rate()
    {
        var budget = new RetryBudget(1);
        budget.Open(6 * 1_440);
        Assert.True(budget.TrySpend(0, 1));
        Assert.False(budget.TrySpend(0, 10_000));
        Assert.True(budget.TrySpend(0, 10_001));
    }

    [Fact]
    public void Of_several_floors_the_highest_counts()
    {
        var budget = new RetryBudget(1);
        budget.Open(PerSecond);
        budget.Open(0);
        budget.Open(5 * PerSecond);
        budget.Open(2 * PerSecond);
        Assert.Equal(5, budget.Left(1_000));
    }

    [Fact]
    public void What_costs_nothing_is_counted_apart()
    {
        var budget = new RetryBudget(2);
        budget.CountFree(1);
        Assert.Equal((0, 1), budget.Sum());
        Assert.False(budget.IsOn);
    }

    /// <summary>The promise of the contract, whatever the traffic: never more than the share of the requests so far, the
    /// floor's rate, and a second of it.</summary>
    [Fact]
    public void It_never_gives_more_than_it_says()
    {
        var step = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 3_000], Gen.Int[0, 30], Gen.Int[0, 30]);
        Gen.Select(Gen.Int[1, 100], Gen.Long[0, 10], step.Array[1, 60]).Sample((percent, floor, steps) =>
        {
            var budget = new RetryBudget(3);
            budget.Open(floor * PerSecond);
            long now = 1_000;
            long requests = 0;
            long spent = 0;
            foreach ((int lane, int laterMs, int earns, int spends) in steps)
            {
                now += laterMs;
                for (int i = 0; i < earns; i++, requests++)
                {
                    budget.Earn(lane, percent, now);
                }
                long left = budget.Left(now);
                for (int i = 0; i < spends && budget.TrySpend(lane, now); i++)
                {
                    spent++;
                    left--;
                }
                Assert.True(left >= 0, "more than it showed");
                double most = (requests * percent / 100.0) + (floor * (now - 1_000) / 1_000.0) + floor;
                Assert.True(spent <= most + 1e-6, $"{spent} of {most}");
            }
            Assert.Equal(spent, budget.Sum().Charged);
        }, iter: 2_000);
    }
}
