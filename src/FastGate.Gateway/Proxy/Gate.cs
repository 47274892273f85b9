using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Health;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Proxy;

/// <summary>A running gateway: lanes that accept clients and serve them by one table.</summary>
public sealed class Gate
{
    private readonly Transport _transport;
    private readonly GateTable _table;
    private readonly Listener[] _listeners;
    private readonly GateLane[] _lanes;
    private readonly ProcessLog _log;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _lanesAccepting;
    private int _connections;

    private Gate(Transport transport, GateTable table, GateStats stats, LogWriter logs, TimeProvider clock)
    {
        _transport = transport;
        _table = table;
        _log = logs.Process;
        Stats = stats;
        foreach (Upstream upstream in table.Upstreams)
        {
            upstream.Log = _log;
        }
        _listeners = new Listener[table.Listeners.Length];
        _lanes = new GateLane[transport.Lanes.Count];
        _lanesAccepting = _lanes.Length;
        for (int i = 0; i < _lanes.Length; i++)
        {
            Lane lane = transport.Lanes[i];
            lane.Memory.Max = table.Server.MemoryMax / _lanes.Length;
            lane.Escaped = ReportBug;
            lane.Overran = us => SayOverrun(lane, us);
            _lanes[i] = new GateLane(this, lane, table, stats.ForLane(i), logs.Access.ForLane(i), clock);
        }
    }

    /// <summary>The counters of all lanes.</summary>
    public GateStats Stats { get; }

    internal static Gate Create(GateTable table, Transport transport, LogWriter logs, TimeProvider clock) =>
        new(transport, table, new GateStats(transport.Lanes.Count, table.RouteList.Length, table.Listeners.Length),
            logs, clock);

    /// <summary>What it serves by.</summary>
    internal GateTable Table => _table;

    internal IReadOnlyList<Lane> Lanes => _transport.Lanes;

    /// <summary>Where it forwards to, in the order of the configuration.</summary>
    public IReadOnlyList<Upstream> Upstreams => _table.Upstreams;

    /// <summary>What is bound, in the order of the configuration; null where it is not yet.</summary>
    public IReadOnlyList<Listener> Listeners => _listeners;

    /// <summary>True once it drains.</summary>
    public bool IsDraining
    {
        get => _isDraining;
        private set => _isDraining = value;
    }

    private volatile bool _isDraining;

    /// <summary>Binds every listener and starts accepting.</summary>
    /// <exception cref="BindException">An address cannot be had; nothing stays bound.</exception>
    public void Start()
    {
        int bound = 0;
        try
        {
            for (; bound < _listeners.Length; bound++)
            {
                _listeners[bound] = _transport.Bind(_table.Listeners[bound].Bind.ToNetAddress());
            }
        }
        catch (BindException)
        {
            for (int i = 0; i < bound; i++)
            {
                _listeners[i].Stop();
            }
            throw;
        }
        foreach (GateLane lane in _lanes)
        {
            for (int i = 0; i < _listeners.Length; i++)
            {
                int listener = i;
                lane.Lane.Post(new LaneAction(() => AcceptAsync(lane, listener).Forget()));
            }
        }
        Resolver.Start(_table.Upstreams, _transport.Lanes[0], _log);
        HealthCheck.Start(_table.Upstreams, _transport);
    }

    /// <summary>Accepts what the system has queued, stops listening, and ends each connection after its next
    /// answer.</summary>
    /// <returns>Completes when the last connection is gone.</returns>
    public Task DrainAsync()
    {
        IsDraining = true;
        foreach (Listener listener in _listeners)
        {
            listener.Stop();
        }
        foreach (GateLane lane in _lanes)
        {
            // Behind the listener's own last accept in the lane's queue.
            lane.Lane.Post(new LaneAction(() =>
            {
                lane.BeginDrain();
                Interlocked.Decrement(ref _lanesAccepting);
                CheckDrained();
            }));
        }
        return _drained.Task;
    }

    /// <summary>Cuts what is still open when the time for draining is up.</summary>
    public void Cut()
    {
        foreach (GateLane lane in _lanes)
        {
            lane.Lane.Post(new LaneAction(lane.CutAll));
        }
    }

    /// <summary>Somebody else in this process gets no descriptor: clients who idle may end for him, on every lane. Any
    /// thread.</summary>
    public void MakeRoom()
    {
        foreach (Lane lane in _transport.Lanes)
        {
            lane.Post(new LaneAction(() => lane.MakesRoom?.Invoke()));
        }
    }

    /// <summary>Connections of clients that are open.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>False when <c>connections_max</c> is reached and nobody ends for it: who does, does so in this
    /// turn.</summary>
    private bool TryAdmit(GateLane lane)
    {
        if (Interlocked.Increment(ref _connections) <= _table.Client.ConnectionsMax || lane.TryMakeConnectionRoom())
        {
            return true;
        }
        Interlocked.Decrement(ref _connections);
        return false;
    }

    internal void ConnectionEnded()
    {
        Interlocked.Decrement(ref _connections);
        ConnectionClosed();
    }

    internal void ConnectionClosed()
    {
        if (IsDraining)
        {
            CheckDrained();
        }
    }

    /// <summary>Drained is: no lane will accept any more, and none has a connection, nor one on its way from another
    /// lane.</summary>
    private void CheckDrained()
    {
        if (Volatile.Read(ref _lanesAccepting) > 0 || Connections > 0)
        {
            return;
        }
        foreach (GateLane lane in _lanes)
        {
            if (lane.Lane.Connections > 0)
            {
                return;
            }
        }
        _drained.TrySetResult();
    }

    internal void ReportBug(Exception bug) =>
        _log.Limited(LogLevel.Error, "bug", "a bug cost a connection", ("exception", bug.ToString()));

    /// <summary>Whatever it was, every connection of the lane has waited for it.</summary>
    private void SayOverrun(Lane lane, long microseconds)
    {
        const string Key = "overrun";
        if (!_log.TryCountLimited(Key))
        {
            _log.Limited(LogLevel.Warn, Key, "an event loop was busy for too long with one turn",
                ("lane", lane.Index), ("ms", microseconds / 1_000));
        }
    }

    private async LaneTask AcceptAsync(GateLane lane, int listener)
    {
        while (await _listeners[listener].AcceptAsync(lane.Lane) is { } client)
        {
            Accept(client, listener);
        }
    }

    /// <summary>Serves a client's connection on the lane it lives on, whose thread calls.</summary>
    internal void Accept(Connection client, int listener)
    {
        GateLane lane = _lanes[client.Lane.Index];
        try
        {
            if (TryAdmit(lane))
            {
                new ClientLoop(lane, client, listener).Begin();
            }
            else
            {
                Farewell.RefuseAsync(lane, client).Forget();
            }
        }
        catch (Exception bug)
        {
            // It costs this connection; whoever comes next is accepted.
            ReportBug(bug);
            client.Abort();
        }
    }
}
