using System.Threading.Tasks.Sources;

namespace FastGate.Net.Async;

/// <summary>A value task's source that its owner uses again and again: one wait at a time, on one lane. The owner says
/// at completion whether the waiter goes on inline (only socket readiness does) or from the ready queue.</summary>
public class LaneSource<T> : LaneWork, IValueTaskSource<T>, IValueTaskSource
{
    private WaitCore _wait;
    private T _result = default!;

    /// <summary>True from <see cref="Begin"/> until it is completed.</summary>
    public bool IsPending => _wait.IsPending;

    public ValueTask<T> Begin()
    {
        _wait.Begin();
        return new ValueTask<T>(this, _wait.Version);
    }

    /// <summary>The wait just begun, for a caller that needs no result.</summary>
    public ValueTask Untyped => new(this, _wait.Version);

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

    public ValueTaskSourceStatus GetStatus(short token) => _wait.StatusOf(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) => _wait.OnCompleted(continuation, state, token);

    public T GetResult(short token)
    {
        _wait.Take(token);
        T result = _result;
        _result = default!;
        return result;
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);
}
