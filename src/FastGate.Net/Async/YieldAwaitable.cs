using System.Runtime.CompilerServices;

namespace FastGate.Net.Async;

/// <summary>Awaiting it continues at the end of the lane's ready queue.</summary>
public readonly struct YieldAwaitable(Lane lane) : ICriticalNotifyCompletion, ILaneAwaiter
{
    public YieldAwaitable GetAwaiter() => this;

    public bool IsCompleted => false;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => lane.Enqueue(new LaneAction(continuation));

    public void UnsafeOnCompleted(Action continuation) => OnCompleted(continuation);

    void ILaneAwaiter.OnCompleted(LaneWork waiter) => lane.Enqueue(waiter);
}
