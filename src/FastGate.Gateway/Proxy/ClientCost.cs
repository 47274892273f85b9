using FastGate.Gateway.Upstreams;
using FastGate.Net;
using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>What a client costs its lane: the bytes that are held for it, and since when they are of no use because
/// somebody is waited for. Who makes room looks at both.</summary>
internal static class ClientCost
{
    /// <summary>Bytes of a client's connection in objects: half of it, measured, while it is idle, and with what it
    /// takes from its lane while it is not.</summary>
    public const int ObjectBytes = 1024;

    /// <summary>Bytes held for a client and for the exchange that is under way.</summary>
    public static long HeldBytes(Connection client, Exchange? exchange)
    {
        long bytes = ObjectBytes + BuffersOf(client);
        if (exchange is not null)
        {
            bytes += exchange.HeldBytes + exchange.Tries.HeldBytes;
            bytes += BuffersOf(exchange.Pooled) + BuffersOf(exchange.Second);
        }
        return bytes;
    }

    /// <summary>Since when a client that has been waited for says nothing; <see cref="LaneTimer.Never"/> when something
    /// of it is here.</summary>
    public static long WaitingSince(Connection client, RequestWait wait) =>
        client.IsWaitingForPeer ? wait.Since : LaneTimer.Never;

    /// <summary>Since when an exchange waits for a peer, its client or an upstream; <see cref="LaneTimer.Never"/> when
    /// it does not.</summary>
    public static long WaitingSince(Connection client, Exchange? exchange)
    {
        if (exchange is null)
        {
            return WaitOf(client);
        }
        // A body that is kept for another try is held for as long as the client lets wait for the rest of it.
        long since = exchange.Tries.KeptBytes > 0 && client.InputInUse is { IsWaiting: true } input
            ? input.WaitingSince
            : WaitOf(client);
        return Math.Min(since, Math.Min(WaitOf(exchange.Pooled), WaitOf(exchange.Second)));
    }

    private static long BuffersOf(Connection connection) =>
        (connection.InputInUse?.HeldBytes ?? 0) + (connection.OutputInUse?.HeldBytes ?? 0);

    private static long BuffersOf(PooledConnection? pooled) => pooled is null ? 0 : BuffersOf(pooled.Connection);

    /// <summary>Since when a connection's peer does not take what is written, or has sent only a part of what can be
    /// used; <see cref="LaneTimer.Never"/> when it is neither.</summary>
    private static long WaitOf(Connection connection)
    {
        long written = connection.OutputInUse is { IsWaiting: true } output ? output.WaitingSince : LaneTimer.Never;
        return connection.InputInUse is { IsWaiting: true, HasBytes: true, IsAhead: false } input
            ? Math.Min(written, input.WaitingSince)
            : written;
    }

    private static long WaitOf(PooledConnection? pooled) =>
        pooled is null ? LaneTimer.Never : WaitOf(pooled.Connection);
}
