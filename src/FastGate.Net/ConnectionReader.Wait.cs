using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using FastGate.Net.Async;

namespace FastGate.Net;

/// <summary>The read that waits. The result is made when the waiter takes it, so that it never shows a buffer that was
/// given back meanwhile.</summary>
public sealed partial class ConnectionReader
{
    private LaneWork? _waiter;
    private PipeRead? _pipeRead;
    private bool _isPending;
    private bool _isCanceled;

    /// <summary>A read is waiting.</summary>
    public bool IsWaiting => _isPending;

    /// <summary>Who waits for what is received.</summary>
    internal LaneWork? Waiter => _waiter;

    /// <summary>As <see cref="ReceiveAsync"/>, for who knows any pipe.</summary>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
        TryReceive() ? new ValueTask<ReadResult>(Result) : (_pipeRead ??= new PipeRead(this)).Begin();

    /// <summary>Reads what is here, or waits for it: awaited at once, on the connection's lane, and one at a time.
    /// </summary>
    public ReceiveAwaitable ReceiveAsync() => new(this);

    /// <summary>Whether there is a result now; otherwise a wait begins.</summary>
    private bool TryReceive()
    {
        _connection.Lane.AssertCurrent();
        Debug.Assert(!_isPending, "a read is under way already");
        if (TryRead(out _isCanceled))
        {
            return true;
        }
        if (_connection.TakeReadOverdue())
        {
            _isCanceled = true;
            return true;
        }
        WaitingSince = _connection.Lane.Now;
        _isPending = true;
        return false;
    }

    private ReadResult Result => new(Buffer, _isCanceled, _ended);

    /// <summary>With what was received, and the waiter runs before this returns.</summary>
    private void CompleteInline()
    {
        _isCanceled = false;
        _isPending = false;
        if (_waiter is { } waiter)
        {
            _waiter = null;
            waiter.Run();
        }
    }

    /// <summary>The waiter runs from the lane's ready queue.</summary>
    private void CompleteQueued(bool isCanceled)
    {
        _isCanceled = isCanceled;
        _isPending = false;
        if (_waiter is { } waiter)
        {
            _waiter = null;
            _connection.Lane.Enqueue(waiter);
        }
    }

    /// <summary>A read: what is awaited and its awaiter in one.</summary>
    public readonly struct ReceiveAwaitable : ICriticalNotifyCompletion, ILaneAwaiter
    {
        private readonly ConnectionReader _reader;

        internal ReceiveAwaitable(ConnectionReader reader) => _reader = reader;

        public ReceiveAwaitable GetAwaiter() => this;

        /// <summary>Asked once; a wait begins where it is not.</summary>
        public bool IsCompleted => _reader.TryReceive();

        public ReadResult GetResult()
        {
            Debug.Assert(!_reader._isPending, "nothing was read yet");
            return _reader.Result;
        }

        public void OnCompleted(Action continuation) => _reader._waiter = new LaneAction(continuation);

        public void UnsafeOnCompleted(Action continuation) => OnCompleted(continuation);

        void ILaneAwaiter.OnCompleted(LaneWork waiter) => _reader._waiter = waiter;
    }

    /// <summary>The wait of <see cref="ReadAsync"/>.</summary>
    private sealed class PipeRead(ConnectionReader reader) : LaneWork, IValueTaskSource<ReadResult>
    {
        private ManualResetValueTaskSourceCore<bool> _core;

        public ValueTask<ReadResult> Begin()
        {
            _core.Reset();
            reader._waiter = this;
            return new ValueTask<ReadResult>(this, _core.Version);
        }

        protected internal override void Run() => _core.SetResult(true);

        public ReadResult GetResult(short token)
        {
            _core.GetResult(token);
            return reader.Result;
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        /// <summary>On the lane, whatever the context.</summary>
        public void OnCompleted(Action<object?> continuation, object? state, short token,
            ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);
    }
}
