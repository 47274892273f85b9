namespace FastGate.Net.Buffers;

/// <summary>What the connections of one lane hold, added up: buffers that are out, and what their owners charge for
/// themselves. It refuses nobody, for who asks for a buffer has bytes waiting already; whoever keeps the bound is told
/// as soon as it is passed, and makes room.</summary>
public sealed class LaneMemory
{
    /// <summary>A bound that is passed is told again after so much more of it.</summary>
    private const int StepsOfMax = 64;

    private readonly Lane _lane;
    private long _alarm = long.MaxValue;

    internal LaneMemory(Lane lane) => _lane = lane;

    /// <summary>Bytes charged now.</summary>
    public long Used { get; private set; }

    /// <summary>The bound, in bytes.</summary>
    public long Max
    {
        get;
        set
        {
            field = value;
            _alarm = value;
        }
    } = long.MaxValue;

    public bool IsOver => Used > Max;

    /// <summary>Less than an eighth of the bound is left.</summary>
    public bool IsNear => Used > Max - (Max / 8);

    /// <summary>Runs from the ready queue when the bound is passed.</summary>
    public LaneWork? Passed { get; set; }

    public void Take(long bytes)
    {
        Used += bytes;
        if (Used > _alarm)
        {
            Alarm();
        }
    }

    public void Give(long bytes)
    {
        Used -= bytes;
        if (_alarm > Max && Used <= Max)
        {
            _alarm = Max;
        }
    }

    /// <summary>Told now, and not for every buffer that follows: looking for room is work.</summary>
    private void Alarm()
    {
        _lane.AssertCurrent();
        _alarm = Used + (Max / StepsOfMax);
        if (Passed is { IsQueued: false } passed)
        {
            _lane.Enqueue(passed);
        }
    }
}
