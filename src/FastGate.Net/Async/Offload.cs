using System.Runtime.ExceptionServices;

namespace FastGate.Net.Async;

/// <summary>Work on the thread pool whose end is posted back to the lane that asked.</summary>
internal sealed class Offload<TState, TResult>(Lane lane, Func<TState, TResult> work, TState state)
    : LaneWork, IThreadPoolWorkItem
{
    private readonly LaneSource<bool> _wait = new();
    private TResult _result = default!;
    private ExceptionDispatchInfo? _failure;

    public async LaneTask<TResult> RunAsync()
    {
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        await _wait.Begin();
        _failure?.Throw();
        return _result;
    }

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

    protected internal override void Run() => _wait.CompleteInline(true);
}
