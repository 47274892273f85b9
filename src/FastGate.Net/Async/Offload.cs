using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace FastGate.Net.Async;

/// <summary>Work on the thread pool whose end is posted back to the lane that asked.</summary>
internal sealed class Offload<TState, TResult>(Lane lane, Func<TState, TResult> work, TState state)
    : LaneWork, IThreadPoolWorkItem, IValueTaskSource<TResult>
{
    private ManualResetValueTaskSourceCore<TResult> _core;
    private TResult _result = default!;
    private ExceptionDispatchInfo? _failure;

    public ValueTask<TResult> Task => new(this, _core.Version);

    public void Execute()
    {
        try
        {
            _result = work(state);
        }
        catch (Exception exception)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
        }
        lane.Post(this);
    }

    protected internal override void Run()
    {
        if (_failure is { } failure)
        {
            _core.SetException(failure.SourceException);
        }
        else
        {
            _core.SetResult(_result);
        }
    }

    public TResult GetResult(short token) => _core.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);
}
