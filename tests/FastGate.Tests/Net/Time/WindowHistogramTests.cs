using CsCheck;
using FastGate.Net.Time;

namespace FastGate.Tests.Net.Time;

public sealed class WindowHistogramTests
{
    private static readonly Gen<long> s_duration =
        Gen.OneOf(Gen.Long[0, 20], Gen.Long[0, 10_000], Gen.Long[0, WindowHistogram.MicrosecondsMax]);

    [Fact]
    public void Every_bucket_holds_its_own_middle_and_buckets_are_in_order()
    {
        for (int i = 0; i < WindowHistogram.Buckets; i++)
        {
            Assert.Equal(i, WindowHistogram.BucketOf(WindowHistogram.ValueOf(i)));
            Assert.True(i == 0 || WindowHistogram.ValueOf(i) > WindowHistogram.ValueOf(i - 1));
        }
        Assert.Equal(WindowHistogram.Buckets - 1, WindowHistogram.BucketOf(WindowHistogram.MicrosecondsMax));
    }

    /// <summary>The slow twin sorts what was recorded.</summary>
    [Fact]
    public void Percentiles_are_those_of_the_sorted_values_within_7_percent() =>
        s_duration.List[1, 500].Sample(durations =>
        {
            var histogram = new WindowHistogram();
            durations.ForEach(duration => histogram.Record(now: 5, duration));
            HistogramReading reading = Read(histogram, now: 5);
            long[] sorted = [.. durations.Order()];
            Assert.Equal(sorted.Length, reading.Count);
            Assert.Equal(sorted[^1], reading.Max);
            foreach ((int share, int of) in (ReadOnlySpan<(int, int)>)[(50, 100), (90, 100), (99, 100), (999, 1000)])
            {
                long exact = sorted[((sorted.Length * share) + of - 1) / of - 1];
                long read = reading.Percentile(share, of)!.Value;
                Assert.InRange(read, exact - (exact * 0.07), exact + (exact * 0.07));
                Assert.True(read <= reading.Max);
            }
        });

    [Fact]
    public void Nothing_recorded_has_no_percentiles()
    {
        HistogramReading reading = Read(new WindowHistogram(), now: 100_000);
        Assert.Equal((0, 0, null), (reading.Count, reading.Max, reading.Percentile(50, 100)));
    }

    [Fact]
    public void What_is_longer_than_the_last_bucket_counts_as_so_long()
    {
        var histogram = new WindowHistogram();
        histogram.Record(now: 0, long.MaxValue);
        histogram.Record(now: 0, -5);
        HistogramReading reading = Read(histogram, now: 0);
        Assert.Equal((2, WindowHistogram.MicrosecondsMax), (reading.Count, reading.Max));
        Assert.Equal(0, reading.Percentile(50, 100));
    }

    /// <summary>The slow twin keeps everything with its time.</summary>
    [Fact]
    public void A_reading_has_everything_of_the_last_45_seconds_and_nothing_older_than_60() =>
        Gen.Select(Gen.Long[0, 20_000], Gen.Long[0, 1000]).List[1, 60].Sample(steps =>
        {
            var histogram = new WindowHistogram();
            List<long> times = [];
            long now = 0;
            foreach ((long wait, long duration) in steps)
            {
                now += wait;
                histogram.Record(now, duration);
                times.Add(now);
                long count = Read(histogram, now).Count;
                Assert.InRange(count, times.Count(time => time >= now - 45_000), times.Count(time => time > now - 60_000));
            }
        });

    [Fact]
    public void When_nobody_records_or_reads_for_an_hour_nothing_old_is_left()
    {
        var histogram = new WindowHistogram();
        for (long now = 0; now < 60_000; now += 1000)
        {
            histogram.Record(now, 7_000_000);
        }
        Assert.Equal(0, Read(histogram, now: 3_600_000).Count);
        histogram.Record(now: 3_600_000, 3);
        HistogramReading reading = Read(histogram, now: 3_600_001);
        Assert.Equal((1, 3), (reading.Count, reading.Max));
    }

    [Fact]
    public void Histograms_of_several_threads_add_up()
    {
        WindowHistogram[] histograms = [new(), new(), new()];
        for (int i = 0; i < histograms.Length; i++)
        {
            for (int n = 0; n <= i; n++)
            {
                histograms[i].Record(now: 0, 10 * (i + 1));
            }
        }
        var reading = new HistogramReading();
        foreach (WindowHistogram histogram in histograms)
        {
            histogram.AddTo(reading, now: 0);
        }
        Assert.Equal((6, 30), (reading.Count, reading.Max));
        Assert.Equal(10, reading.Percentile(1, 6));
        reading.Clear();
        Assert.Equal((0, 0), (reading.Count, reading.Max));
    }

    /// <summary>The writer's minutes fly, so that parts are replaced under the reader's eyes all the time.</summary>
    [Fact]
    public void A_reader_beside_the_writer_never_sees_more_than_a_minute_can_hold()
    {
        const int PerPart = 100;
        const int Rounds = 30_000;
        var histogram = new WindowHistogram();
        long clock = 0;
        var writer = new Thread(() =>
        {
            for (long part = 0; part < Rounds; part++)
            {
                Volatile.Write(ref clock, part * 15_000);
                for (int i = 0; i < PerPart; i++)
                {
                    histogram.Record(part * 15_000, part & 1023);
                }
            }
        });
        writer.Start();
        while (writer.IsAlive)
        {
            HistogramReading reading = Read(histogram, Volatile.Read(ref clock));
            Assert.InRange(reading.Count, 0, 4 * PerPart);
            Assert.InRange(reading.Max, 0, 1023);
        }
        Assert.Equal(4 * PerPart, Read(histogram, (Rounds - 1) * 15_000L).Count);
    }

    [Fact]
    public void Recording_allocates_nothing()
    {
        var histogram = new WindowHistogram();
        histogram.Record(0, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (long now = 0; now < 200_000; now += 100)
        {
            histogram.Record(now, now);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static HistogramReading Read(WindowHistogram histogram, long now)
    {
        var reading = new HistogramReading();
        histogram.AddTo(reading, now);
        return reading;
    }
}
