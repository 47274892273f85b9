using System.Text;
using FastGate.Gateway.Upstreams.Balancing;
using FastGate.Net;

namespace FastGate.Gateway.Upstreams;

/// <summary>A group of servers that do the same work, shared by all lanes, with one connection pool per lane.</summary>
public sealed class Upstream
{
    private readonly ConnectionPool[] _pools;
    private readonly HashRing? _ring;
    private readonly Lock _changing = new();
    private volatile ServerSet _set;

    public Upstream(UpstreamOptions options, Transport transport)
    {
        Options = options;
        Name = Encoding.UTF8.GetBytes(options.Name);
        Queue = new WaitQueue(options.Pool.QueueMax);
        Loads = new LaneLoad[transport.Lanes.Count];
        for (int i = 0; i < Loads.Length; i++)
        {
            Loads[i] = new LaneLoad(options.Servers.Count);
        }
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

    /// <summary>The servers that exchanges may go to now.</summary>
    internal ServerSet Set => _set;

    /// <summary>See <see cref="Server.SetState"/>.</summary>
    internal void SetState(Server server, StateVoice voice, ServerState state, string reason, long now)
    {
        lock (_changing)
        {
            if (!server.Hear(voice, state, reason, now))
            {
                return;
            }
            _set = ServerSet.Of(Servers, Options, _ring);
        }
        // Either who queues from now on sees the new set, or he is seen here.
        Interlocked.MemoryBarrier();
        ServerSet set = _set;
        foreach (Server each in set.Servers)
        {
            ServeQueue(each);
        }
        while (set.Count == 0 && Queue.TryDequeue() is { } waiter)
        {
            waiter.CompleteWithPermit(null);
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
