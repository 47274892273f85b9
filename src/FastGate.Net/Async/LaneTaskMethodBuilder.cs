using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

#pragma warning disable CA1822 // The compiler calls these on the instance.

namespace FastGate.Net.Async;

/// <summary>Builder of async methods that return a <see cref="LaneTask{TResult}"/>. A method that suspends keeps its
/// state in a box from a free list of its thread without a bound, so that any number of suspended methods allocates
/// nothing once warm (the runtime's pooling builder keeps one per core and thread: 232 B per exchange with 64
/// connections suspended together).</summary>
public struct LaneTaskMethodBuilder<TResult>
{
    private LaneTaskBox<TResult>? _box;
    private TResult _result;

    public static LaneTaskMethodBuilder<TResult> Create() => default;

    public readonly LaneTask<TResult> Task => _box is { } box
        ? new LaneTask<TResult>(box, box.Version)
        : new LaneTask<TResult>(_result);

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

    public void SetException(Exception exception) => (_box ??= new FailedTask<TResult>()).SetException(exception);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        awaiter.OnCompleted(LaneTaskBox<TResult>.For(ref stateMachine, ref _box).Resume);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine =>
        LaneTaskBox<TResult>.For(ref stateMachine, ref _box).Await(ref awaiter);
}

/// <summary>The same for methods without a result.</summary>
public struct LaneTaskMethodBuilder
{
    private LaneTaskMethodBuilder<Nothing> _builder;

    public static LaneTaskMethodBuilder Create() => default;

    public readonly LaneTask Task => new(_builder.Task);

    public void SetResult() => _builder.SetResult(default);

    public void SetException(Exception exception) => _builder.SetException(exception);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitOnCompleted(ref awaiter, ref stateMachine);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _builder.AwaitUnsafeOnCompleted(ref awaiter, ref stateMachine);
}
