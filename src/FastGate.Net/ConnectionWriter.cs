using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using FastGate.Net.Async;
using FastGate.Net.Buffers;

namespace FastGate.Net;

/// <summary>The output of a connection: what is written is buffered in pooled segments and sent on flush, together with
/// the caller's own segments, in one call. A result that is canceled means the write deadline passed; one that is
/// completed means the connection broke. What a canceled flush did not send is kept here, the caller's segments as a
/// copy, and goes first with the next one.</summary>
public sealed class ConnectionWriter : PipeWriter
{
    private readonly Connection _connection;
    private readonly LaneSource<FlushResult> _wait = new();
    private Segment? _head;
    private Segment? _tail;
    private int _headOffset;
    private long _length;
    private ReadOnlySequence<byte> _caller;
    private bool _broken;

    internal ConnectionWriter(Connection connection) => _connection = connection;

    /// <summary>A flush is waiting for the peer.</summary>
    public bool IsWaiting => _wait.IsPending;

    /// <summary>When the flush that waits began to, in the lane's milliseconds.</summary>
    public long WaitingSince { get; private set; }

    /// <summary>Bytes of the buffers that are held here; a caller's own are his reader's.</summary>
    public long HeldBytes => Segment.CapacityFrom(_head);

    /// <summary>Bytes are here that were not sent.</summary>
    public bool HasBytes => _length > 0;

    /// <summary>Bytes, here or with the caller of a flush, that the peer was to get and did not.</summary>
    internal bool HasUnsent => _length > 0 || !_caller.IsEmpty;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _tail!.FreeMemory;
    }

    /// <summary>Room for <paramref name="sizeHint"/> bytes in one piece.</summary>
    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _tail!.FreeSpan;
    }

    public override void Advance(int bytes)
    {
        _tail!.Advance(bytes);
        _length += bytes;
    }

    /// <summary>Sends what was written.</summary>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => SendAsync();

    /// <summary>Copies <paramref name="source"/> behind what was written and sends both.</summary>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source,
        CancellationToken cancellationToken = default)
    {
        Append(source.Span);
        return SendAsync();
    }

    /// <summary>Sends what was written and then <paramref name="source"/>, which was read from a connection of this
    /// lane: its segments are sent where they are, so they must not be released before this completes.</summary>
    public ValueTask<FlushResult> WriteAsync(in ReadOnlySequence<byte> source)
    {
        Debug.Assert(source.IsEmpty || source.Start.GetObject() is Segment, "only pooled segments are pinned");
        _caller = source;
        return SendAsync();
    }

    /// <summary>Copies bytes behind what was written.</summary>
    public void Append(ReadOnlySpan<byte> source)
    {
        while (source.Length > 0)
        {
            Span<byte> room = GetSpan();
            int count = Math.Min(room.Length, source.Length);
            source[..count].CopyTo(room);
            Advance(count);
            source = source[count..];
        }
    }

    /// <summary>Completes the waiting flush as canceled. Without one it does nothing, unlike other pipes: who cancels a
    /// flush wants this one ended, and an answer on the same connection must not pay for it later.</summary>
    public override void CancelPendingFlush()
    {
        _connection.Lane.AssertCurrent();
        OnDeadline();
    }

    /// <summary>Drops what was written and not sent: an answer that is replaced by another one.</summary>
    public void Discard()
    {
        Debug.Assert(!_wait.IsPending);
        GiveBackAll();
    }

    /// <summary>The connection's own <see cref="Connection.Close"/> gives everything back.</summary>
    public override void Complete(Exception? exception = null)
    {
    }

    internal void OnWritable()
    {
        long sent = SendNow();
        if (sent != Connection.WouldBlock)
        {
            _connection.NoteWriteWaitEnded();
            _wait.CompleteInline(new FlushResult(isCanceled: false, _broken));
        }
    }

    /// <summary>Ends a waiting flush as canceled.</summary>
    internal void OnDeadline()
    {
        if (_wait.IsPending)
        {
            KeepCallersRest();
            _wait.CompleteQueued(new FlushResult(isCanceled: true, _broken), _connection.Lane);
        }
    }

    internal void OnBroken()
    {
        _broken = true;
        if (_wait.IsPending)
        {
            _wait.CompleteQueued(new FlushResult(isCanceled: false, isCompleted: true), _connection.Lane);
        }
    }

    internal void Release()
    {
        GiveBackAll();
        OnBroken();
    }

    private ValueTask<FlushResult> SendAsync()
    {
        _connection.Lane.AssertCurrent();
        Debug.Assert(!_wait.IsPending, "a flush is under way already");
        if (_broken)
        {
            GiveBackAll();
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true));
        }
        if (!HasUnsent)
        {
            // A buffer that was reserved and not used is not kept.
            GiveBackAll();
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: false));
        }
        if (_connection.Writable && SendNow() != Connection.WouldBlock)
        {
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: false, _broken));
        }
        if (_connection.TakeWriteOverdue())
        {
            KeepCallersRest();
            return new ValueTask<FlushResult>(new FlushResult(isCanceled: true, _broken));
        }
        WaitingSince = _connection.Lane.Now;
        _connection.NoteWriteWait();
        return _wait.Begin();
    }

    /// <summary>The caller may release its segments after a canceled flush: they would be another connection's bytes by
    /// the time of the next one.</summary>
    private void KeepCallersRest()
    {
        ReadOnlySequence<byte> rest = _caller;
        _caller = default;
        foreach (ReadOnlyMemory<byte> piece in rest)
        {
            Append(piece.Span);
        }
    }

    /// <summary>Sends until all is gone, the peer takes no more, or the connection breaks.</summary>
    /// <returns><see cref="Connection.WouldBlock"/> when something is left, otherwise 0.</returns>
    private int SendNow()
    {
        while (_length > 0 || !_caller.IsEmpty)
        {
            ReadOnlySequence<byte> buffered = _length == 0
                ? ReadOnlySequence<byte>.Empty
                : new ReadOnlySequence<byte>(_head!, _headOffset, _tail!, _tail!.Length);
            long sent = _connection.Send(buffered, _caller);
            if (sent == Connection.Failed)
            {
                _broken = true;
                GiveBackAll();
                return 0;
            }
            if (sent != Connection.WouldBlock)
            {
                _connection.BytesSent += sent;
                Drop(sent);
            }
            if (!_connection.Writable)
            {
                return _length > 0 || !_caller.IsEmpty ? Connection.WouldBlock : 0;
            }
        }
        // A buffer that was reserved and not used is not kept through a wait.
        GiveBackAll();
        return 0;
    }

    private void Drop(long sent)
    {
        while (_length > 0 && sent > 0)
        {
            Segment segment = _head!;
            int here = (int)Math.Min(sent, segment.Length - _headOffset);
            _headOffset += here;
            _length -= here;
            sent -= here;
            if (_headOffset == segment.Length)
            {
                _head = segment.NextSegment;
                _headOffset = 0;
                _connection.Lane.Buffers.Return(segment);
            }
        }
        if (_head is null)
        {
            _tail = null;
        }
        if (sent > 0)
        {
            _caller = _caller.Slice(sent);
        }
    }

    private void Reserve(int sizeHint)
    {
        if (_tail is not null && _tail.Free >= Math.Max(sizeHint, 1))
        {
            return;
        }
        Segment segment = _connection.Lane.Buffers.Rent(sizeHint);
        if (_tail is null)
        {
            _head = segment;
            _headOffset = 0;
        }
        else
        {
            _tail.Append(segment);
        }
        _tail = segment;
    }

    private void GiveBackAll()
    {
        while (_head is { } segment)
        {
            _head = segment.NextSegment;
            _connection.Lane.Buffers.Return(segment);
        }
        _tail = null;
        _headOffset = 0;
        _length = 0;
        _caller = default;
    }
}
