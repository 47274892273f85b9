using FastGate.Gateway.Stats;
using FastGate.Net.Time;

namespace FastGate.Tests.Stats;

[Collection(Alone.Name)]
public sealed class GcPausesTests
{
    private const int BoundMs = 10_000;

    [Fact]
    public void Every_collection_is_counted_with_what_it_took()
    {
        GcPauses pauses = GcPauses.Watch();
        Assert.Same(pauses, GcPauses.Watch());
        for (int i = 1; i <= 3; i++)
        {
            // The finalizer of the one before must have made the next one's sentinel.
            long counted = Read(pauses).Count;
            int collected = GC.CollectionCount(0);
            GC.Collect(0);
            Assert.True(SpinWait.SpinUntil(
                () => Read(pauses).Count - counted >= GC.CollectionCount(0) - collected, BoundMs), "not counted");
        }
        HistogramReading reading = Read(pauses);
        Assert.True(reading.Count >= 3);
        Assert.InRange(reading.Max, 1, GC.GetTotalPauseDuration().TotalMicroseconds);
    }

    private static HistogramReading Read(GcPauses pauses)
    {
        var reading = new HistogramReading();
        pauses.AddTo(reading);
        return reading;
    }
}
