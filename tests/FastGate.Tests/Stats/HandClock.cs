namespace FastGate.Tests.Stats;

/// <summary>Time moved by hand: one tick of the timestamp is a nanosecond.</summary>
internal sealed class HandClock : TimeProvider
{
    public DateTimeOffset Utc { get; set; } = new(2026, 11, 23, 17, 0, 0, 123, TimeSpan.Zero);
    public long Timestamp { get; set; } = 5_000_000_000;
    public int Looks { get; private set; }

    public override long TimestampFrequency => 1_000_000_000;

    public override DateTimeOffset GetUtcNow()
    {
        Looks++;
        return Utc;
    }

    public override long GetTimestamp() => Timestamp;

    public void Advance(TimeSpan by)
    {
        Utc += by;
        Timestamp += by.Ticks * 100;
    }
}
