namespace FastGate.Net.Time;

/// <summary>How slow a peer may be: time spent waiting for it is paid from a credit that every byte it moves earns
/// back. The credit is bounded, or a fast beginning would buy hours of next to nothing at the end.</summary>
public struct Pace
{
    private readonly long _bytesPerSecond;
    private readonly long _creditMax;
    private long _credit;

    /// <param name="bytesPerSecond">The slowest it may be for long; 0 is no bound.</param>
    /// <param name="graceMs">Its credit at first.</param>
    /// <param name="creditMaxMs">The most it can have, at least the grace.</param>
    public Pace(long bytesPerSecond, long graceMs, long creditMaxMs)
    {
        _bytesPerSecond = bytesPerSecond;
        _credit = graceMs;
        _creditMax = Math.Max(graceMs, creditMaxMs);
    }

    public readonly bool IsBound => _bytesPerSecond > 0;

    /// <summary>Until when it may be waited for from <paramref name="now"/> on, if nothing moves.</summary>
    public readonly long DueFrom(long now) => IsBound ? now + Math.Max(_credit, 0) : LaneTimer.Never;

    /// <summary>It was waited for.</summary>
    public void Waited(long milliseconds) => _credit -= milliseconds;

    /// <summary>It moved bytes, at most some gigabytes at a time.</summary>
    public void Moved(long bytes)
    {
        if (IsBound)
        {
            _credit = Math.Min(_creditMax, _credit + (bytes * 1000 / _bytesPerSecond));
        }
    }
}
