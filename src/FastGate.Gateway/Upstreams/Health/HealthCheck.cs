using FastGate.Gateway.Upstreams.Balancing;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Upstreams.Health;

/// <summary>Asks one server again and again whether it works, and says when that has changed. One lane does it for the
/// process; checks are spread over the lanes and over time, and each comes a little sooner than it must, by chance, so
/// that servers and gates do not fall into step.</summary>
internal sealed class HealthCheck : LaneTimer
{
    /// <summary>The part of an interval by which a check may come sooner.</summary>
    private const double JitterShare = 0.2;

    /// <summary>Multiples of it, whole parts left out, divide an interval evenly whatever their number.</summary>
    private const double GoldenRatio = 0.6180339887498949;

    private readonly Server _server;
    private readonly Upstream _upstream;
    private readonly HealthOptions _options;
    private readonly Lane _lane;
    private readonly HealthProbe _probe;
    private SplitMix _random = new((ulong)Random.Shared.NextInt64());
    private bool _isDown;
    private int _contradictions;

    private HealthCheck(Server server, Upstream upstream, Transport transport, Lane lane)
    {
        _server = server;
        _upstream = upstream;
        _options = upstream.Options.Health!;
        _lane = lane;
        _probe = new HealthProbe(transport, lane, server, _options);
    }

    /// <summary>Checks every server of <paramref name="upstreams"/> that have <c>health</c>, from now on.</summary>
    public static void Start(IEnumerable<Upstream> upstreams, Transport transport)
    {
        double part = Random.Shared.NextDouble();
        int lanes = 0;
        foreach (Upstream upstream in upstreams)
        {
            if (upstream.Options.Health is not { } options)
            {
                continue;
            }
            foreach (Server server in upstream.Servers)
            {
                Lane lane = transport.Lanes[lanes++ % transport.Lanes.Count];
                var check = new HealthCheck(server, upstream, transport, lane);
                long firstMs = (long)(part * options.EveryMs);
                part = (part + GoldenRatio) % 1;
                lane.Post(new LaneAction(() => lane.Deadlines.Set(check, lane.Now + firstMs)));
            }
        }
    }

    protected override void OnDue() => CheckAsync(_lane.Now).Forget();

    private async LaneTask CheckAsync(long from)
    {
        try
        {
            // A name that was never resolved says so itself.
            if (_server.Addresses.Length > 0 && await _probe.AskAsync() is var trouble
                && trouble != HealthProbe.NotAsked)
            {
                _server.LastCheck = _lane.Now;
                await NoteAsync(trouble);
            }
        }
        catch (Exception bug)
        {
            _lane.Escaped?.Invoke(bug);
        }
        _lane.Deadlines.Set(this, Math.Max(_lane.Now + 1, from + NextMs()));
    }

    /// <summary>Results that agree with what is known change nothing; so many in a row that do not change it.</summary>
    private async LaneTask NoteAsync(string? trouble)
    {
        bool isGood = trouble is null;
        if (isGood != _isDown)
        {
            _contradictions = 0;
            return;
        }
        if (++_contradictions < (isGood ? _options.Rise : _options.Fall))
        {
            return;
        }
        _contradictions = 0;
        _isDown = !isGood;
        if (isGood)
        {
            // First, so that the server is shown, and is used, as up at once.
            await _server.RecoverAsync(_lane);
        }
        await _upstream.SetStateAsync(_lane, _server, StateVoice.Health,
            isGood ? ServerState.Up : ServerState.Down, trouble ?? "check_passed");
    }

    /// <summary>A server that is down is asked <c>rise</c> times as often, so that one that returns is back within
    /// <c>every</c>.</summary>
    private long NextMs()
    {
        double longest = (double)_options.EveryMs / (_isDown ? _options.Rise : 1);
        return Math.Max(1, (long)(longest * (1 - (JitterShare * _random.Share()))));
    }
}
