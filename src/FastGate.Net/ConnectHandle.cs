namespace FastGate.Net;

/// <summary>For whoever may have to end a connect before its deadline. Reused from connect to connect, one at a time;
/// belongs to the lane.</summary>
public sealed class ConnectHandle
{
    private Connection? _pending;

    /// <summary>Ends the connect that is under way, which then completes with the fault
    /// <see cref="ConnectionFault.Aborted"/>. Without one it does nothing.</summary>
    public void Cancel() => _pending?.Abort();

    internal void Begin(Connection pending) => _pending = pending;

    internal void End() => _pending = null;
}
