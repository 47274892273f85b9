namespace FastGate.Gateway.Stats;

/// <summary>Turns the timestamps that durations are measured with into the time of day, so that an exchange reads one
/// clock and not two. Looks at the wall clock once a second at most, and so follows it when it is set. Belongs to one
/// thread.</summary>
internal sealed class WallClock
{
    private readonly TimeProvider _clock;
    private readonly long _frequency;
    private readonly long _ticksPerUs;
    private long _readAt;
    private long _unixUs;
    private bool _wasRead;

    public WallClock(TimeProvider? clock = null)
    {
        _clock = clock ?? TimeProvider.System;
        _frequency = _clock.TimestampFrequency;
        // 1 GHz on Linux, 10 MHz elsewhere: never a fraction.
        _ticksPerUs = Math.Max(1, _frequency / 1_000_000);
    }

    /// <summary>Microseconds since 1970, UTC, at a timestamp of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    public long UnixUs(long timestamp)
    {
        if (timestamp - _readAt >= _frequency || !_wasRead)
        {
            _readAt = _clock.GetTimestamp();
            _unixUs = (_clock.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
            _wasRead = true;
        }
        // Of either sign: a long exchange began before the last look.
        return _unixUs + (timestamp - _readAt) / _ticksPerUs;
    }
}
