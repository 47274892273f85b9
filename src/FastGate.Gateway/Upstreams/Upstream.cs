using System.Text;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams.Balancing;
using FastGate.Gateway.Upstreams.Health;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Upstreams;

/// <summary>A group of servers that do the same work, shared by all lanes, with one connection pool per lane.</summary>
public sealed class Upstream
{
    /// <summary>Up to so many servers the tables are built on a lane; more would keep its connections
    /// waiting.</summary>
    private const int ServersOnLaneMax = 64;

    /// <summary>Longer than any tables take.</summary>
    private const int BuildMsMax = 1_000;

    private readonly ConnectionPool[] _pools;
    private HashRing? _ring;
    private readonly Lock _changing = new();
    private readonly int _ejectedMax;
    private volatile ServerSet _set;
    private bool _isStale;
    private bool _isBuilding;
    private int _ejected;

    public Upstream(UpstreamOptions options, Transport transport)
    {
        Options = options;
        Name = Encoding.UTF8.GetBytes(options.Name);
        Queue = new WaitQueue(options.Pool.QueueMax);
        RetryBudget = new RetryBudget(transport.Lanes.Count);
        Loads = new LaneLoad[transport.Lanes.Count];
        for (int i = 0; i < Loads.Length; i++)
        {
            Loads[i] = new LaneLoad(options.Servers.Count);
        }
        if (options.Eject.IsOn)
        {
            Failures = new LaneFailures[Loads.Length];
            for (int i = 0; i < Failures.Length; i++)
            {
                Failures[i] = new LaneFailures(options.Servers.Count, options.Eject.WindowMs);
            }
        }
        _ejectedMax = (int)((long)options.Servers.Count * options.Eject.MaxPercent / 100);
        Servers = new Server[options.Servers.Count];
        for (int i = 0; i < Servers.Length; i++)
        {
            Servers[i] = new Server(this, i, options.Servers[i]);
        }
        _ring = options.Balance == Balance.Hash ? new HashRing(options.Servers) : null;
        _set = ServerSet.Of(Servers, options, _ring);
        _pools = new ConnectionPool[transport.Lanes.Count];
        for (int i = 0; i < _pools.Length; i++)
        {
            _pools[i] = new ConnectionPool(this, transport, transport.Lanes[i]);
        }
    }

    public UpstreamOptions Options { get; }

    public byte[] Name { get; }

    public Server[] Servers { get; }

    /// <summary>Exchanges that wait for a connection, of all lanes.</summary>
    public WaitQueue Queue { get; }

    /// <summary>How often requests may go to another server.</summary>
    public RetryBudget RetryBudget { get; }

    public ConnectionPool PoolOf(Lane lane) => _pools[lane.Index];

    internal ReadOnlySpan<ConnectionPool> Pools => _pools;

    /// <summary>Connections to a server of this group that idle, on all lanes. Any thread.</summary>
    public int IdleOf(Server server)
    {
        int idle = 0;
        foreach (ConnectionPool pool in _pools)
        {
            idle += pool.IdleOf(server);
        }
        return idle;
    }

    /// <summary>What is under way at the servers, by lane.</summary>
    internal LaneLoad[] Loads { get; }

    /// <summary>What came of exchanges lately, by lane; null where nothing is ejected.</summary>
    internal LaneFailures[]? Failures { get; }

    /// <summary>Where changes of its servers' states are said; null for nowhere.</summary>
    internal ProcessLog? Log { get; set; }

    /// <summary>The servers that exchanges may go to now.</summary>
    internal ServerSet Set => _set;

    /// <summary>A server for an exchange that could connect to none of those in use: a backup that is up, or else one
    /// that is ejected, which may work again and is told so by nobody before its time is over. Not one that checks call
    /// down, for they also say when it is back; and none where it is rather nobody than one that is not up.</summary>
    /// <returns>Null for none.</returns>
    internal Server? LastResort(in TriedServers tried)
    {
        ServerSet set = _set;
        Server? ejected = null;
        int from = Random.Shared.Next(Servers.Length);
        for (int i = 0; i < Servers.Length; i++)
        {
            Server server = Servers[(from + i) % Servers.Length];
            if (tried.Contains(server.Index) || set.Contains(server))
            {
                continue;
            }
            ServerState state = server.Status.State;
            if (state == ServerState.Up)
            {
                return server;
            }
            if (state == ServerState.Ejected && Options.Eject.PanicPercent > 0)
            {
                ejected = server;
            }
        }
        return ejected;
    }

    /// <summary>One more server may be ejected; a moment old. Any thread.</summary>
    internal bool MayEject => Volatile.Read(ref _ejected) < _ejectedMax;

    /// <summary>Takes one of the ejections that the group may have at once.</summary>
    internal bool TryTakeEjection()
    {
        lock (_changing)
        {
            if (_ejected >= _ejectedMax)
            {
                return false;
            }
            _ejected++;
            return true;
        }
    }

    internal void ReturnEjection()
    {
        lock (_changing)
        {
            _ejected--;
        }
    }

    /// <summary>The same for a lane, which is not kept waiting while the tables of a large group are built.</summary>
    internal LaneTask SetStateAsync(Lane lane, Server server, StateVoice voice, ServerState state, string reason)
    {
        if (Servers.Length <= ServersOnLaneMax)
        {
            SetState(server, voice, state, reason, lane.Now);
            return default;
        }
        return Offload(lane.OffloadAsync(static change =>
        {
            change.Upstream.SetState(change.Server, change.Voice, change.State, change.Reason, change.Now);
            return true;
        }, (Upstream: this, Server: server, Voice: voice, State: state, Reason: reason, lane.Now)));

        static async LaneTask Offload(LaneTask<bool> work) => await work;
    }

    /// <summary>See <see cref="Server.SetState"/>.</summary>
    internal void SetState(Server server, StateVoice voice, ServerState state, string reason, long now)
    {
        ServerStatus before;
        ServerStatus after;
        bool builds;
        lock (_changing)
        {
            before = server.Status;
            bool isOther = server.Hear(voice, state, reason, now);
            after = server.Status;
            builds = TryBeginBuild(isOther);
        }
        try
        {
            // The resolver says itself what becomes of names.
            if (before.State != after.State && voice != StateVoice.Names)
            {
                Log?.Write(after.IsUsable ? LogLevel.Info : LogLevel.Warn, "a server's state has changed",
                    ("upstream", Options.Name), ("server", server.Address.Text), ("state", after.State.Word()),
                    ("reason", after.Reason));
            }
        }
        finally
        {
            // Whatever becomes of a line of the log: who said that he builds does.
            if (builds)
            {
                Build();
            }
        }
    }

    /// <summary>What an operator says of a server; every choice goes by it once this returns. One thread at a time,
    /// and none that serves requests: where keys are hashed the ring is built anew, and another thread that builds is
    /// waited for.</summary>
    /// <param name="server">Of this group.</param>
    /// <param name="state">Up takes back what was said before; null leaves it as it is.</param>
    /// <param name="weight">1 to <see cref="UpstreamServer.WeightMax"/>; null leaves it as it is.</param>
    /// <param name="now">In the lanes' milliseconds.</param>
    /// <returns>Whether anything is different now.</returns>
    internal bool Order(Server server, ServerState? state, int? weight, long now)
    {
        bool isStateNew = state is { } wanted && wanted != server.Said(StateVoice.Operator).State;
        bool isWeightNew = weight is { } share && share != server.Weight;
        if (!isStateNew && !isWeightNew)
        {
            return false;
        }
        // Outside of the lock, for it takes milliseconds, and lanes take the lock when a server fails.
        HashRing? ring = isWeightNew && _ring is not null
            ? new HashRing(Array.ConvertAll(Servers, each =>
                new UpstreamServer(each.Address, each == server ? weight!.Value : each.Weight, each.IsBackup)))
            : _ring;
        bool builds;
        lock (_changing)
        {
            bool isOther = isStateNew && server.Hear(StateVoice.Operator, state!.Value, "operator", now);
            if (isWeightNew)
            {
                server.Weight = weight!.Value;
                _ring = ring;
            }
            builds = TryBeginBuild(isOther || isWeightNew);
        }
        if (builds)
        {
            Build();
        }
        else
        {
            SpinWait.SpinUntil(() => !Volatile.Read(ref _isBuilding), BuildMsMax);
        }
        return true;
    }

    /// <summary>The lock is held.</summary>
    /// <returns>True when nobody builds already, who would build once more.</returns>
    private bool TryBeginBuild(bool isStale)
    {
        if (!isStale)
        {
            return false;
        }
        _isStale = true;
        bool builds = !_isBuilding;
        Volatile.Write(ref _isBuilding, true);
        return builds;
    }

    /// <summary>Publishes a new set, and once more while others change something: many that change at once build few
    /// times.</summary>
    private void Build()
    {
        while (true)
        {
            HashRing? ring;
            lock (_changing)
            {
                if (!_isStale)
                {
                    Volatile.Write(ref _isBuilding, false);
                    return;
                }
                _isStale = false;
                ring = _ring;
            }
            bool wasPanic = _set.IsPanic;
            _set = ServerSet.Of(Servers, Options, ring);
            // Either who queues from now on sees the new set, or he is seen here.
            Interlocked.MemoryBarrier();
            Publish(_set, wasPanic);
        }
    }

    private void Publish(ServerSet set, bool wasPanic)
    {
        foreach (Server each in set.Servers)
        {
            ServeQueue(each);
        }
        while (set.Count == 0 && Queue.TryDequeue() is { } waiter)
        {
            waiter.CompleteWithPermit(null);
        }
        if (wasPanic != set.IsPanic)
        {
            Log?.Write(set.IsPanic ? LogLevel.Error : LogLevel.Info,
                set.IsPanic
                    ? "too few servers are up: all are used"
                    : "enough servers are up again, or none may be used",
                ("upstream", Options.Name));
        }
    }

    /// <summary>Permits that are free go to whoever waits longest, who dials with them. Every way that gives one back
    /// looks at the queue afterwards, so that nobody waits beside a free permit. Any thread.</summary>
    internal void ServeQueue(Server server)
    {
        while (Queue.Count > 0 && _set.Contains(server) && server.TryTakePermit())
        {
            if (Queue.TryDequeue() is { } waiter)
            {
                waiter.CompleteWithPermit(server);
            }
            else
            {
                server.ReturnPermit();
            }
        }
    }
}
