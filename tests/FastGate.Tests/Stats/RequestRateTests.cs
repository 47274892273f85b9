using CsCheck;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

public sealed class RequestRateTests
{
    /// <summary>The slow twin keeps the time of every request.</summary>
    [Fact]
    public void A_reading_has_the_requests_of_the_last_minute_whoever_read_before() =>
        Gen.Select(Gen.Long[0, 5000], Gen.Int[1, 20], Gen.Bool).List[1, 80].Sample(steps =>
        {
            var rate = new RequestRate();
            List<long> times = [];
            long now = 1_000;
            foreach ((long wait, int requests, bool reads) in steps)
            {
                now += wait;
                for (int i = 0; i < requests; i++)
                {
                    rate.Count(now);
                    times.Add(now);
                }
                if (reads)
                {
                    Assert.Equal(times.Count(time => time >= RequestRate.WindowStart(now)), Read(rate, now).Requests);
                }
            }
            Assert.Equal(times.Count, rate.Requests);
        });

    [Fact]
    public void The_window_is_a_minute_of_whole_seconds()
    {
        Assert.Equal(0, RequestRate.WindowStart(0));
        Assert.Equal(0, RequestRate.WindowStart(59_999));
        Assert.Equal(1_000, RequestRate.WindowStart(60_000));
        Assert.Equal(541_000, RequestRate.WindowStart(600_999));
    }

    [Fact]
    public void After_an_hour_without_requests_or_readers_the_rate_is_zero_and_then_right()
    {
        var rate = new RequestRate();
        for (long now = 0; now < 100_000; now += 10)
        {
            rate.Count(now);
        }
        Assert.Equal(0, Read(rate, 3_700_000).Requests);
        rate.Count(3_700_000);
        rate.Count(3_700_500);
        Assert.Equal(2, Read(rate, 3_700_900).Requests);
        Assert.Equal(10_002, rate.Requests);
    }

    [Fact]
    public void Allocated_bytes_are_those_between_the_first_and_the_last_second_that_had_requests()
    {
        var rate = new RequestRate();
        rate.Count(1_000);
        byte[] kept = new byte[100_000];
        rate.Count(1_500);
        Assert.Equal((0, 0), (Read(rate, 1_500).MeasuredRequests, Read(rate, 1_500).AllocatedBytes));
        rate.Count(2_000);
        // What comes after the last second began is not known yet.
        byte[] later = new byte[500_000];
        RateReading reading = Read(rate, 2_100);
        Assert.Equal((3, 2), (reading.Requests, reading.MeasuredRequests));
        Assert.InRange(reading.AllocatedBytes, 100_000, 200_000);
        GC.KeepAlive(kept);
        GC.KeepAlive(later);
    }

    [Fact]
    public void A_reader_beside_the_writer_sees_no_torn_second()
    {
        const int PerSecond = 5;
        const int Seconds = 100_000;
        var rate = new RequestRate();
        long clock = 0;
        var writer = new Thread(() =>
        {
            for (long second = 0; second < Seconds; second++)
            {
                Volatile.Write(ref clock, second * 1000);
                for (int i = 0; i < PerSecond; i++)
                {
                    rate.Count(second * 1000);
                }
            }
        });
        writer.Start();
        while (writer.IsAlive)
        {
            // In this order: whatever is finished after the time was read is in the difference.
            long before = rate.Requests;
            long now = Volatile.Read(ref clock);
            RateReading reading = Read(rate, now);
            // What was finished in the window, and at most what was finished while it was read.
            Assert.InRange(reading.Requests, 0, (RequestRate.WindowSeconds * PerSecond) + rate.Requests - before + PerSecond);
            Assert.InRange(reading.MeasuredRequests, 0, RequestRate.WindowSeconds * PerSecond);
        }
        Assert.Equal(RequestRate.WindowSeconds * PerSecond, Read(rate, (Seconds - 1) * 1000L).Requests);
    }

    private static RateReading Read(RequestRate rate, long now)
    {
        var reading = new RateReading();
        rate.AddTo(ref reading, now);
        return reading;
    }
}
