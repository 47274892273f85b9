using System.Diagnostics;
using System.Runtime.CompilerServices;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams.Balancing;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Upstreams;

/// <summary>What came of asking for a connection: the connection, or why there is none and which server was tried in
/// vain, if it came to that.</summary>
public readonly record struct Rental(PooledConnection? Connection, Reason Reason, Server? Tried = null);

/// <summary>One lane's connections to one upstream: idle ones are kept last in, first out; bounds hold for the whole
/// process. Where a lane has neither permit nor idle connection it queues, and says so to the lanes that have idle
/// ones; whoever has a connection or a permit to give serves the lane that waits longest.</summary>
public sealed class ConnectionPool
{
    private readonly Upstream _upstream;
    private readonly Transport _transport;
    private readonly Balancer _balancer;
    private readonly LaneLoad _load;
    private readonly IdleConnections[] _idle;
    private readonly LaneAction _grant;
    private ServerSet _set;
    private int _idleCount;
    private int _granting;

    internal ConnectionPool(Upstream upstream, Transport transport, Lane lane)
    {
        _upstream = upstream;
        _transport = transport;
        Lane = lane;
        _balancer = Balancer.Create(upstream, lane.Index, (ulong)Random.Shared.NextInt64());
        _load = upstream.Loads[lane.Index];
        _set = upstream.Set;
        _idle = new IdleConnections[upstream.Servers.Length];
        for (int i = 0; i < _idle.Length; i++)
        {
            _idle[i] = new IdleConnections(this);
        }
        _grant = new LaneAction(() =>
        {
            Interlocked.Exchange(ref _granting, 0);
            GrantWishes();
        });
    }

    public Lane Lane { get; }

    /// <summary>Idle connections of this lane; any thread.</summary>
    public int IdleCount => Volatile.Read(ref _idleCount);

    /// <summary>Of those, the ones to one server; any thread.</summary>
    internal int IdleOf(Server server) => _idle[server.Index].Count;

    /// <summary>A connection for one exchange. Completes at once when one is idle. A server that could not be connected
    /// to is noted in <see cref="PoolWait.Tried"/>.</summary>
    /// <param name="wait">The exchange's own wait, for when it must queue, and what it is to be sent by.</param>
    /// <param name="connectMs">How long a connect may take.</param>
    /// <param name="fresh">Never an idle connection: the last one was stale.</param>
    public LaneTask<Rental> RentAsync(PoolWait wait, long connectMs, bool fresh = false)
    {
        Lane.AssertCurrent();
        Server? server = wait.LastResort ?? _balancer.Pick(Lane.Now, wait.Key, wait.Tried);
        if (_balancer.Set != _set)
        {
            _set = _balancer.Set;
            CloseUnusable();
        }
        if (server is null)
        {
            return new LaneTask<Rental>(new Rental(null, _set.Refusal));
        }
        if (!fresh && _idle[server.Index].TryTake() is { } idle)
        {
            return new LaneTask<Rental>(Activate(idle));
        }
        if (server.TryTakePermit() || (fresh && TryFreePermit(server)))
        {
            return DialAsync(server, connectMs, wait);
        }
        if (server == wait.LastResort)
        {
            // All others were asked: there is none to wait for.
            return new LaneTask<Rental>(new Rental(null, Reason.ConnectionLimitReached));
        }
        // The chosen one is full: the next that has an idle connection or room.
        int place = _set.PlaceOf(server.Index);
        for (int i = 1; i < _set.Count; i++)
        {
            Server other = _set.Servers[(place + i) % _set.Count];
            if (wait.Tried.Contains(other.Index))
            {
                continue;
            }
            if (!fresh && _idle[other.Index].TryTake() is { } spare)
            {
                return new LaneTask<Rental>(Activate(spare));
            }
            if (other.TryTakePermit() || (fresh && TryFreePermit(other)))
            {
                return DialAsync(other, connectMs, wait);
            }
        }
        return wait.IsHedge
            ? new LaneTask<Rental>(new Rental(null, Reason.ConnectionLimitReached))
            : QueueAsync(wait, connectMs, fresh);
    }

    /// <summary>Exchanges have half of the connections that there may be to the servers in use, or more. Tunnels do not
    /// count, nor does what idles.</summary>
    public bool IsHalfTaken
    {
        get
        {
            ReadOnlySpan<Server> servers = _upstream.Set.Servers;
            long taken = 0;
            foreach (Server server in servers)
            {
                taken += server.Connections - _upstream.IdleOf(server);
            }
            return !servers.IsEmpty && 2 * taken >= (long)_upstream.Options.Pool.ConnectionsMax * servers.Length;
        }
    }

    /// <summary>Takes back a connection whose exchange ended cleanly.</summary>
    /// <param name="pooled">The connection; kept only if its server is silent on it now.</param>
    /// <param name="keepAliveSeconds">What its server said of how long it keeps idle connections, or -1.</param>
    public void Return(PooledConnection pooled, int keepAliveSeconds)
    {
        Lane.AssertCurrent();
        Debug.Assert(pooled.Pool == this && !pooled.IsTunnel);
        CountActive(pooled.Server, -1);
        long idleMs = _upstream.Options.Pool.IdleMs;
        if (keepAliveSeconds >= 0)
        {
            // A second less than the server's own, or a request could meet its FIN.
            idleMs = Math.Min(idleMs, (keepAliveSeconds - 1) * 1000L);
        }
        if (idleMs <= 0 || !IsInUse(pooled.Server) || !pooled.Connection.IsSilent())
        {
            End(pooled);
            return;
        }
        pooled.IsReused = true;
        if (_upstream.Set.Contains(pooled.Server) && _upstream.Queue.TryDequeue() is { } waiter)
        {
            Give(pooled, waiter);
            return;
        }
        pooled.IdleUntil = Lane.Now + idleMs;
        _idle[pooled.Server.Index].Add(pooled);
        // Last: the peer's end may have arrived already, and then it is discarded here and now.
        pooled.Connection.Watch(pooled);
        if (_upstream.Pools.Length > 1)
        {
            // Either who queues on another lane sees this idle connection, or this lane sees him.
            Interlocked.MemoryBarrier();
            GrantWishes();
        }
    }

    /// <summary>Ends a rented connection that cannot be used again.</summary>
    public void Drop(PooledConnection pooled)
    {
        Lane.AssertCurrent();
        CountActive(pooled.Server, -1);
        End(pooled);
    }

    /// <summary>The rented connection becomes a tunnel: its permit of the pool is free again.</summary>
    /// <returns>False when no tunnel's permit is left.</returns>
    public bool TryBecomeTunnel(PooledConnection pooled)
    {
        if (!pooled.Server.TryTakeTunnel())
        {
            return false;
        }
        pooled.IsTunnel = true;
        FreePermit(pooled.Server);
        return true;
    }

    /// <summary>An idle connection said or ended something.</summary>
    internal void Discard(PooledConnection pooled)
    {
        if (_idle[pooled.Server.Index].Remove(pooled))
        {
            End(pooled);
        }
    }

    /// <summary>Closes what idles, for a process that drains or an upstream that is gone.</summary>
    public void CloseIdle()
    {
        foreach (IdleConnections idle in _idle)
        {
            Close(idle);
        }
    }

    /// <summary>Closes what idles at servers that went down or are drained.</summary>
    private void CloseUnusable()
    {
        foreach (Server server in _upstream.Servers)
        {
            if (!IsInUse(server))
            {
                Close(_idle[server.Index]);
            }
        }
    }

    /// <summary>A backup that is up may be needed soon; one that is down is used where too few are up.</summary>
    private bool IsInUse(Server server) => server.Status.IsUsable || _upstream.Set.Contains(server);

    private void Close(IdleConnections idle)
    {
        while (idle.TryTake() is { } pooled)
        {
            End(pooled);
        }
    }

    /// <summary>Where every connection idles, and may be stale as the last one was, an idle one makes room: its permit
    /// passes to the caller.</summary>
    private bool TryFreePermit(Server server)
    {
        if (_idle[server.Index].TryTake() is not { } stale)
        {
            return false;
        }
        stale.Connection.Close();
        return true;
    }

    internal void CountIdle(int change) => Volatile.Write(ref _idleCount, _idleCount + change);

    private Rental Activate(PooledConnection pooled)
    {
        pooled.Connection.Watch(null);
        pooled.RentedAt = Lane.Now;
        CountActive(pooled.Server, 1);
        return new Rental(pooled, Reason.None);
    }

    private void CountActive(Server server, int change)
    {
        _load.Count(server.Index, change);
        _balancer.LoadChanged(server, change);
    }

    private async LaneTask<Rental> DialAsync(Server server, long connectMs, PoolWait wait)
    {
        CountActive(server, 1);
        long from = Lane.Now;
        Connection connection = await Dialling.ConnectAsync(_transport, Lane, server, from + connectMs, wait.Connect);
        var pooled = new PooledConnection(this, server, connection);
        if (connection.Fault == ConnectionFault.None)
        {
            pooled.RentedAt = Lane.Now;
            return new Rental(pooled, Reason.None);
        }
        Reason reason = connection.Fault switch
        {
            ConnectionFault.TimedOut => Reason.ConnectionTimeout,
            ConnectionFault.Exhausted => Reason.Overloaded,
            _ => Reason.ConnectionRefused,
        };
        if (connection.Fault is not (ConnectionFault.Exhausted or ConnectionFault.Aborted))
        {
            server.Finished(Lane, (Lane.Now - from) * 1000, Outcome.Failed, begunAt: from);
            server.Stats.Failed(Lane.Index, isError: true);
            wait.Tried.Add(server);
        }
        Drop(pooled);
        return new Rental(null, reason, server);
    }

    private async LaneTask<Rental> QueueAsync(PoolWait wait, long connectMs, bool fresh)
    {
        long due = Lane.Now + _upstream.Options.Pool.QueueTimeoutMs;
        LaneTask<PooledConnection?> waiting = wait.Begin(_upstream.Queue, Lane, due);
        if (_upstream.Queue.TryEnqueue(wait))
        {
            // Either who frees something from now on sees this wait, or it is seen here.
            Interlocked.MemoryBarrier();
            foreach (Server each in _upstream.Set.Servers)
            {
                _upstream.ServeQueue(each);
            }
            Wish();
        }
        else
        {
            wait.Refuse();
        }
        PooledConnection? pooled = await waiting;
        if (pooled is not null && (fresh || !pooled.Connection.IsSilent()))
        {
            // It may be stale as the last one was, or ended on its way from another lane: its permit is as good.
            pooled.Connection.Close();
            return await DialAsync(pooled.Server, connectMs, wait);
        }
        if (pooled is not null)
        {
            return Activate(pooled);
        }
        if (wait.Permit is { } server)
        {
            return await DialAsync(server, connectMs, wait);
        }
        ServerSet set = _upstream.Set;
        return new Rental(null, set.Count == 0 ? set.Refusal : Reason.ConnectionLimitReached);
    }

    /// <summary>Asks the lanes that have idle connections for one.</summary>
    private void Wish()
    {
        foreach (ConnectionPool other in _upstream.Pools)
        {
            if (other != this && other.IdleCount > 0 && Interlocked.Exchange(ref other._granting, 1) == 0)
            {
                other.Lane.Post(other._grant);
            }
        }
    }

    /// <summary>What idles here goes to those who queue, the longest waiting first.</summary>
    private void GrantWishes()
    {
        foreach (Server server in _upstream.Set.Servers)
        {
            IdleConnections idle = _idle[server.Index];
            while (_upstream.Queue.Count > 0 && idle.TryTake() is { } pooled)
            {
                pooled.Connection.Watch(null);
                if (_upstream.Queue.TryDequeue() is { } waiter)
                {
                    Give(pooled, waiter);
                    continue;
                }
                idle.Add(pooled);
                pooled.Connection.Watch(pooled);
                Interlocked.MemoryBarrier();
            }
        }
    }

    private void Give(PooledConnection pooled, PoolWait waiter)
    {
        if (waiter.Lane == Lane)
        {
            waiter.Complete(pooled);
            return;
        }
        if (!pooled.Connection.IsMovable)
        {
            // Its permit travels instead of it.
            pooled.Connection.Close();
            waiter.CompleteWithPermit(pooled.Server);
            return;
        }
        pooled.Pool = _upstream.PoolOf(waiter.Lane);
        pooled.Connection.HandOver(waiter.Lane, _ => waiter.Complete(pooled));
    }

    /// <summary>Closes a connection; its permit is free.</summary>
    internal void End(PooledConnection pooled)
    {
        pooled.Connection.Close();
        if (pooled.IsTunnel)
        {
            pooled.Server.ReturnTunnel();
        }
        else
        {
            FreePermit(pooled.Server);
        }
    }

    private void FreePermit(Server server)
    {
        server.ReturnPermit();
        _upstream.ServeQueue(server);
    }
}
