using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace FastGate.Net.Async;

/// <summary>A value task's source that its owner uses again and again: one wait at a time, on one lane. The owner says
/// at completion whether the waiter goes on inline (only socket readiness does) or from the ready queue.</summary>
public class LaneSource<T> : LaneWork, IValueTaskSource<T>, IValueTaskSource
{
    private Action<object?>? _continuation;
    private object? _state;
    private T _result = default!;
    private short _version;
    private bool _completed;

    /// <summary>True from <see cref="Begin"/> until it is completed.</summary>
    public bool IsPending { get; private set; }

    public ValueTask<T> Begin()
    {
        Debug.Assert(!IsPending, "a wait is under way already");
        IsPending = true;
        _completed = false;
        _continuation = null;
        _version++;
        return new ValueTask<T>(this, _version);
    }

    /// <summary>The wait just begun, for a caller that needs no result.</summary>
    public ValueTask Untyped => new(this, _version);

    /// <summary>Completes the wait and runs the waiter before returning.</summary>
    public void CompleteInline(T result)
    {
        Settle(result);
        if (_continuation is not null)
        {
            Run();
        }
    }

    /// <summary>Completes the wait; the waiter runs from the lane's ready queue.</summary>
    public void CompleteQueued(T result, Lane lane)
    {
        Settle(result);
        if (_continuation is not null)
        {
            lane.Enqueue(this);
        }
    }

    /// <summary>Replaces a result that its waiter has not taken yet.</summary>
    public void Amend(T result)
    {
        if (_completed)
        {
            _result = result;
        }
    }

    private void Settle(T result)
    {
        Debug.Assert(IsPending, "nothing waits");
        IsPending = false;
        _result = result;
        _completed = true;
    }

    protected internal override void Run()
    {
        Action<object?> continuation = _continuation!;
        object? state = _state;
        _continuation = null;
        _state = null;
        continuation(state);
    }

    public ValueTaskSourceStatus GetStatus(short token)
    {
        Require(token == _version);
        return _completed ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;
    }

    public void OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags)
    {
        Require(token == _version && _continuation is null);
        _continuation = continuation;
        _state = state;
        if (_completed)
        {
            // Completed between the status and this call: only a misuse from another thread could do that.
            Run();
        }
    }

    public T GetResult(short token)
    {
        Require(token == _version && _completed);
        T result = _result;
        _result = default!;
        _completed = false;
        return result;
    }

    /// <summary>A task of an earlier wait, or one awaited twice, would answer to the wait of somebody else.</summary>
    private static void Require(bool condition)
    {
        if (!condition)
        {
            throw new InvalidOperationException("a wait is awaited exactly once");
        }
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);
}
