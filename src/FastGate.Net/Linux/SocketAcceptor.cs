using System.Runtime.InteropServices;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Net.Linux;

/// <summary>One lane's part of a listener: accepts, keeps the lanes level, and gives connections to whoever
/// awaits.</summary>
internal sealed unsafe class SocketAcceptor : LaneTimer
{
    private const int BurstMax = 16;
    private const int ExhaustedPauseMilliseconds = 100;
    /// <summary>While descriptors are short, this part of them is left to connections to servers: each newcomer may
    /// need one.</summary>
    private const int SparePart = 16;

    private readonly EpollLane _lane;
    private readonly SocketAcceptor[] _siblings;
    private readonly bool _leavesSpare;
    private readonly Action<int> _exhausted;
    private readonly Queue<Connection> _accepted = new();
    private readonly LaneSource<Connection?> _wait = new();
    private int _fd;
    private int _slot = -1;
    private bool _ended;
    private bool _isExhausted;
    /// <summary>Sockets of the process from which on nobody is accepted; bounded while there is a crowd.</summary>
    private int _openMax = int.MaxValue;

    public SocketAcceptor(EpollLane lane, int fd, SocketAcceptor[] siblings, bool leavesSpare,
        Action<int> exhausted)
    {
        _lane = lane;
        _fd = fd;
        _siblings = siblings;
        _leavesSpare = leavesSpare;
        _exhausted = exhausted;
    }

    public EpollLane Lane => _lane;

    public void Open()
    {
        if (_fd >= 0 && !_ended)
        {
            _slot = _lane.Register(_fd, this, Libc.EpollIn, out _);
        }
    }

    public LaneTask<Connection?> AcceptAsync()
    {
        _lane.AssertCurrent();
        if (_accepted.TryDequeue(out Connection? connection))
        {
            return new LaneTask<Connection?>(connection);
        }
        return _ended ? new LaneTask<Connection?>((Connection?)null) : _wait.Begin();
    }

    public void OnEvents() => AcceptSome(BurstMax);

    /// <summary>Takes what the kernel has queued, then stops listening.</summary>
    public void Drain()
    {
        if (_fd >= 0)
        {
            _openMax = int.MaxValue;
            AcceptSome(ListeningSocket.Backlog);
        }
        _lane.Deadlines.Remove(this);
        CloseDescriptor();
    }

    /// <summary>No lane will give anything here any more.</summary>
    public void End()
    {
        _ended = true;
        if (_wait.IsPending)
        {
            _wait.CompleteQueued(null, _lane);
        }
    }

    public void CloseDescriptor()
    {
        if (_fd < 0)
        {
            return;
        }
        if (_slot >= 0)
        {
            _lane.Unregister(_slot);
            _slot = -1;
        }
        Libc.Close(_fd);
        _fd = -1;
    }

    protected internal override void OnDue()
    {
        if (_fd >= 0 && _slot >= 0)
        {
            _lane.Rearm(_slot, _fd, Libc.EpollIn);
        }
    }

    private void AcceptSome(int most)
    {
        byte* address = stackalloc byte[128];
        for (int i = 0; i < most; i++)
        {
            if (OpenSockets.Count >= _openMax)
            {
                _lane.MakesRoom?.Invoke();
                Pause();
                return;
            }
            uint length = 128;
            int fd = Libc.Accept4(_fd, address, &length, Libc.SockNonBlock | Libc.SockCloexec);
            if (fd >= 0)
            {
                OpenSockets.Opened();
                Place(new SocketConnection(_lane, fd, new ReadOnlySpan<byte>(address, (int)length)));
                continue;
            }
            int error = Marshal.GetLastPInvokeError();
            if (error == Libc.EAgain)
            {
                _isExhausted = false;
                _openMax = int.MaxValue;
                return;
            }
            if (error is Libc.EMFile or Libc.ENFile or Libc.ENoBufs or Libc.ENoMem or Libc.EBadF or Libc.EInval)
            {
                OnExhausted(error);
                return;
            }
            // Everything else is about the one connection that went away meanwhile (accept(2)): the next, please.
        }
    }

    /// <summary>Out of descriptors or memory. Told once, until nobody waits to be accepted.</summary>
    private void OnExhausted(int error)
    {
        if (!_isExhausted)
        {
            _isExhausted = true;
            _exhausted(error);
        }
        if (Libc.IsOutOfDescriptors(error))
        {
            if (_leavesSpare)
            {
                int open = OpenSockets.Count;
                _openMax = Math.Max(1, open - Math.Max(1, open / SparePart));
            }
            _lane.MakesRoom?.Invoke();
        }
        Pause();
    }

    /// <summary>Level-triggered readiness would spin, so the listener is disarmed for a while.</summary>
    private void Pause()
    {
        if (_slot >= 0)
        {
            _lane.Rearm(_slot, _fd, 0);
            _lane.Deadlines.Set(this, _lane.Now + ExhaustedPauseMilliseconds);
        }
    }

    /// <summary>SO_REUSEPORT spreads few connections badly: a lane that holds clearly more than the least loaded one
    /// gives the new connection away.</summary>
    private void Place(SocketConnection connection)
    {
        SocketAcceptor least = this;
        foreach (SocketAcceptor sibling in _siblings)
        {
            if (sibling._lane.Connections < least._lane.Connections)
            {
                least = sibling;
            }
        }
        int fewest = least._lane.Connections;
        if (least == this || _lane.Connections <= fewest + (fewest / 8))
        {
            _lane.CountConnection(1);
            Take(connection);
            return;
        }
        least._lane.CountConnection(1);
        connection.Rehome(least._lane);
        least._lane.Post(new Arrival(least, connection));
    }

    private void Take(SocketConnection connection)
    {
        if (!connection.Attach(counted: true))
        {
            return;
        }
        if (_wait.IsPending)
        {
            _wait.CompleteInline(connection);
        }
        else
        {
            _accepted.Enqueue(connection);
        }
    }

    /// <summary>An accepted socket under way to the lane that has fewer.</summary>
    private sealed class Arrival(SocketAcceptor acceptor, SocketConnection connection) : LaneWork
    {
        protected internal override void Run() => acceptor.Take(connection);

        internal override void Abandon() => connection.CloseDescriptor();
    }
}
