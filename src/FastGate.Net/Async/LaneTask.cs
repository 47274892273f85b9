using System.Runtime.CompilerServices;

namespace FastGate.Net.Async;

/// <summary>What an async method of a lane returns: its result, or the box in which the method waits. As a value task
/// it is awaited exactly once, on the lane that started it; unlike one it knows that a lane's method awaits it, and the
/// waiter's own box is what runs on, without a delegate for it. No execution context flows.</summary>
[AsyncMethodBuilder(typeof(LaneTaskMethodBuilder<>))]
public readonly struct LaneTask<TResult>
{
    private readonly LaneTaskSource<TResult>? _source;
    private readonly TResult _result;
    private readonly short _version;

    public LaneTask(TResult result) => _result = result;

    internal LaneTask(LaneTaskSource<TResult> source, short version)
    {
        _source = source;
        _version = version;
        _result = default!;
    }

    /// <summary>True also when it failed.</summary>
    public bool IsCompleted => _source is not { } source || source.IsCompleted(_version);

    public LaneTaskAwaiter<TResult> GetAwaiter() => new(this);

    /// <summary>For who waits for several at once. Called on the lane.</summary>
    public async Task<TResult> AsTask() => await this;

    /// <summary>Nobody waits for it: what the method waits in is used again when it ends. What it fails with is thrown
    /// where it fails, into the lane.</summary>
    public void Forget() => _source?.Forget(_version);

    internal TResult GetResult() => _source is { } source ? source.TakeResult(_version) : _result;

    internal void OnCompleted(LaneWork waiter)
    {
        if (_source is { } source)
        {
            source.OnCompleted(waiter, _version);
        }
        else
        {
            waiter.Run();
        }
    }
}

/// <summary>The same without a result. The default one is completed.</summary>
[AsyncMethodBuilder(typeof(LaneTaskMethodBuilder))]
public readonly struct LaneTask
{
    private readonly LaneTask<Nothing> _task;

    internal LaneTask(LaneTask<Nothing> task) => _task = task;

    /// <inheritdoc cref="LaneTask{TResult}.IsCompleted"/>
    public bool IsCompleted => _task.IsCompleted;

    public LaneTaskAwaiter GetAwaiter() => new(this);

    /// <inheritdoc cref="LaneTask{TResult}.AsTask"/>
    public async Task AsTask() => await this;

    /// <inheritdoc cref="LaneTask{TResult}.Forget"/>
    public void Forget() => _task.Forget();

    internal void GetResult() => _task.GetResult();

    internal void OnCompleted(LaneWork waiter) => _task.OnCompleted(waiter);
}

/// <summary>An awaiter that takes the box of a lane's method as it is.</summary>
internal interface ILaneAwaiter
{
    void OnCompleted(LaneWork waiter);
}

/// <summary>Of a <see cref="LaneTask{TResult}"/>.</summary>
public readonly struct LaneTaskAwaiter<TResult> : ICriticalNotifyCompletion, ILaneAwaiter
{
    private readonly LaneTask<TResult> _task;

    internal LaneTaskAwaiter(in LaneTask<TResult> task) => _task = task;

    public bool IsCompleted => _task.IsCompleted;

    public TResult GetResult() => _task.GetResult();

    public void OnCompleted(Action continuation) => _task.OnCompleted(new LaneAction(continuation));

    public void UnsafeOnCompleted(Action continuation) => OnCompleted(continuation);

    void ILaneAwaiter.OnCompleted(LaneWork waiter) => _task.OnCompleted(waiter);
}

/// <summary>Of a <see cref="LaneTask"/>.</summary>
public readonly struct LaneTaskAwaiter : ICriticalNotifyCompletion, ILaneAwaiter
{
    private readonly LaneTask _task;

    internal LaneTaskAwaiter(in LaneTask task) => _task = task;

    public bool IsCompleted => _task.IsCompleted;

    public void GetResult() => _task.GetResult();

    public void OnCompleted(Action continuation) => _task.OnCompleted(new LaneAction(continuation));

    public void UnsafeOnCompleted(Action continuation) => OnCompleted(continuation);

    void ILaneAwaiter.OnCompleted(LaneWork waiter) => _task.OnCompleted(waiter);
}

/// <summary>What stands behind a task that has not its result yet. A version names one use of it.</summary>
public abstract class LaneTaskSource<TResult> : LaneWork
{
    internal abstract bool IsCompleted(short version);

    /// <summary>Not before it was asked whether it is completed.</summary>
    internal abstract void OnCompleted(LaneWork waiter, short version);

    /// <summary>The result is taken when it is there, by nobody.</summary>
    internal abstract void Forget(short version);

    /// <summary>Gives the result, or throws what it failed with; it may be used again then.</summary>
    internal abstract TResult TakeResult(short version);
}

internal readonly struct Nothing;
