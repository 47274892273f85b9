using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using FastGate.Net.Async;

namespace FastGate.Net;

/// <summary>The read that waits. The reader itself is its source, an object less for a connection that idles; and the
/// result is made when the waiter takes it, so that it never shows a buffer that was given back meanwhile.</summary>
public sealed partial class ConnectionReader : IValueTaskSource<ReadResult>
{
    private WaitCore _wait;
    private bool _isCanceled;
    private Completion? _completion;

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait.StatusOf(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) => _wait.OnCompleted(continuation, state, token);

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        _wait.Take(token);
        return new ReadResult(Buffer, _isCanceled, _ended);
    }

    /// <summary>With what was received, and the waiter runs before this returns.</summary>
    private void CompleteInline()
    {
        _isCanceled = false;
        if (_wait.Complete())
        {
            _wait.Run();
        }
    }

    /// <summary>The waiter runs from the lane's ready queue.</summary>
    private void CompleteQueued(bool isCanceled)
    {
        _isCanceled = isCanceled;
        if (_wait.Complete())
        {
            _connection.Lane.Enqueue(_completion ??= new Completion(this));
        }
    }

    private sealed class Completion(ConnectionReader reader) : LaneWork
    {
        protected internal override void Run() => reader._wait.Run();
    }
}
