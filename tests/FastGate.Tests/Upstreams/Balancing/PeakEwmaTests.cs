using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Balancing;

namespace FastGate.Tests.Upstreams.Balancing;

public sealed class PeakEwmaTests
{
    private const long Start = 5_000;

    [Fact]
    public void A_peak_is_believed_at_once()
    {
        long ewma = PeakEwma.After(0, 1_000, Start);
        Assert.Equal(1_000, PeakEwma.At(ewma, Start));
        ewma = PeakEwma.After(ewma, 50_000, Start);
        Assert.Equal(50_000, PeakEwma.At(ewma, Start));
    }

    [Fact]
    public void It_falls_by_the_time_that_has_passed()
    {
        long ewma = PeakEwma.After(0, 100_000, Start);
        Assert.Equal(100_000, PeakEwma.At(PeakEwma.After(ewma, 1_000, Start), Start));
        double later = PeakEwma.At(PeakEwma.After(ewma, 1_000, Start + 10_000), Start + 10_000);
        Assert.Equal((100_000 * Math.Exp(-1)) + (1_000 * (1 - Math.Exp(-1))), later, 1.0);
    }

    [Fact]
    public void Steady_answers_keep_it_where_it_is()
    {
        long ewma = 0;
        for (int i = 0; i < 1_000; i++)
        {
            ewma = PeakEwma.After(ewma, 3_000, Start + (i * 7));
        }
        Assert.Equal(3_000, PeakEwma.At(ewma, Start + 6_993), 1.0);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(499)]
    [InlineData(501)]
    [InlineData(10_000)]
    [InlineData(60_000)]
    public void It_fades_while_nobody_asks(int milliseconds)
    {
        long ewma = PeakEwma.After(0, 100_000, Start);
        double wanted = 100_000 * Math.Exp(-milliseconds / 10_000.0);
        Assert.Equal(wanted, PeakEwma.At(ewma, Start + milliseconds), wanted * 0.002);
        Assert.True(PeakEwma.At(ewma, Start + milliseconds) < PeakEwma.At(ewma, Start + milliseconds - 20));
    }

    [Fact]
    public void At_last_nothing_is_known_any_more() =>
        Assert.Equal(0, PeakEwma.At(PeakEwma.After(0, 100_000, Start), Start + 3_600_000));

    [Fact]
    public void A_clock_that_is_a_moment_behind_sees_it_unfaded() =>
        Assert.Equal(100_000, PeakEwma.At(PeakEwma.After(0, 100_000, Start), Start - 3));

    [Fact]
    public void The_clock_s_32_bits_may_turn_over()
    {
        long before = uint.MaxValue - 1_000L;
        long ewma = PeakEwma.After(0, 100_000, before);
        Assert.Equal(100_000 * Math.Exp(-0.5), PeakEwma.At(ewma, before + 5_000), 100.0);
    }

    [Fact]
    public void Failures_multiply_up_to_a_minute()
    {
        long ewma = PeakEwma.After(0, 1_000, Start);
        foreach (double wanted in (double[])[4_000, 16_000, 64_000, 256_000, 1_024_000, 4_096_000, 16_384_000, 60_000_000])
        {
            ewma = PeakEwma.AfterFailure(ewma, 10, Start);
            Assert.Equal(wanted, PeakEwma.At(ewma, Start));
        }
        ewma = PeakEwma.AfterFailure(ewma, 10, Start);
        Assert.Equal(60_000_000, PeakEwma.At(ewma, Start));
    }

    [Fact]
    public void A_failure_that_took_long_counts_as_long() =>
        Assert.Equal(30_000_000, PeakEwma.At(PeakEwma.AfterFailure(PeakEwma.After(0, 1_000, Start), 30_000_000, Start), Start));

    [Fact]
    public void A_failure_of_a_server_of_which_nothing_is_known_is_a_tenth_of_a_second() =>
        Assert.Equal(100_000, PeakEwma.At(PeakEwma.AfterFailure(0, 0, Start), Start));

    [Theory]
    [InlineData(Outcome.Answered, 2_000, 10_000)]
    [InlineData(Outcome.Answered, 30_000, 30_000)]
    [InlineData(Outcome.Answered, -1, 10_000)]
    [InlineData(Outcome.ServerError, 100, 40_000)]
    [InlineData(Outcome.ServerError, -1, 40_000)]
    [InlineData(Outcome.Failed, -1, 40_000)]
    [InlineData(Outcome.Abandoned, 2_000, 10_000)]
    [InlineData(Outcome.Abandoned, 30_000, 30_000)]
    [InlineData(Outcome.Abandoned, -1, 10_000)]
    public void What_an_exchange_tells_of_a_server(Outcome outcome, long latencyUs, double wanted)
    {
        var load = new LaneLoad(2);
        load.Finished(1, 10_000, Outcome.Answered, Start);
        load.Finished(1, latencyUs, outcome, Start);
        Assert.Equal(wanted, PeakEwma.At(load.Latency(1), Start));
        Assert.Equal(0, load.Latency(0));
    }
}
