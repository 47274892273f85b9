using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using FastGate.Net.Async;
using FastGate.Net.Buffers;

namespace FastGate.Net;

/// <summary>The output of a connection: what is written is buffered in pooled segments and sent on flush, together with
/// the caller's own segments, in one call. A result that is canceled means the write deadline passed; one that is
/// completed means the connection broke. What a canceled flush did not send is kept here, the caller's segments as a
/// copy, and goes first with the next one.</summary>
public sealed partial class ConnectionWriter : PipeWriter
{
    private Connection _connection = null!;
    private LaneSource<FlushResult>? _wait; // Few flushes ever wait.
    private Segment? _head;
    private Segment? _tail;
    private int _headOffset;
    private long _length;
    private ReadOnlySequence<byte> _caller;
    private bool _broken;

    internal ConnectionWriter()
    {
    }

    /// <summary>A flush is waiting for the peer.</summary>
    public bool IsWaiting => _wait is { IsPending: true };

    /// <summary>When the flush that waits began to, in the lane's milliseconds.</summary>
    public long WaitingSince { get; private set; }

    /// <summary>Bytes of the buffers that are held here; a caller's own are his reader's.</summary>
    public long HeldBytes => Segment.CapacityFrom(_head);

    /// <summary>Bytes are here that were written and not flushed, or that a canceled flush left.</summary>
    public bool HasBytes => _length > _owed;

    /// <summary>Bytes, here or with the caller of a flush, that the peer was to get and did not.</summary>
    internal bool HasUnsent => _length > 0 || !_caller.IsEmpty;

    /// <summary>Links those that nobody uses.</summary>
    internal ConnectionWriter? NextFree;

    /// <summary>Nothing is here that would be missed.</summary>
    internal bool IsUnused => _head is null && _caller.IsEmpty && !_broken && !IsWaiting;

    /// <summary>It is the connection's from here on.</summary>
    internal void Join(Connection connection, bool isBroken)
    {
        _connection = connection;
        _broken = isBroken;
    }

    /// <summary>It is nobody's from here on.</summary>
    internal void Part() => _connection = null!;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length - _owed;

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
    public LaneTask<FlushResult> SendAsync()
    {
        _connection.Lane.AssertCurrent();
        Debug.Assert(!IsWaiting, "a flush is under way already");
        if (_broken)
        {
            GiveBackAll();
            return new LaneTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: true));
        }
        // What is owed goes with the rest, and is waited for with it.
        bool wasStuck = IsStuck;
        IsStuck = false;
        _owed = 0;
        if (!HasUnsent)
        {
            // A buffer that was reserved and not used is not kept.
            GiveBackAll();
            return new LaneTask<FlushResult>(new FlushResult(isCanceled: false, isCompleted: false));
        }
        if (_connection.Writable && SendNow(owedOnly: false) != Connection.WouldBlock)
        {
            return new LaneTask<FlushResult>(new FlushResult(isCanceled: false, _broken));
        }
        if (_connection.TakeWriteOverdue())
        {
            KeepCallersRest();
            return new LaneTask<FlushResult>(new FlushResult(isCanceled: true, _broken));
        }
        WaitingSince = _connection.Lane.Now;
        _connection.NoteWriteWait(goesOn: wasStuck);
        return (_wait ??= new()).Begin();
    }

    /// <summary>As <see cref="SendAsync"/>, for who knows any pipe.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        await SendAsync();

    /// <summary>Copies <paramref name="source"/> behind what was written and sends both.</summary>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source,
        CancellationToken cancellationToken = default)
    {
        Append(source.Span);
        return FlushAsync(cancellationToken);
    }

    /// <summary>Sends what was written and then <paramref name="source"/>, which was read from a connection of this
    /// lane: its segments are sent where they are, so they must not be released before this completes.</summary>
    public LaneTask<FlushResult> SendAsync(in ReadOnlySequence<byte> source)
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

    /// <summary>Drops what was written and not flushed, and what a canceled flush left: an answer that is replaced by
    /// another one.</summary>
    public void Discard()
    {
        Debug.Assert(!IsWaiting);
        if (_owed == 0)
        {
            GiveBackAll();
            return;
        }
        Segment last = OwedEnd(out int end);
        GiveBack(last.NextSegment);
        last.Truncate(end);
        _tail = last;
        _length = _owed;
    }

    /// <summary>The connection's own <see cref="Connection.Close"/> gives everything back.</summary>
    public override void Complete(Exception? exception = null)
    {
    }

    internal void OnWritable()
    {
        long sent = SendNow(owedOnly: false);
        if (sent != Connection.WouldBlock)
        {
            _connection.NoteWriteWaitEnded();
            _wait!.CompleteInline(new FlushResult(isCanceled: false, _broken));
        }
    }

    /// <summary>Ends a waiting flush as canceled.</summary>
    internal void OnDeadline()
    {
        if (_wait is { IsPending: true })
        {
            KeepCallersRest();
            _wait.CompleteQueued(new FlushResult(isCanceled: true, _broken), _connection.Lane);
        }
    }

    internal void OnBroken()
    {
        _broken = true;
        Drop(_owed);
        IsStuck = false;
        if (_wait is { IsPending: true })
        {
            _wait.CompleteQueued(new FlushResult(isCanceled: false, isCompleted: true), _connection.Lane);
        }
    }

    internal void Release()
    {
        GiveBackAll();
        OnBroken();
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

    /// <summary>Sends until all of it is gone, the peer takes no more, or the connection breaks.</summary>
    /// <returns><see cref="Connection.WouldBlock"/> when something is left, otherwise 0.</returns>
    private int SendNow(bool owedOnly)
    {
        while (owedOnly ? _owed > 0 : HasUnsent)
        {
            ReadOnlySequence<byte> buffered = Buffered(owedOnly);
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
                return (owedOnly ? _owed > 0 : HasUnsent) ? Connection.WouldBlock : 0;
            }
        }
        if (_length == 0)
        {
            // A buffer that was reserved and not used is not kept through a wait.
            GiveBackAll();
        }
        return 0;
    }

    private ReadOnlySequence<byte> Buffered(bool owedOnly)
    {
        if (_length == 0)
        {
            return ReadOnlySequence<byte>.Empty;
        }
        int end = _tail!.Length;
        Segment last = owedOnly && _owed < _length ? OwedEnd(out end) : _tail;
        return new ReadOnlySequence<byte>(_head!, _headOffset, last, end);
    }

    private void Drop(long sent)
    {
        _owed = Math.Max(_owed - sent, 0);
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
        GiveBack(_head);
        _head = null;
        _tail = null;
        _headOffset = 0;
        _length = 0;
        _owed = 0;
        IsStuck = false;
        _caller = default;
    }

    private void GiveBack(Segment? first)
    {
        while (first is { } segment)
        {
            first = segment.NextSegment;
            _connection.Lane.Buffers.Return(segment);
        }
    }
}
