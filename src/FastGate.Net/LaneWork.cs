namespace FastGate.Net;

/// <summary>Something a lane runs: a link of its queues, so that queueing allocates nothing. It stands in at most one
/// queue at a time.</summary>
public abstract class LaneWork
{
    internal LaneWork? Next;
    internal bool IsQueued;

    protected internal abstract void Run();

    /// <summary>What will run at the end of it, as far as it knows.</summary>
    internal virtual LaneWork? Waiter => null;

    /// <summary>The lane has ended and will not run it: what it carries is let go. Not on the lane's thread.</summary>
    internal virtual void Abandon()
    {
    }
}

/// <summary>Work that is one call.</summary>
public sealed class LaneAction(Action action) : LaneWork
{
    protected internal override void Run() => action();
}
