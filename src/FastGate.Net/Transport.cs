using FastGate.Net.Async;

namespace FastGate.Net;

/// <summary>A way to move bytes: its lanes, and what listens and connects on them.</summary>
public abstract class Transport : IDisposable
{
    public abstract IReadOnlyList<Lane> Lanes { get; }

    /// <summary>Listens on <paramref name="address"/> with every lane.</summary>
    /// <exception cref="BindException">The address is taken, not permitted or not there.</exception>
    public abstract Listener Bind(NetAddress address);

    /// <summary>Connects from <paramref name="lane"/>, whose thread calls. Always gives a connection; one that failed
    /// says why in <see cref="Connection.Fault"/> and still must be closed.</summary>
    /// <param name="lane">The lane it will live on.</param>
    /// <param name="address">Where to.</param>
    /// <param name="due">Until when, in the lane's milliseconds; then the fault is TimedOut.</param>
    /// <param name="handle">To end it earlier.</param>
    public abstract LaneTask<Connection> ConnectAsync(Lane lane, NetAddress address, long due,
        ConnectHandle? handle = null);

    /// <summary>Starts the lanes' threads.</summary>
    public abstract void Start();

    /// <summary>Ends the lanes' threads and closes what is open.</summary>
    public abstract void Dispose();
}

/// <summary>Accepts connections of one address, on every lane.</summary>
public abstract class Listener
{
    /// <summary>The address as bound, with the port the system chose for port 0.</summary>
    public abstract NetAddress Address { get; }

    /// <summary>The next connection of <paramref name="lane"/>, whose thread calls; null when listening has ended and
    /// everything accepted was given out.</summary>
    public abstract LaneTask<Connection?> AcceptAsync(Lane lane);

    /// <summary>Accepts what the system has queued already and then stops listening. Any thread.</summary>
    public abstract void Stop();
}

/// <summary>An address could not be bound.</summary>
public sealed class BindException(NetAddress address, int errorNumber, string message)
    : Exception($"cannot listen on {address}: {message}")
{
    public NetAddress Address { get; } = address;

    /// <summary>errno.</summary>
    public int ErrorNumber { get; } = errorNumber;
}
