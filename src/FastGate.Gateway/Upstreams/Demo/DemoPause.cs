using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Upstreams.Demo;

/// <summary>A wait on a lane, one at a time.</summary>
internal sealed class DemoPause(Lane lane) : LaneTimer
{
    private readonly LaneSource<bool> _source = new();

    public ValueTask<bool> WaitAsync(long milliseconds)
    {
        lane.Deadlines.Set(this, lane.Now + milliseconds);
        return _source.Begin();
    }

    protected override void OnDue() => _source.CompleteInline(true);
}
