using FastGate.Net.Time;

namespace FastGate.Gateway.Upstreams;

/// <summary>How long the servers of an upstream take to the head of an answer, for one lane that hedges: of the last
/// minute, read anew a few times a second. Only its thread.</summary>
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

    /// <summary>Of the server that answered, so that one which is slow and was passed by does not count.</summary>
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
