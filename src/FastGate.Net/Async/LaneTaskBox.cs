using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace FastGate.Net.Async;

/// <summary>Result side of a box: what the awaiting method sees. As work of a lane it is the suspended method, which
/// goes on.</summary>
internal abstract class LaneTaskBox<TResult> : LaneTaskSource<TResult>
{
    private LaneWork? _waiter;
    private ExceptionDispatchInfo? _failure;
    private TResult _result = default!;
    private bool _completed;
    private bool _isForgotten;

    public short Version { get; private set; }

    internal override LaneWork? Waiter => _waiter;

    /// <summary>The box of a method that suspends; it is rented the first time.</summary>
    public static LaneTaskBox<TResult, TStateMachine> For<TStateMachine>(ref TStateMachine stateMachine,
        ref LaneTaskBox<TResult>? builderBox)
        where TStateMachine : IAsyncStateMachine
    {
        if (builderBox is not null)
        {
            Debug.Assert(builderBox is LaneTaskBox<TResult, TStateMachine>);
            return Unsafe.As<LaneTaskBox<TResult, TStateMachine>>(builderBox);
        }
        LaneTaskBox<TResult, TStateMachine> box = LaneTaskBox<TResult, TStateMachine>.Rent();
        // The builder is a field of the state machine: it must know the box before the machine is copied into it.
        builderBox = box;
        box.StateMachine = stateMachine;
        return box;
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
        if (_waiter is { } waiter)
        {
            _waiter = null;
            waiter.Run();
        }
        else if (_isForgotten)
        {
            _isForgotten = false;
            TakeResult(Version);
        }
    }

    internal override bool IsCompleted(short version)
    {
        WaitCore.Require(version == Version);
        return _completed;
    }

    internal override void OnCompleted(LaneWork waiter, short version)
    {
        WaitCore.Require(version == Version && _waiter is null);
        if (_completed)
        {
            waiter.Run();
            return;
        }
        _waiter = waiter;
    }

    internal override void Forget(short version)
    {
        WaitCore.Require(version == Version && _waiter is null);
        if (_completed)
        {
            TakeResult(version);
            return;
        }
        _isForgotten = true;
    }

    internal override TResult TakeResult(short version)
    {
        WaitCore.Require(version == Version && _completed);
        TResult result = _result;
        if (RuntimeHelpers.IsReferenceOrContainsReferences<TResult>())
        {
            _result = default!;
        }
        _completed = false;
        Version++;
        if (_failure is { } failure)
        {
            _failure = null;
            GiveBack();
            failure.Throw();
        }
        GiveBack();
        return result;
    }

    protected abstract void GiveBack();
}

/// <summary>Method side of a box: the suspended state machine itself.</summary>
internal sealed class LaneTaskBox<TResult, TStateMachine> : LaneTaskBox<TResult>
    where TStateMachine : IAsyncStateMachine
{
    /// <summary>Linked by <see cref="LaneWork.Next"/>: what is free waits in no queue.</summary>
    [ThreadStatic]
    private static LaneTaskBox<TResult, TStateMachine>? t_free;

    private Action? _resume;

    public TStateMachine? StateMachine;

    /// <summary>For what cannot take the box itself.</summary>
    public Action Resume => _resume ??= Run;

    public static LaneTaskBox<TResult, TStateMachine> Rent()
    {
        LaneTaskBox<TResult, TStateMachine>? free = t_free;
        if (free is null)
        {
            return new LaneTaskBox<TResult, TStateMachine>();
        }
        t_free = Unsafe.As<LaneTaskBox<TResult, TStateMachine>>(free.Next);
        free.Next = null;
        return free;
    }

    /// <summary>Which kind of awaiter it is stands fast when this is compiled, and nothing is boxed then: optimised
    /// from the first call, so that it is true under a compiler that begins without.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Await<TAwaiter>(ref TAwaiter awaiter)
        where TAwaiter : ICriticalNotifyCompletion
    {
        if (default(TAwaiter) is not null && awaiter is ILaneAwaiter)
        {
            ((ILaneAwaiter)awaiter).OnCompleted(this);
        }
        else
        {
            awaiter.UnsafeOnCompleted(Resume);
        }
    }

    protected internal override void Run() => StateMachine!.MoveNext();

    protected override void GiveBack()
    {
        StateMachine = default;
        Next = t_free;
        t_free = this;
    }
}

/// <summary>A method that failed before it ever suspended.</summary>
internal sealed class FailedTask<TResult> : LaneTaskBox<TResult>
{
    protected internal override void Run() => throw new UnreachableException();

    protected override void GiveBack()
    {
    }
}
