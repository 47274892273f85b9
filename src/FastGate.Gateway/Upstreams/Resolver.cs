using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using FastGate.Gateway.Stats;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Upstreams;

/// <summary>Keeps the addresses of servers that are names: asks the system's resolver off the lanes, again and again. A
/// failure never stops anything: what worked last stays, and a name that never resolved answers 502
/// <c>dns_error</c>.</summary>
internal sealed class Resolver : LaneTimer
{
    /// <summary>The system's resolver does not tell how long an answer is good for.</summary>
    private const long EveryMs = 30_000;
    private const long RetryMs = 2_000;

    private readonly Server _server;
    private readonly ProcessLog _log;
    private readonly Lane _lane;
    private bool _failing;

    private Resolver(Server server, Lane lane, ProcessLog log)
    {
        _server = server;
        _lane = lane;
        _log = log;
    }

    /// <summary>Resolves every name of <paramref name="upstreams"/> from now on, driven by
    /// <paramref name="lane"/>.</summary>
    public static void Start(IEnumerable<Upstream> upstreams, Lane lane, ProcessLog log)
    {
        foreach (Upstream upstream in upstreams)
        {
            foreach (Server server in upstream.Servers)
            {
                if (server.Address.Kind == ServerAddressKind.Name)
                {
                    lane.Post(new LaneAction(new Resolver(server, lane, log).OnDue));
                }
            }
        }
    }

    protected override void OnDue() => ResolveAsync().Forget();

    private async LaneTask ResolveAsync()
    {
        string? error;
        try
        {
            error = await _lane.OffloadAsync(Ask, (_server, _lane.Now));
        }
        catch (Exception bug)
        {
            // It costs this answer, and not the ones that follow.
            _lane.Escaped?.Invoke(bug);
            error = bug.Message;
        }
        if (error is not null && !_failing)
        {
            _log.Warn($"cannot resolve {_server.Address.Host}: {error}");
        }
        else if (error is null && _failing)
        {
            _log.Info($"{_server.Address.Host} resolves again");
        }
        _failing = error is not null;
        _lane.Deadlines.Set(this, _lane.Now + (_failing ? RetryMs : EveryMs));
    }

    /// <summary>Also tells the server, for that may build the tables of a large group anew.</summary>
    private static string? Ask((Server Server, long Now) state)
    {
        try
        {
            IPAddress[] found = Dns.GetHostAddresses(state.Server.Address.Host!);
            state.Server.SetAddresses(found, state.Now);
            return found.Length == 0 ? "no addresses" : null;
        }
        catch (SocketException exception)
        {
            return exception.Message;
        }
    }
}
