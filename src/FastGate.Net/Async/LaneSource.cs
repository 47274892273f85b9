namespace FastGate.Net.Async;

/// <summary>A task's source that its owner uses again and again: one wait at a time, on one lane. The owner says at
/// completion whether the waiter goes on inline (only socket readiness does) or from the ready queue.</summary>
public class LaneSource<T> : LaneTaskSource<T>
{
    private WaitCore _wait;
    private T _result = default!;

    /// <summary>True from <see cref="Begin"/> until it is completed.</summary>
    public bool IsPending => _wait.IsPending;

    public LaneTask<T> Begin()
    {
        _wait.Begin();
        return new LaneTask<T>(this, _wait.Version);
    }

    /// <summary>Completes the wait and runs the waiter before returning.</summary>
    public void CompleteInline(T result)
    {
        _result = result;
        if (_wait.Complete())
        {
            Run();
        }
    }

    /// <summary>Completes the wait; the waiter runs from the lane's ready queue.</summary>
    public void CompleteQueued(T result, Lane lane)
    {
        _result = result;
        if (_wait.Complete())
        {
            lane.Enqueue(this);
        }
    }

    protected internal override void Run() => _wait.Run();

    internal override bool IsCompleted(short version) => _wait.IsCompleted(version);

    internal override void OnCompleted(LaneWork waiter, short version) => _wait.OnCompleted(waiter, version);

    /// <summary>Its owner begins anew when he likes.</summary>
    internal override void Forget(short version) => WaitCore.Require(version == _wait.Version);

    internal override T TakeResult(short version)
    {
        _wait.Take(version);
        T result = _result;
        _result = default!;
        return result;
    }
}
