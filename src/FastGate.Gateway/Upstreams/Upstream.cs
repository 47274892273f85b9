using System.Text;
using FastGate.Gateway.Upstreams.Balancing;
using FastGate.Net;

namespace FastGate.Gateway.Upstreams;

/// <summary>A group of servers that do the same work, shared by all lanes, with one connection pool per lane.</summary>
public sealed class Upstream
{
    private readonly ConnectionPool[] _pools;
    private HashRing? _ring;
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
        SetChanged();
    }

    /// <summary>What an operator says of a server: both, or neither, is true for every choice. One thread at a time,
    /// and none that serves requests: where keys are hashed the ring is built anew.</summary>
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
        // Outside of the lock, for it takes milliseconds and health checks change states too.
        HashRing? ring = isWeightNew && _ring is not null
            ? new HashRing(Array.ConvertAll(Servers, each =>
                new UpstreamServer(each.Address, each == server ? weight!.Value : each.Weight, each.IsBackup)))
            : _ring;
        lock (_changing)
        {
            bool isUsableNew = isStateNew && server.Hear(StateVoice.Operator, state!.Value, "operator", now);
            if (isWeightNew)
            {
                server.Weight = weight!.Value;
                _ring = ring;
            }
            if (!isUsableNew && !isWeightNew)
            {
                return true;
            }
            _set = ServerSet.Of(Servers, Options, _ring);
        }
        SetChanged();
        return true;
    }

    private void SetChanged()
    {
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
