using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>How long requests of a route that hedges wait for the head of their answer, on one lane: of the last
/// minute, read anew a few times a second. Only its thread.
/// <para>A request counts once, from its first copy sent to the head that won. That it took longer than the delay is
/// then as true as it were without the second copy, so that as many are sent twice as the percentile says. If the
/// winner's own time counted, slow first copies would disappear from what is measured, the delay would fall, and more
/// would be sent twice: nearly twice as many where times are exponential.</para></summary>
internal sealed class HeadTimes
{
    /// <summary>Fewer answers say nothing of one in twenty.</summary>
    public const int CountMin = 20;

    private const long ReadEveryMs = 250;
    private const long Unknown = -1;

    private readonly WindowHistogram _histogram = new();
    private readonly HistogramReading _reading = new();
    private long _readAt = long.MinValue;
    private long _delayMs;
    private int _percent;

    /// <param name="now">The lane's milliseconds.</param>
    /// <param name="microseconds">How long it was.</param>
    public void Record(long now, long microseconds) => _histogram.Record(now, microseconds);

    /// <summary>What so many of a hundred do not exceed, in whole milliseconds, at least 1.</summary>
    /// <returns>False while too little is known.</returns>
    public bool TryDelay(int percent, long now, out long milliseconds)
    {
        if (_readAt == long.MinValue || now - _readAt >= ReadEveryMs)
        {
            _percent = 0;
            _readAt = now;
            _reading.Clear();
            _histogram.AddTo(_reading, now);
        }
        if (percent != _percent)
        {
            _percent = percent;
            _delayMs = _reading.Count >= CountMin ? (_reading.Percentile(percent, 100)!.Value / 1_000) + 1 : Unknown;
        }
        milliseconds = _delayMs;
        return _delayMs != Unknown;
    }
}
