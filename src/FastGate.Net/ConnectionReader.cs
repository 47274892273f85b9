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
    private Connection _connection = null!;
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

    internal ConnectionReader()
    {
    }

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

    /// <summary>A read need not wait.</summary>
    internal bool HasResult => _cancel || !_allExamined || _ended;

    /// <summary>Links those that nobody uses.</summary>
    internal ConnectionReader? NextFree;

    /// <summary>Nothing is here that would be missed.</summary>
    internal bool IsUnused =>
        _head is null && !_isPending && !HasResult && _waiter is null && _resume is not { IsQueued: true };

    /// <summary>It is the connection's from here on.</summary>
    internal void Join(Connection connection)
    {
        _connection = connection;
        _ended = connection.IsClosed;
        _streaming = false;
        _turnBytes = 0;
    }

    /// <summary>It is nobody's from here on.</summary>
    internal void Part() => _connection = null!;

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
        bool hasResult = HasResult;
        isCanceled = _cancel;
        _cancel = false;
        return hasResult || (_connection.Readable && TryFill());
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
            _connection.WakeQueued();
        }
    }

    /// <summary>The connection's own <see cref="Connection.Close"/> gives everything back.</summary>
    public override void Complete(Exception? exception = null)
    {
    }

    private ReadOnlySequence<byte> Buffer => _length == 0
        ? ReadOnlySequence<byte>.Empty
        : new ReadOnlySequence<byte>(_head!, _headOffset, _tail!, _tail!.Length);

    /// <summary>The transport says what it has for the read that waits, which goes on inside of this call when that is
    /// something.</summary>
    internal void OnReadiness(bool readable)
    {
        if (IsAhead || (readable && _connection.Readable && TryFill()))
        {
            CompleteInline();
        }
    }

    /// <summary>Receives for who goes on when he is told so. Not where many buffers at a time would matter: for a
    /// stream, whose are large, and when memory is nearly short.</summary>
    internal bool TryReceiveAhead()
    {
        if (HasResult || _streaming || _connection.Lane.Memory.IsNear)
        {
            return false;
        }
        _connection.Readable = true;
        return TryFill();
    }

    /// <summary>Receives, if it may in this turn. False when there was nothing after all.</summary>
    internal bool TryFill() => MayReceiveThisTurn() && Fill();

    /// <summary>What the read waits for was received ahead: it waits for its turn, and not for the peer.</summary>
    public bool IsAhead => _isPending && (!_allExamined || _ended);

    internal void OnBroken()
    {
        _ended = true;
        if (_isPending)
        {
            CompleteQueued(isCanceled: false);
        }
        else
        {
            _connection.WakeQueued();
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

    /// <summary>Receives once.</summary>
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
            Reader?._connection.OnReadableAgain();
        }
    }
}
