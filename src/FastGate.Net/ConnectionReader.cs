using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using FastGate.Net.Buffers;

namespace FastGate.Net;

/// <summary>The input of a connection: received straight into pooled segments when somebody reads. A reader that waits
/// holds no buffer. A result that is canceled means the read deadline passed; one that is completed with
/// <see cref="Connection.Fault"/> set means the bytes were cut, not ended.</summary>
public sealed partial class ConnectionReader : PipeReader
{
    private readonly Connection _connection;
    private Segment? _head;
    private Segment? _tail;
    private int _headOffset;
    private long _length;
    private bool _allExamined = true;
    private bool _ended;
    private bool _streaming;
    private bool _cancel;
    private long _turn;
    private int _turnBytes;

    internal ConnectionReader(Connection connection) => _connection = connection;

    /// <summary>Bytes one connection may receive in one turn of its lane before it goes to the end of the
    /// queue.</summary>
    public const int TurnBytesMax = 256 * 1024;

    /// <summary>Received bytes are here that nobody has consumed.</summary>
    public bool HasBytes => _length > 0;

    /// <summary>When the read that waits began to, in the lane's milliseconds.</summary>
    public long WaitingSince { get; private set; }

    /// <summary>Bytes of the buffers that are held here.</summary>
    public long HeldBytes => Segment.CapacityFrom(_head);

    /// <summary>The peer ended its side, or the connection broke.</summary>
    public bool IsEnded => _ended;

    public override bool TryRead(out ReadResult result)
    {
        _connection.Lane.AssertCurrent();
        bool isRead = TryRead(out bool isCanceled);
        result = isRead ? new ReadResult(Buffer, isCanceled, _ended) : default;
        return isRead;
    }

    /// <summary>Whether there is a result without a wait.</summary>
    private bool TryRead(out bool isCanceled)
    {
        isCanceled = _cancel;
        _cancel = false;
        return isCanceled || !_allExamined || _ended || (_connection.Readable && MayReceiveThisTurn() && Fill());
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _connection.Lane.AssertCurrent();
        if (consumed.GetObject() is not Segment to || _head is null)
        {
            // An empty buffer was read, which stands on no segment; or a close has given everything back meanwhile.
            return;
        }
        int index = consumed.GetInteger();
        _allExamined = examined.GetObject() == _tail && examined.GetInteger() == _tail!.Length;
        while (_head != to)
        {
            Segment done = _head!;
            _length -= done.Length - _headOffset;
            _headOffset = 0;
            _head = done.NextSegment;
            _connection.Lane.Buffers.Return(done);
        }
        _length -= index - _headOffset;
        _headOffset = index;
        if (_length == 0)
        {
            GiveBackAll();
        }
        else if (_headOffset == to.Length)
        {
            // Consumed to the very end of a segment: the next buffer must begin with bytes.
            _head = to.NextSegment;
            _headOffset = 0;
            _connection.Lane.Buffers.Return(to);
        }
    }

    /// <summary>Completes the waiting read, or the next one, as canceled.</summary>
    public override void CancelPendingRead()
    {
        _connection.Lane.AssertCurrent();
        if (_isPending)
        {
            CompleteQueued(isCanceled: true);
        }
        else
        {
            _cancel = true;
        }
    }

    /// <summary>The connection's own <see cref="Connection.Close"/> gives everything back.</summary>
    public override void Complete(Exception? exception = null)
    {
    }

    private ReadOnlySequence<byte> Buffer => _length == 0
        ? ReadOnlySequence<byte>.Empty
        : new ReadOnlySequence<byte>(_head!, _headOffset, _tail!, _tail!.Length);

    /// <summary>The transport says there is something: receive it for the read that waits.</summary>
    internal void OnReadable()
    {
        if (!MayReceiveThisTurn())
        {
            return;
        }
        if (Fill())
        {
            CompleteInline();
        }
    }

    /// <summary>Receives for the read that waits, which goes on when <see cref="OnReceived"/> is called. Not where many
    /// buffers at a time would matter: for a stream, whose are large, and when memory is nearly short.</summary>
    internal bool TryReceiveAhead()
    {
        if (!_isPending || IsAhead || _streaming || _connection.Lane.Memory.IsNear || !MayReceiveThisTurn())
        {
            return false;
        }
        _connection.Readable = true;
        return Fill();
    }

    /// <summary>What the read waits for was received ahead: it waits for its turn, and not for the peer.</summary>
    public bool IsAhead => _isPending && (!_allExamined || _ended);

    internal void OnReceived() => CompleteInline();

    internal void OnDeadline()
    {
        if (_isPending)
        {
            CompleteQueued(isCanceled: true);
        }
    }

    internal void OnBroken()
    {
        _ended = true;
        if (_isPending)
        {
            CompleteQueued(isCanceled: false);
        }
    }

    internal void Release()
    {
        _ended = true;
        GiveBackAll();
        _isCanceled = false;
        if (_isPending)
        {
            CompleteQueued(isCanceled: false);
        }
    }

    /// <summary>The connection goes to another lane: what is queued here must neither run there nor be waited
    /// for.</summary>
    internal void Leave()
    {
        _resume?.Reader = null;
        _resume = null;
        _turnBytes = 0;
    }

    /// <summary>Receives once. False when there was nothing after all.</summary>
    private bool Fill()
    {
        Segment? target = _tail is { Free: > 0 } tail && _length > 0 ? tail : null;
        bool fresh = target is null;
        target ??= _connection.Lane.Buffers.RentAny(large: _streaming);
        int room = target.Free;
        int count = _connection.Receive(target.FreeSpan);
        if (count <= 0)
        {
            if (fresh)
            {
                _connection.Lane.Buffers.Return(target);
            }
            if (count == Connection.WouldBlock)
            {
                return false;
            }
            _ended = true;
            return true;
        }
        target.Advance(count);
        // A read that filled its buffer means a stream: the next buffers are large until one comes back short.
        _streaming = count == room && (fresh || _streaming);
        _connection.BytesReceived += count;
        _turnBytes += count;
        _length += count;
        _allExamined = false;
        if (fresh)
        {
            Link(target);
        }
        return true;
    }

    private void Link(Segment segment)
    {
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
        _allExamined = true;
    }

    /// <summary>A download that always has more ready would never give its lane back: over its budget, the connection
    /// waits behind the others.</summary>
    private bool MayReceiveThisTurn()
    {
        Lane lane = _connection.Lane;
        if (_turn != lane.Turn)
        {
            _turn = lane.Turn;
            _turnBytes = 0;
        }
        if (_turnBytes < TurnBytesMax)
        {
            return true;
        }
        _resume ??= new Resume { Reader = this };
        if (!_resume.IsQueued)
        {
            lane.Enqueue(_resume);
        }
        return false;
    }

    private Resume? _resume;

    private sealed class Resume : LaneWork
    {
        public ConnectionReader? Reader;

        protected internal override void Run()
        {
            if (Reader is { IsWaiting: true } reader && reader._connection.Readable)
            {
                reader.OnReadable();
            }
        }
    }
}
