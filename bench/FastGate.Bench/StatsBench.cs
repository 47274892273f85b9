using BenchmarkDotNet.Attributes;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Net.Time;

namespace FastGate.Bench;

/// <summary>What counting costs a lane: an exchange of a route, the try with its server, and a turn of the event
/// loop.</summary>
[MemoryDiagnoser]
public class StatsBench
{
    private const int Routes = 100;

    private readonly LaneStats _lane = new(Routes, listeners: 1);
    private readonly ServerStats _server = new(laneCount: 1);
    private readonly WindowHistogram _histogram = new();
    private long _now;

    /// <summary>A route after the other, a thousand a second.</summary>
    [Benchmark]
    public void Exchange()
    {
        int route = 1 + (int)(_now % Routes);
        _lane.Began(route);
        _lane.Finished(route, 200, Reason.None, 0, 128, _now++);
    }

    /// <summary>One that is not among the common statuses, and went wrong.</summary>
    [Benchmark]
    public void FailedExchange()
    {
        int route = 1 + (int)(_now % Routes);
        _lane.Began(route);
        _lane.Finished(route, 431, Reason.HeadTooLarge, 0, 128, _now++);
    }

    [Benchmark]
    public void TryWithServer() => _server.Answered(0, latencyUs: 850 + (_now & 255), _now++);

    [Benchmark]
    public void Turn() => _histogram.Record(_now++, 20 + (_now & 63));
}
