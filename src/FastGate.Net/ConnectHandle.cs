namespace FastGate.Net;

/// <summary>For whoever may have to end a connect before its deadline. Reused from connect to connect, one at a time;
/// belongs to the lane.</summary>
public sealed class ConnectHandle
{
    private Connection? _pending;

    /// <summary>Ends the connect that is under way, which then completes with the fault
    /// <see cref="ConnectionFault.Aborted"/>. Without one it does nothing.</summary>
    public void Cancel()
    {
        IsCanceled = true;
        _pending?.Abort();
    }

    /// <summary>Whether it was canceled since <see cref="Forget"/>, for a connect that waits before it begins.
    /// </summary>
    internal bool IsCanceled { get; private set; }

    internal void Forget() => IsCanceled = false;

    internal void Begin(Connection pending) => _pending = pending;

    internal void End() => _pending = null;
}
