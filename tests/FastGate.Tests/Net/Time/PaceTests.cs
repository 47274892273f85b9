using FastGate.Net.Time;

namespace FastGate.Tests.Net.Time;

public sealed class PaceTests
{
    [Fact]
    public void Waiting_is_paid_from_a_credit_that_bytes_earn_back()
    {
        var pace = new Pace(bytesPerSecond: 100, graceMs: 10_000, creditMaxMs: 60_000);
        Assert.Equal(10_500, pace.DueFrom(500));
        pace.Waited(8_000);
        Assert.Equal(2_000, pace.DueFrom(0));
        pace.Moved(300);
        Assert.Equal(5_000, pace.DueFrom(0));
        pace.Waited(7_000);
        Assert.Equal(42, pace.DueFrom(42));
    }

    [Fact]
    public void A_fast_beginning_buys_no_more_than_the_bound()
    {
        var pace = new Pace(bytesPerSecond: 100, graceMs: 10_000, creditMaxMs: 60_000);
        pace.Moved(1_000_000_000);
        Assert.Equal(60_000, pace.DueFrom(0));
        pace.Waited(60_000);
        pace.Moved(1);
        Assert.Equal(10, pace.DueFrom(0));
    }

    [Fact]
    public void The_grace_is_had_even_where_the_bound_is_less()
    {
        var pace = new Pace(bytesPerSecond: 100, graceMs: 10_000, creditMaxMs: 1_000);
        Assert.Equal(10_000, pace.DueFrom(0));
    }

    [Fact]
    public void Without_a_rate_it_is_never_due()
    {
        Pace pace = default;
        pace.Moved(1);
        pace.Waited(1_000_000);
        Assert.False(pace.IsBound);
        Assert.Equal(LaneTimer.Never, pace.DueFrom(0));
    }
}
