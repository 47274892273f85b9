namespace FastGate.Net;

/// <summary>Told of what a peer does while nobody reads from or writes to its connection: a client that resets while
/// the upstream works, an idle upstream connection that says or ends something.</summary>
public abstract class ConnectionWatch
{
    /// <param name="idle">The connection idles: of what happened at one time it is told before anything else is done,
    /// so that nobody takes a connection whose peer has spoken or ended already.</param>
    protected ConnectionWatch(bool idle = false) => IsIdle = idle;

    internal bool IsIdle { get; }

    /// <summary>Bytes, an end or a fault arrived unasked. Runs inline on the lane: note it, abort something,
    /// return.</summary>
    /// <param name="connection">The connection it arrived on.</param>
    /// <param name="broken">The connection is gone; otherwise bytes or a FIN, which behind our own FIN is an orderly
    /// end.</param>
    protected internal abstract void OnActivity(Connection connection, bool broken);
}
