using System.Runtime.InteropServices;
using System.Text;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Net.Linux;

/// <summary>Listens on one address: a socket per lane for TCP (SO_REUSEPORT), one for all lanes for a Unix
/// path.</summary>
internal sealed class SocketListener : Listener
{
    private readonly SocketAcceptor[] _acceptors;
    private readonly string? _unixPath;
    private int _stopped;

    private SocketListener(NetAddress address, SocketAcceptor[] acceptors)
    {
        Address = address;
        _acceptors = acceptors;
        _unixPath = address.Kind == NetAddress.AddressKind.Unix ? address.Path : null;
    }

    public override NetAddress Address { get; }

    public static SocketListener Bind(EpollLane[] lanes, NetAddress address, Action<int> exhausted)
    {
        bool unix = address.Kind == NetAddress.AddressKind.Unix;
        int first;
        if (unix)
        {
            first = ListeningSocket.OpenUnix(address);
        }
        else
        {
            if (address.Port != 0)
            {
                // Without SO_REUSEPORT: a port that another process has must be an error, not a silent sharing.
                ListeningSocket.Close(ListeningSocket.OpenTcp(address, reusePort: false, listen: false));
            }
            first = ListeningSocket.OpenTcp(address, reusePort: true, listen: true);
            address = ListeningSocket.AddressOf(first, address);
        }
        var acceptors = new SocketAcceptor[lanes.Length];
        for (int i = 0; i < lanes.Length; i++)
        {
            int fd = i == 0 ? first : unix ? -1 : ListeningSocket.OpenTcp(address, reusePort: true, listen: true);
            acceptors[i] = new SocketAcceptor(lanes[i], fd, acceptors, exhausted);
        }
        foreach (SocketAcceptor acceptor in acceptors)
        {
            acceptor.Lane.Post(new LaneAction(acceptor.Open));
        }
        return new SocketListener(address, acceptors);
    }

    public override ValueTask<Connection?> AcceptAsync(Lane lane) => _acceptors[lane.Index].AcceptAsync();

    public override void Stop()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }
        foreach (SocketAcceptor acceptor in _acceptors)
        {
            acceptor.Lane.Post(new LaneAction(acceptor.Drain));
        }
        if (_unixPath is not null)
        {
            ListeningSocket.Unlink(_unixPath);
        }
    }
}

/// <summary>One lane's part of a listener: accepts, keeps the lanes level, and gives connections to whoever
/// awaits.</summary>
internal sealed unsafe class SocketAcceptor : LaneTimer
{
    private const int BurstMax = 16;
    private const int ExhaustedPauseMilliseconds = 100;

    private readonly EpollLane _lane;
    private readonly SocketAcceptor[] _siblings;
    private readonly Action<int> _exhausted;
    private readonly Queue<Connection> _accepted = new();
    private readonly LaneSource<Connection?> _wait = new();
    private int _fd;
    private int _slot = -1;
    private bool _ended;

    public SocketAcceptor(EpollLane lane, int fd, SocketAcceptor[] siblings, Action<int> exhausted)
    {
        _lane = lane;
        _fd = fd;
        _siblings = siblings;
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

    public ValueTask<Connection?> AcceptAsync()
    {
        _lane.AssertCurrent();
        if (_accepted.TryDequeue(out Connection? connection))
        {
            return new ValueTask<Connection?>(connection);
        }
        return _ended ? new ValueTask<Connection?>((Connection?)null) : _wait.Begin();
    }

    public void OnEvents() => AcceptSome(BurstMax);

    /// <summary>Takes what the kernel has queued, then stops.</summary>
    public void Drain()
    {
        if (_ended)
        {
            return;
        }
        if (_fd >= 0)
        {
            AcceptSome(int.MaxValue);
        }
        _ended = true;
        _lane.Deadlines.Remove(this);
        CloseDescriptor();
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
            uint length = 128;
            int fd = Libc.Accept4(_fd, address, &length, Libc.SockNonBlock | Libc.SockCloexec);
            if (fd >= 0)
            {
                Place(new SocketConnection(_lane, fd, new ReadOnlySpan<byte>(address, (int)length)));
                continue;
            }
            int error = Marshal.GetLastPInvokeError();
            if (error == Libc.EAgain)
            {
                return;
            }
            if (error is Libc.EMFile or Libc.ENFile or Libc.ENoBufs or Libc.ENoMem)
            {
                Pause(error);
                return;
            }
            // Everything else is about the one connection that went away meanwhile (accept(2)): the next, please.
        }
    }

    /// <summary>Out of descriptors: level-triggered readiness would spin, so the listener is disarmed for a
    /// while.</summary>
    private void Pause(int error)
    {
        _exhausted(error);
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
        least._lane.Post(new LaneAction(() => least.Take(connection)));
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
}

/// <summary>Opens and closes the sockets that listen.</summary>
internal static unsafe class ListeningSocket
{
    private const int Backlog = 65535; // Cut by net.core.somaxconn.

    public static int OpenTcp(NetAddress address, bool reusePort, bool listen)
    {
        byte[] raw = address.SocketAddress;
        int family = raw[0] | (raw[1] << 8);
        int fd = Libc.Socket(family, Libc.SockStream | Libc.SockNonBlock | Libc.SockCloexec, 0);
        if (fd < 0 && address.DualStack)
        {
            // A kernel without IPv6: the IPv4 wildcard is all there is.
            return OpenTcp(NetAddress.Tcp(System.Net.IPAddress.Any, address.Port), reusePort, listen);
        }
        Require(fd >= 0, fd, address);
        Libc.SetInt(fd, Libc.SolSocket, Libc.SoReuseAddr, 1);
        if (reusePort)
        {
            Libc.SetInt(fd, Libc.SolSocket, Libc.SoReusePort, 1);
        }
        if (family == Libc.AfInet6)
        {
            Libc.SetInt(fd, Libc.IpProtoIpv6, Libc.Ipv6V6Only, address.DualStack ? 0 : 1);
        }
        // Inherited by what is accepted.
        Libc.SetInt(fd, Libc.IpProtoTcp, Libc.TcpNoDelay, 1);
        fixed (byte* pointer = raw)
        {
            Require(Libc.Bind(fd, pointer, (uint)raw.Length) == 0, fd, address);
        }
        if (listen)
        {
            Require(Libc.Listen(fd, Backlog) == 0, fd, address);
        }
        return fd;
    }

    /// <summary>A socket file that nobody answers on is a leftover and replaced; one that answers is taken.</summary>
    public static int OpenUnix(NetAddress address)
    {
        byte[] raw = address.SocketAddress;
        fixed (byte* pointer = raw)
        {
            int fd = Libc.Socket(Libc.AfUnix, Libc.SockStream | Libc.SockNonBlock | Libc.SockCloexec, 0);
            Require(fd >= 0, fd, address);
            int bound = Libc.Bind(fd, pointer, (uint)raw.Length);
            if (bound != 0 && Marshal.GetLastPInvokeError() == Libc.EAddrInUse && IsStale(pointer, raw.Length))
            {
                Libc.Unlink(pointer + 2);
                bound = Libc.Bind(fd, pointer, (uint)raw.Length);
            }
            else if (bound != 0 && IsTaken(pointer, raw.Length))
            {
                Libc.Close(fd);
                throw new BindException(address, Libc.EAddrInUse, "another process listens there");
            }
            Require(bound == 0, fd, address);
            Require(Libc.Listen(fd, Backlog) == 0, fd, address);
            return fd;
        }
    }

    public static NetAddress AddressOf(int fd, NetAddress asked)
    {
        if (asked.Port != 0)
        {
            return asked;
        }
        byte* raw = stackalloc byte[128];
        uint length = 128;
        Libc.GetSockName(fd, raw, &length);
        int port = NetAddress.FromSocketAddress(new ReadOnlySpan<byte>(raw, (int)length)).Port;
        return NetAddress.Tcp(asked.Ip!, port, asked.DualStack);
    }

    public static void Close(int fd) => Libc.Close(fd);

    public static void Unlink(string path)
    {
        fixed (byte* pointer = Encoding.UTF8.GetBytes(path + "\0"))
        {
            Libc.Unlink(pointer);
        }
    }

    private static bool IsStale(byte* address, int length) => TryConnect(address, length) == Libc.EConnRefused;

    private static bool IsTaken(byte* address, int length) => TryConnect(address, length) is 0 or Libc.EAgain;

    private static int TryConnect(byte* address, int length)
    {
        int fd = Libc.Socket(Libc.AfUnix, Libc.SockStream | Libc.SockNonBlock | Libc.SockCloexec, 0);
        int result = Libc.Connect(fd, address, (uint)length) == 0 ? 0 : Marshal.GetLastPInvokeError();
        Libc.Close(fd);
        return result;
    }

    private static void Require(bool condition, int fd, NetAddress address)
    {
        if (condition)
        {
            return;
        }
        int error = Marshal.GetLastPInvokeError();
        if (fd >= 0)
        {
            Libc.Close(fd);
        }
        string message = error switch
        {
            Libc.EAddrInUse => "the address is in use",
            Libc.EAcces or Libc.EPerm => "permission denied",
            Libc.EAddrNotAvail => "this machine does not have that address",
            _ => Marshal.GetPInvokeErrorMessage(error),
        };
        throw new BindException(address, error, message);
    }
}
