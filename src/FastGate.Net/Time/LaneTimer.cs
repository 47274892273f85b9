namespace FastGate.Net.Time;

/// <summary>Something with a deadline on a lane. Moving the deadline stores a number; the queue is touched only when it
/// would otherwise wake too late.</summary>
public abstract class LaneTimer
{
    public const long Never = long.MaxValue;

    /// <summary>When it is due, in the lane's milliseconds; <see cref="Never"/> when it is not.</summary>
    internal long Due = Never;
    /// <summary>The time under which it stands in the queue: never later than <see cref="Due"/>.</summary>
    internal long QueuedAt;
    /// <summary>Its place in the queue's heap, or -1.</summary>
    internal int HeapIndex = -1;

    /// <summary>The deadline has passed; runs on the lane. <see cref="Due"/> is already <see cref="Never"/>.</summary>
    protected internal abstract void OnDue();
}
