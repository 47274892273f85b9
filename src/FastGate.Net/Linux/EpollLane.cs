using System.Runtime.InteropServices;

namespace FastGate.Net.Linux;

/// <summary>A lane that waits with epoll. Every descriptor is registered once, edge-triggered for connections; an event
/// names a slot and its generation, never the descriptor, which may be another connection's within the same
/// batch.</summary>
internal sealed unsafe partial class EpollLane : Lane
{
    /// <summary>Events of one wait; an edge that finds no room comes with the next.</summary>
    private const int BatchMax = 8 * BeginsMax;

    private const ulong WakeData = ulong.MaxValue;

    /// <summary>Connections that may owe a send at a time: with so many a burst is large enough, and the first of them
    /// must not wait for a batch that is much larger, nor hold its buffer for so long.</summary>
    internal const int OwingMax = 64;

    private readonly int _epoll;
    private readonly int _wake;
    private byte* _events;
    private readonly Thread _thread;
    private Slot[] _slots = new Slot[64];
    private int _freeSlot = -1;
    private int _slotCount;
    private readonly SocketConnection?[] _owing = new SocketConnection?[OwingMax];
    private int _owingCount;
    private readonly Lock _wakeGate = new();
    private int* _errno;
    private bool _started;
    private bool _ended;

    private struct Slot
    {
        public object? Target;
        public uint Generation;
        public int NextFree;
        public int NextToBegin;
        public uint Waiting;
        public uint WaitingSince;
        public bool IsIdle;
        public bool IsAtRest;
        public bool IsToBegin;
    }

    public EpollLane(int index)
        : base(index)
    {
        _epoll = Check(Libc.EpollCreate1(Libc.EpollCloexec), "epoll_create1");
        _wake = Check(Libc.EventFd(0, Libc.EfdNonBlock | Libc.EfdCloexec), "eventfd");
        _events = (byte*)NativeMemory.Alloc((nuint)(BatchMax * EpollEvent.Bytes));
        Control(Libc.EpollCtlAdd, _wake, Libc.EpollIn, WakeData);
        _thread = new Thread(RunThread) { Name = $"lane {index}", IsBackground = true };
    }

    /// <summary>errno of the last call in cooperative mode on this thread.</summary>
    public int Errno => *_errno;

    public void Start()
    {
        _started = true;
        _thread.Start();
    }

    /// <summary>Ends the thread and closes what is open. Not from the lane itself.</summary>
    public void End()
    {
        if (_ended)
        {
            return;
        }
        if (Thread.CurrentThread == _thread)
        {
            throw new InvalidOperationException("a lane cannot wait for its own end");
        }
        _ended = true;
        Stop();
        if (_started)
        {
            _thread.Join();
        }
        else
        {
            // Never started: listeners that wait to be opened are closed the same way.
            RunThread();
        }
    }

    /// <summary>Gives the lane's own descriptors back, when no lane can post to this one any more.</summary>
    public void Release()
    {
        AbandonForeign();
        lock (_wakeGate)
        {
            if (_events is not null)
            {
                Libc.Close(_wake);
                Libc.Close(_epoll);
                NativeMemory.Free(_events);
                _events = null;
            }
        }
    }

    /// <summary>Registers a descriptor and gives it a slot.</summary>
    /// <returns>The slot, or -1 with errno in <paramref name="error"/>.</returns>
    public int Register(int fd, object target, uint flags, out int error)
    {
        int slot = _freeSlot;
        if (slot >= 0)
        {
            _freeSlot = _slots[slot].NextFree;
        }
        else
        {
            if (_slotCount == _slots.Length)
            {
                Array.Resize(ref _slots, _slots.Length * 2);
            }
            slot = _slotCount++;
        }
        ref Slot entry = ref _slots[slot];
        entry.Target = target;
        error = Control(Libc.EpollCtlAdd, fd, flags, Data(slot, entry.Generation));
        if (error != 0)
        {
            Unregister(slot);
            return -1;
        }
        return slot;
    }

    /// <summary>Changes what a level-triggered descriptor waits for.</summary>
    public void Rearm(int slot, int fd, uint flags) =>
        Control(Libc.EpollCtlMod, fd, flags, Data(slot, _slots[slot].Generation));

    /// <summary>Frees the slot; events of it that are still in the batch go nowhere. Closing the descriptor is the
    /// caller's.</summary>
    public void Unregister(int slot)
    {
        ref Slot entry = ref _slots[slot];
        entry.Target = null;
        entry.IsIdle = false;
        entry.IsAtRest = false;
        entry.Waiting = 0;
        entry.Generation++;
        entry.NextFree = _freeSlot;
        _freeSlot = slot;
    }

    /// <summary>Whether what happens on the slot's connection is dispatched before the rest of a batch.</summary>
    public void NoteIdle(int slot, bool isIdle) => _slots[slot].IsIdle = isIdle;

    /// <summary>Whether what happens on the slot's connection begins something, and waits for what is under
    /// way.</summary>
    /// <returns>What has happened on it and waits.</returns>
    public uint NoteRest(int slot, bool isAtRest)
    {
        ref Slot entry = ref _slots[slot];
        entry.IsAtRest = isAtRest;
        return entry.Waiting;
    }

    /// <summary>Something has happened on the slot's connection and waits.</summary>
    public bool HasWaiting(int slot) => _slots[slot].Waiting != 0;

    /// <summary>Takes a descriptor that stays open out of this epoll.</summary>
    public void Detach(int slot, int fd)
    {
        Control(Libc.EpollCtlDel, fd, 0, 0);
        Unregister(slot);
    }

    public void CountConnection(int change) => Interlocked.Add(ref _connections, change);

    /// <summary>The connection's owed bytes are sent at the end of the turn, or when <see cref="OwingMax"/> owe.
    /// </summary>
    /// <returns>Its place, for <see cref="Unowe"/>, until it is told otherwise.</returns>
    public int Owe(SocketConnection connection)
    {
        _owing[_owingCount] = connection;
        return _owingCount++;
    }

    public bool OwingIsFull => _owingCount == OwingMax;

    public void Unowe(int place) => _owing[place] = null;

    /// <summary>One burst: a peer's core is woken once and finds many messages, where each alone would wake it
    /// again.</summary>
    private protected override void SendOwed() => SendAllOwed();

    public void SendAllOwed()
    {
        for (int place = 0; place < _owingCount; place++)
        {
            if (_owing[place] is { } connection)
            {
                _owing[place] = null;
                Pay(connection);
            }
        }
        _owingCount = 0;
    }

    private void Pay(SocketConnection connection)
    {
        try
        {
            connection.PayOwed();
        }
        catch (Exception exception)
        {
            Guard(exception);
            connection.Abort();
        }
    }

    private protected override void Wake()
    {
        // A thread may post while the lane ends: the number of a closed descriptor can be a connection's by then.
        lock (_wakeGate)
        {
            if (_events is not null)
            {
                ulong one = 1;
                Libc.Write(_wake, &one, sizeof(ulong));
            }
        }
    }

    private protected override void WaitAndDispatch(int milliseconds)
    {
        int count = Libc.EpollWait(_epoll, _events, BatchMax, milliseconds);
        WaitEnded();
        FetchSlots(count);
        DispatchAll(SetAside(count));
        DispatchAll(TakeToBegin());
    }

    /// <summary>Dispatches a batch from its first event on, a part that is received for ahead at a time.</summary>
    private void DispatchAll(int count)
    {
        for (int from = 0; from < count; from += AheadMax)
        {
            int to = Math.Min(from + AheadMax, count);
            if (to - from > 1)
            {
                ReceiveAhead(from, to);
            }
            DispatchPart(from, to);
        }
    }

    private void DispatchPart(int from, int to)
    {
        byte* one = _events + (from * EpollEvent.Bytes);
        for (int i = from; i < to; i++, one += EpollEvent.Bytes)
        {
            FetchForDispatch(one, to - i);
            ulong data = EpollEvent.Data(one);
            if (data == WakeData)
            {
                ulong ignored;
                Libc.Read(_wake, &ignored, sizeof(ulong));
                continue;
            }
            Dispatch((int)(uint)data, (uint)(data >> 32), EpollEvent.Flags(one));
        }
    }

    private void Dispatch(int slot, uint generation, uint flags)
    {
        ref Slot entry = ref _slots[slot];
        if (entry.Generation != generation)
        {
            return;
        }
        object? target = entry.Target;
        try
        {
            if (target is SocketConnection connection)
            {
                connection.OnEvents(flags);
            }
            else
            {
                ((SocketAcceptor)target!).OnEvents();
            }
        }
        catch (Exception exception)
        {
            Guard(exception);
            // Nobody knows what state its owner is in: a bug costs this connection, and no other.
            if (target is SocketConnection broken && broken.Lane == this)
            {
                broken.Abort();
            }
        }
    }

    private void RunThread()
    {
        _errno = Libc.ErrnoLocation();
        Run();
        for (int slot = 0; slot < _slotCount; slot++)
        {
            switch (_slots[slot].Target)
            {
                case SocketConnection connection:
                    connection.CloseDescriptor();
                    break;
                case SocketAcceptor acceptor:
                    acceptor.CloseDescriptor();
                    break;
            }
        }
    }

    private static ulong Data(int slot, uint generation) => (uint)slot | ((ulong)generation << 32);

    private int Control(int operation, int fd, uint flags, ulong data)
    {
        byte* one = stackalloc byte[16];
        EpollEvent.Set(one, flags, data);
        return Libc.EpollCtl(_epoll, operation, fd, one) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    private static int Check(int result, string call) => result >= 0
        ? result
        : throw new IOException(
            $"cannot start an event loop: {call}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
}
