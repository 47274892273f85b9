using FastGate.Net;

namespace FastGate.Gateway.Upstreams;

/// <summary>A connection to a server with its permit: rented to one exchange at a time, watched while it
/// idles.</summary>
public sealed class PooledConnection : ConnectionWatch
{
    internal PooledConnection(ConnectionPool pool, Server server, Connection connection)
        : base(idle: true)
    {
        Pool = pool;
        Server = server;
        Connection = connection;
    }

    public Connection Connection { get; }

    public Server Server { get; }

    /// <summary>The pool of the lane it lives on.</summary>
    public ConnectionPool Pool { get; internal set; }

    /// <summary>It has answered before: if it dies now before the first byte, the server may just have closed an idle
    /// connection.</summary>
    public bool IsReused { get; internal set; }

    /// <summary>Since when the exchange has it whose it is now, in the lane's milliseconds.</summary>
    internal long RentedAt { get; set; }

    /// <summary>When it is too old to be kept idle, in the lane's milliseconds.</summary>
    internal long IdleUntil { get; set; }

    /// <summary>It holds a tunnel's permit instead of a connection's.</summary>
    internal bool IsTunnel { get; set; }

    /// <summary>An idle connection has nothing to say: bytes are an answer nobody asked for, an end is an
    /// end.</summary>
    protected override void OnActivity(Connection connection, bool broken) => Pool.Discard(this);
}
