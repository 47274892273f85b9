using FastGate.Net.Time;

namespace FastGate.Net.Async;

/// <summary>A wait for a time on a lane, one after the other.</summary>
public sealed class LanePause(Lane lane) : LaneTimer
{
    private readonly LaneSource<bool> _source = new();

    public LaneTask<bool> WaitAsync(long milliseconds)
    {
        lane.AssertCurrent();
        lane.Deadlines.Set(this, lane.Now + milliseconds);
        return _source.Begin();
    }

    protected internal override void OnDue() => _source.CompleteQueued(true, lane);
}
