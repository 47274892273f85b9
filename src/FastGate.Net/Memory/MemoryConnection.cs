using System.Buffers;
using FastGate.Net.Buffers;

namespace FastGate.Net.Memory;

/// <summary>One end of a stream inside the process: what one end sends, the other receives, through a bounded wire.
/// Both ends live on one lane. Readiness is delivered from the lane's ready queue, never inline: the two ends call
/// each other in turn, and a chain of inline calls would overflow the stack.</summary>
internal sealed class MemoryConnection : Connection
{
    private readonly NetAddress _remote;
    private readonly Wire _inbound;
    private readonly Readiness _readiness;
    private MemoryConnection _peer = null!;
    private bool _cut;

    private MemoryConnection(Lane lane, NetAddress remote, Wire inbound)
        : base(lane)
    {
        _remote = remote;
        _inbound = inbound;
        _readiness = new Readiness(this);
    }

    public override NetAddress Remote => _remote;

    /// <summary>Two ends on one lane.</summary>
    /// <param name="lane">The lane of both.</param>
    /// <param name="server">The address the client asked for; the server's peer has no name.</param>
    /// <param name="wireBytesMax">Bytes that may be under way in each direction.</param>
    public static (MemoryConnection Client, MemoryConnection Server) Pair(Lane lane, NetAddress server,
        int wireBytesMax)
    {
        var toServer = new Wire(wireBytesMax);
        var toClient = new Wire(wireBytesMax);
        var clientEnd = new MemoryConnection(lane, server, toClient);
        var serverEnd = new MemoryConnection(lane, NetAddress.Memory("memory:"), toServer);
        clientEnd._peer = serverEnd;
        serverEnd._peer = clientEnd;
        return (clientEnd, serverEnd);
    }

    /// <summary>A client end whose connect failed.</summary>
    public static MemoryConnection Refused(Lane lane, NetAddress server)
    {
        (MemoryConnection client, MemoryConnection other) = Pair(lane, server, 1);
        other.Close();
        client.NoteFault(ConnectionFault.Refused);
        client.Close();
        return client;
    }

    private protected override bool IsCut => _cut;

    /// <summary>The other end stays, and the wire with it.</summary>
    public override bool IsMovable => false;

    private protected override int ReceiveCore(Span<byte> buffer)
    {
        if (_cut)
        {
            return Failed;
        }
        int count = _inbound.Take(buffer, Lane.Buffers);
        if (count > 0)
        {
            Readable = Peek() != WouldBlock;
            _peer.Announce(writable: true);
            return count;
        }
        return Peek();
    }

    private protected override int Peek()
    {
        if (_cut || _inbound.Cut)
        {
            NoteFault(ConnectionFault.Reset);
            return Failed;
        }
        if (!_inbound.IsEmpty)
        {
            return 1;
        }
        if (_inbound.Ended)
        {
            return 0;
        }
        Readable = false;
        return WouldBlock;
    }

    private protected override long SendCore(in ReadOnlySequence<byte> buffered, in ReadOnlySequence<byte> caller)
    {
        if (_cut || OutputEnded || _inbound.Cut || _peer.IsClosed)
        {
            NoteFault(ConnectionFault.Reset);
            return Failed;
        }
        Wire outbound = _peer._inbound;
        long wanted = buffered.Length + caller.Length;
        long taken = outbound.Put(buffered, Lane.Buffers);
        if (taken == buffered.Length)
        {
            taken += outbound.Put(caller, Lane.Buffers);
        }
        if (taken < wanted)
        {
            Writable = false;
        }
        if (taken > 0)
        {
            _peer.Announce(readable: true);
        }
        return taken > 0 ? taken : WouldBlock;
    }

    private protected override void EndOutputCore()
    {
        _peer._inbound.Ended = true;
        _peer.Announce(readable: true);
    }

    public override void Abort(ConnectionFault fault = ConnectionFault.Aborted)
    {
        Lane.AssertCurrent();
        NoteFault(fault);
        if (IsClosed || _cut)
        {
            return;
        }
        _cut = true;
        CutPeer();
        FailWaiters();
    }

    public override void Close()
    {
        if (IsClosed)
        {
            return;
        }
        Lane.AssertCurrent();
        // As a socket does: closing before the wire was read empty resets, otherwise it ends. And bytes that were to be
        // sent and were not must not look like an end.
        if (!_inbound.IsEmpty || OutputInUse is { HasUnsent: true })
        {
            CutPeer();
        }
        IsClosed = true;
        _inbound.Drop(Lane.Buffers);
        if (!_cut)
        {
            _peer._inbound.Ended = true;
            _peer.Announce(readable: true, writable: true);
        }
        ReleaseBuffers();
    }

    private void CutPeer()
    {
        _inbound.Drop(Lane.Buffers);
        if (!_peer.IsClosed)
        {
            _peer._inbound.Drop(Lane.Buffers);
            _peer._inbound.Cut = true;
            _peer.Announce(readable: true, writable: true, broken: true);
        }
    }

    /// <summary>The other end cannot move along, so what arrives on another lane is cut from it.</summary>
    public override void HandOver(Lane target, Action<Connection> arrived)
    {
        Lane.AssertCurrent();
        Leave();
        if (target != Lane)
        {
            Abort();
            _peer._peer = Stub(Lane);
            _peer = Stub(target);
            Lane = target;
        }
        target.Post(new LaneAction(() => arrived(this)));
    }

    /// <summary>Stands for an end that went away.</summary>
    private static MemoryConnection Stub(Lane lane) =>
        new(lane, NetAddress.Memory("memory:"), new Wire(0)) { IsClosed = true };

    private void Announce(bool readable = false, bool writable = false, bool broken = false)
    {
        if (IsClosed)
        {
            return;
        }
        _readiness.IsReadable |= readable;
        _readiness.IsWritable |= writable && !Writable;
        _readiness.IsBroken |= broken;
        if (!_readiness.IsQueued && (_readiness.IsReadable || _readiness.IsWritable || _readiness.IsBroken))
        {
            Lane.Enqueue(_readiness);
        }
    }

    private sealed class Readiness(MemoryConnection connection) : LaneWork
    {
        public bool IsReadable;
        public bool IsWritable;
        public bool IsBroken;

        protected internal override void Run()
        {
            bool readable = IsReadable;
            bool writable = IsWritable;
            bool broken = IsBroken;
            IsReadable = IsWritable = IsBroken = false;
            if (!connection.IsClosed && !connection._cut)
            {
                if (connection._inbound.Cut)
                {
                    connection.NoteFault(ConnectionFault.Reset);
                }
                connection.OnReadiness(readable || broken, writable || broken, broken);
            }
        }
    }

    /// <summary>The bytes under way in one direction, in pooled segments.</summary>
    private sealed class Wire(int bytesMax)
    {
        private Segment? _head;
        private Segment? _tail;
        private int _headOffset;
        private int _length;

        public bool Ended;
        public bool Cut;

        public bool IsEmpty => _length == 0;

        public long Put(in ReadOnlySequence<byte> source, BufferPool pool)
        {
            long taken = 0;
            foreach (ReadOnlyMemory<byte> piece in source)
            {
                ReadOnlySpan<byte> rest = piece.Span;
                while (rest.Length > 0 && _length < bytesMax)
                {
                    int count = Math.Min(Math.Min(rest.Length, bytesMax - _length), Room(pool).Free);
                    rest[..count].CopyTo(_tail!.FreeSpan);
                    _tail.Advance(count);
                    _length += count;
                    taken += count;
                    rest = rest[count..];
                }
                if (rest.Length > 0)
                {
                    break;
                }
            }
            return taken;
        }

        public int Take(Span<byte> target, BufferPool pool)
        {
            int taken = 0;
            while (_length > 0 && target.Length > 0)
            {
                Segment segment = _head!;
                int count = Math.Min(target.Length, segment.Length - _headOffset);
                segment.Memory.Span.Slice(_headOffset, count).CopyTo(target);
                target = target[count..];
                taken += count;
                _headOffset += count;
                _length -= count;
                if (_headOffset == segment.Length)
                {
                    Release(pool);
                }
            }
            return taken;
        }

        public void Drop(BufferPool pool)
        {
            while (_head is not null)
            {
                Release(pool);
            }
            _length = 0;
        }

        private Segment Room(BufferPool pool)
        {
            if (_tail is not { Free: > 0 })
            {
                Segment fresh = pool.RentSmall();
                _tail?.Append(fresh);
                _head ??= fresh;
                _tail = fresh;
            }
            return _tail;
        }

        private void Release(BufferPool pool)
        {
            Segment segment = _head!;
            _head = segment.NextSegment;
            _headOffset = 0;
            if (_head is null)
            {
                _tail = null;
            }
            pool.Return(segment);
        }
    }
}
