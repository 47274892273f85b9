using System.Text;
using FastGate.Net;

namespace FastGate.Gateway.Upstreams;

/// <summary>A group of equal servers, shared by all lanes, with one connection pool per lane.</summary>
public sealed class Upstream
{
    private readonly ConnectionPool[] _pools;

    public Upstream(UpstreamOptions options, Transport transport)
    {
        Options = options;
        Name = Encoding.UTF8.GetBytes(options.Name);
        Queue = new WaitQueue(options.Pool.QueueMax);
        Servers = new Server[options.Servers.Count];
        for (int i = 0; i < Servers.Length; i++)
        {
            Servers[i] = new Server(i, options.Servers[i].Address, options.Pool, transport.Lanes.Count);
        }
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
}
