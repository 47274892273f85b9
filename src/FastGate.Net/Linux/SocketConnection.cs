using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastGate.Net.Linux;

/// <summary>A stream socket on an epoll lane.</summary>
internal sealed unsafe partial class SocketConnection : Connection
{
    private const uint Interest =
        Libc.EpollIn | Libc.EpollOut | Libc.EpollRdHup | Libc.EpollPri | Libc.EpollEt;

    private readonly NetAddress? _remote;
    private readonly RawAddress _rawRemote;
    private int _fd;
    private int _slot = -1;
    private bool _hangup;
    private bool _counted;

    /// <summary>An accepted socket; <see cref="Attach"/> puts it on its lane.</summary>
    public SocketConnection(EpollLane lane, int fd, ReadOnlySpan<byte> remote)
        : base(lane)
    {
        _fd = fd;
        _rawRemote = new RawAddress(remote);
    }

    private SocketConnection(EpollLane lane, int fd, NetAddress remote)
        : base(lane)
    {
        _fd = fd;
        _remote = remote;
    }

    /// <summary>Of an accepted connection made anew each time: few ask, and thousands would keep it.</summary>
    public override NetAddress Remote => _remote ?? NetAddress.FromSocketAddress(_rawRemote.Bytes);

    public override ReadOnlySpan<byte> RemoteIp =>
        _remote is { } remote ? remote.IpBytes : NetAddress.IpOf(_rawRemote.Bytes);

    private EpollLane EpollLane => Unsafe.As<EpollLane>(Lane);

    /// <summary>Registers the socket with its lane, whose thread calls. False when the system refuses: the connection
    /// is closed then.</summary>
    public bool Attach(bool counted)
    {
        _counted = counted;
        _slot = EpollLane.Register(_fd, this, Interest, out int error);
        if (_slot >= 0)
        {
            return true;
        }
        NoteFault(Libc.FaultOf(error), error);
        Close();
        return false;
    }

    /// <summary>Moves an accepted, unregistered socket to the lane that will have it.</summary>
    public void Rehome(EpollLane lane) => Lane = lane;

    private protected override void NoteIdle(bool isIdle)
    {
        if (_slot >= 0)
        {
            EpollLane.NoteIdle(_slot, isIdle);
        }
    }

    private protected override void NoteRest(bool isAtRest)
    {
        if (_slot < 0)
        {
            return;
        }
        const uint Ends = Libc.EpollHup | Libc.EpollErr | Libc.EpollRdHup;
        uint waiting = EpollLane.NoteRest(_slot, isAtRest);
        if ((waiting & (Libc.EpollIn | Ends)) != 0)
        {
            // Whoever woke it, a deadline or somebody who wants its place, came before the event's turn.
            Readable = true;
            _hangup |= (waiting & Ends) != 0;
        }
    }

    private protected override bool HasWaitingEvent => _slot >= 0 && EpollLane.HasWaiting(_slot);

    public void OnEvents(uint flags)
    {
        const uint Gone = Libc.EpollHup | Libc.EpollErr;
        if (_connecting is not null)
        {
            OnConnected(flags);
            return;
        }
        if ((flags & Libc.EpollPri) != 0)
        {
            // Urgent data would be read in band or lost depending on an option: no meaning in HTTP, so no peer of ours.
            Abort(ConnectionFault.Urgent);
            TellWatchOfBreak();
            return;
        }
        if ((flags & Libc.EpollErr) != 0 && !IsAwaited)
        {
            // So that an idle connection knows its fault too. Looked for as a read does, which finds it at the end of
            // what is queued, and not behind a FIN that came first: a server that ends and then resets over what it did
            // not read has said all it had to say. SO_ERROR tells only of the reset.
            Peek();
        }
        if ((flags & (Gone | Libc.EpollRdHup)) != 0)
        {
            // Data and FIN come as one edge: a short read no longer means drained.
            _hangup = true;
        }
        // A hang-up is both ends' FIN, or a reset: behind our own FIN it is an orderly end.
        OnReadiness(
            readable: (flags & (Libc.EpollIn | Gone | Libc.EpollRdHup)) != 0,
            writable: (flags & (Libc.EpollOut | Gone)) != 0,
            broken: (flags & Libc.EpollErr) != 0 || ((flags & Libc.EpollHup) != 0 && !OutputEnded));
    }

    private protected override int ReceiveCore(Span<byte> buffer)
    {
        if (_fd < 0)
        {
            return Failed;
        }
        nint count;
        // The buffer is a pooled segment and therefore pinned.
        void* pointer = Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer));
        do
        {
            count = Libc.Recv(_fd, pointer, (nuint)buffer.Length, Libc.MsgDontWait);
        }
        while (count < 0 && EpollLane.Errno == Libc.EIntr);
        if (count > 0)
        {
            if (count < buffer.Length && !_hangup)
            {
                Readable = false;
            }
            return (int)count;
        }
        if (count == 0)
        {
            return 0;
        }
        return Refused(ref Readable);
    }

    /// <summary>Of the call that has just given nothing: not now, which is noted, or never more.</summary>
    private int Refused(ref bool isReady)
    {
        int error = EpollLane.Errno;
        if (error == Libc.EAgain)
        {
            isReady = false;
            return WouldBlock;
        }
        NoteFault(Libc.FaultOf(error), error);
        return Failed;
    }

    private protected override int Peek()
    {
        if (_fd < 0)
        {
            return Failed;
        }
        byte one;
        nint count;
        do
        {
            count = Libc.Recv(_fd, &one, 1, Libc.MsgDontWait | Libc.MsgPeek);
        }
        while (count < 0 && EpollLane.Errno == Libc.EIntr);
        if (count >= 0)
        {
            return (int)count;
        }
        return Refused(ref Readable);
    }

    private protected override bool IsCut => _fd < 0;

    private protected override void EndOutputCore() => Libc.Shutdown(_fd, Libc.ShutWr);

    public override void Abort(ConnectionFault fault = ConnectionFault.Aborted)
    {
        Lane.AssertCurrent();
        NoteFault(fault);
        if (_fd < 0)
        {
            return;
        }
        ResetOnClose();
        CloseDescriptor();
        _connecting?.Finish();
        FailWaiters();
    }

    /// <summary>Linger of zero seconds: close sends RST and drops what is queued (socket(7)).</summary>
    private void ResetOnClose()
    {
        Libc.Linger linger = new() { OnOff = 1, Seconds = 0 };
        Libc.SetSockOpt(_fd, Libc.SolSocket, Libc.SoLinger, &linger, (uint)sizeof(Libc.Linger));
    }

    public override void Close()
    {
        if (IsClosed)
        {
            return;
        }
        Lane.AssertCurrent();
        IsClosed = true;
        OutputInUse?.SendOwed();
        if (_fd >= 0 && OutputInUse is { HasUnsent: true })
        {
            // A FIN behind half an answer would make it look whole.
            ResetOnClose();
        }
        CloseDescriptor();
        _connecting?.Finish();
        ReleaseBuffers();
    }

    public void CloseDescriptor()
    {
        if (_fd < 0)
        {
            return;
        }
        Unowe();
        if (_slot >= 0)
        {
            EpollLane.Unregister(_slot);
            _slot = -1;
        }
        if (_counted)
        {
            EpollLane.CountConnection(-1);
        }
        Libc.Close(_fd);
        OpenSockets.Closed();
        _fd = -1;
    }

    /// <summary>A socket address of an IP peer, kept in place.</summary>
    [InlineArray(28)]
    private struct RawBytes
    {
        private byte _first;
    }

    private struct RawAddress
    {
        private RawBytes _bytes;
        private readonly byte _length;

        public RawAddress(ReadOnlySpan<byte> source)
        {
            _length = (byte)Math.Min(source.Length, 28);
            source[.._length].CopyTo(_bytes);
        }

        [UnscopedRef]
        public readonly ReadOnlySpan<byte> Bytes => ((ReadOnlySpan<byte>)_bytes)[.._length];
    }
}
