using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

#pragma warning disable CA1822 // The compiler calls these on the instance.

namespace FastGate.Net.Async;

/// <summary>Builder of async methods on a lane: <c>[AsyncMethodBuilder(typeof(LaneTaskMethodBuilder&lt;&gt;))]</c>. A
/// method that suspends keeps its state in a box from a free list of its thread without a bound, so that any number of
/// suspended methods allocates nothing once warm (the runtime's pooling builder keeps one per core and thread: 232 B
/// per exchange with 64 connections suspended together). No execution context flows. The value task is awaited exactly
/// once, on the lane that started it.</summary>
public struct LaneTaskMethodBuilder<TResult>
{
    private LaneTaskBox<TResult>? _box;
    private TResult _result;
    private ExceptionDispatchInfo? _failure;

    public static LaneTaskMethodBuilder<TResult> Create() => default;

    public readonly ValueTask<TResult> Task
    {
        get
        {
            if (_box is { } box)
            {
                return new ValueTask<TResult>(box, box.Version);
            }
            return _failure is null
                ? new ValueTask<TResult>(_result)
                : ValueTask.FromException<TResult>(_failure.SourceException);
        }
    }

    public void SetResult(TResult result)
    {
        if (_box is { } box)
        {
            box.SetResult(result);
        }
        else
        {
            _result = result;
        }
    }

    public void SetException(Exception exception)
    {
        if (_box is { } box)
        {
            box.SetException(exception);
        }
        else
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.OnCompleted(LaneTaskBox<TResult>.For(ref stateMachine, ref _box));

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.UnsafeOnCompleted(LaneTaskBox<TResult>.For(ref stateMachine, ref _box));
}

/// <summary>The same for methods without a result.</summary>
public struct LaneTaskMethodBuilder
{
    private LaneTaskBox<Nothing>? _box;
    private ExceptionDispatchInfo? _failure;

    public static LaneTaskMethodBuilder Create() => default;

    public readonly ValueTask Task
    {
        get
        {
            if (_box is { } box)
            {
                return new ValueTask(box, box.Version);
            }
            return _failure is null ? default : ValueTask.FromException(_failure.SourceException);
        }
    }

    public readonly void SetResult() => _box?.SetResult(default);

    public void SetException(Exception exception)
    {
        if (_box is { } box)
        {
            box.SetException(exception);
        }
        else
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.OnCompleted(LaneTaskBox<Nothing>.For(ref stateMachine, ref _box));

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.UnsafeOnCompleted(LaneTaskBox<Nothing>.For(ref stateMachine, ref _box));
}

internal readonly struct Nothing;

/// <summary>Result side of a box: what the awaiting method sees.</summary>
internal abstract class LaneTaskBox<TResult> : IValueTaskSource<TResult>, IValueTaskSource
{
    private Action<object?>? _continuation;
    private object? _continuationState;
    private TResult _result = default!;
    private ExceptionDispatchInfo? _failure;
    private bool _completed;

    public short Version { get; private set; }

    /// <summary>The action that moves this method's box on; the box is rented at the first suspension.</summary>
    public static Action For<TStateMachine>(ref TStateMachine stateMachine, ref LaneTaskBox<TResult>? builderBox)
        where TStateMachine : IAsyncStateMachine
    {
        if (builderBox is LaneTaskBox<TResult, TStateMachine> mine)
        {
            return mine.MoveNextAction;
        }
        LaneTaskBox<TResult, TStateMachine> box = LaneTaskBox<TResult, TStateMachine>.Rent();
        // The builder is a field of the state machine: it must know the box before the machine is copied into it.
        builderBox = box;
        box.StateMachine = stateMachine;
        return box.MoveNextAction;
    }

    public void SetResult(TResult result)
    {
        _result = result;
        Complete();
    }

    public void SetException(Exception exception)
    {
        _failure = ExceptionDispatchInfo.Capture(exception);
        Complete();
    }

    private void Complete()
    {
        _completed = true;
        if (_continuation is { } continuation)
        {
            object? state = _continuationState;
            _continuation = null;
            _continuationState = null;
            continuation(state);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token)
    {
        Require(token == Version);
        return !_completed ? ValueTaskSourceStatus.Pending
            : _failure is null ? ValueTaskSourceStatus.Succeeded
            : ValueTaskSourceStatus.Faulted;
    }

    public void OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags)
    {
        Require(token == Version && _continuation is null);
        if (_completed)
        {
            continuation(state);
            return;
        }
        _continuation = continuation;
        _continuationState = state;
    }

    public TResult GetResult(short token)
    {
        Require(token == Version && _completed);
        TResult result = _result;
        ExceptionDispatchInfo? failure = _failure;
        _result = default!;
        _failure = null;
        _completed = false;
        Version++;
        GiveBack();
        failure?.Throw();
        return result;
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    /// <summary>The box may be another method's by now.</summary>
    private static void Require(bool condition)
    {
        if (!condition)
        {
            throw new InvalidOperationException("a lane's value task is awaited exactly once");
        }
    }

    protected abstract void GiveBack();
}

/// <summary>Method side of a box: the suspended state machine itself.</summary>
internal sealed class LaneTaskBox<TResult, TStateMachine> : LaneTaskBox<TResult>
    where TStateMachine : IAsyncStateMachine
{
    [ThreadStatic]
    private static LaneTaskBox<TResult, TStateMachine>? t_free;

    private LaneTaskBox<TResult, TStateMachine>? _nextFree;

    public TStateMachine? StateMachine;

    public readonly Action MoveNextAction;

    private LaneTaskBox() => MoveNextAction = MoveNext;

    public static LaneTaskBox<TResult, TStateMachine> Rent()
    {
        LaneTaskBox<TResult, TStateMachine>? free = t_free;
        if (free is null)
        {
            return new LaneTaskBox<TResult, TStateMachine>();
        }
        t_free = free._nextFree;
        free._nextFree = null;
        return free;
    }

    private void MoveNext() => StateMachine!.MoveNext();

    protected override void GiveBack()
    {
        StateMachine = default;
        _nextFree = t_free;
        t_free = this;
    }
}
