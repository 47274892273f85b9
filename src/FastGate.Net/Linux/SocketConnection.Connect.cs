using System.Runtime.InteropServices;
using FastGate.Net.Async;

namespace FastGate.Net.Linux;

/// <summary>How a connection of ours comes about: a non-blocking connect, its end told by an edge, its deadline that of
/// writing.</summary>
internal sealed unsafe partial class SocketConnection
{
    private ConnectAttempt? _connecting;

    /// <returns>A socket to connect with, or -1 with errno in <paramref name="error"/>.</returns>
    public static int Open(NetAddress address, out int error)
    {
        int fd = Libc.Socket(FamilyOf(address), Libc.SockStream | Libc.SockNonBlock | Libc.SockCloexec, 0);
        error = fd < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (fd >= 0)
        {
            OpenSockets.Opened();
        }
        return fd;
    }

    /// <summary>Connects what <see cref="Open"/> gave, or says in the connection why it gave nothing.</summary>
    public static LaneTask<Connection> ConnectAsync(EpollLane lane, int fd, int error, NetAddress address, long due,
        ConnectHandle? handle)
    {
        var connection = new SocketConnection(lane, fd, address);
        if (fd < 0)
        {
            return connection.FailedConnect(error);
        }
        byte[] raw = address.SocketAddress;
        if (FamilyOf(address) != Libc.AfUnix)
        {
            Libc.SetInt(fd, Libc.IpProtoTcp, Libc.TcpNoDelay, 1);
        }
        int result;
        fixed (byte* pointer = raw)
        {
            result = Libc.Connect(fd, pointer, (uint)raw.Length);
        }
        error = result == 0 ? 0 : Marshal.GetLastPInvokeError();
        if (error is not 0 and not Libc.EInProgress)
        {
            return connection.FailedConnect(error);
        }
        if (error == Libc.EInProgress)
        {
            connection.Writable = false;
            connection._connecting = new ConnectAttempt(connection, handle);
        }
        if (!connection.Attach(counted: false) || error == 0)
        {
            return new LaneTask<Connection>(connection);
        }
        handle?.Begin(connection);
        connection.SetWriteDeadline(due);
        return connection._connecting!.Begin();
    }

    private static int FamilyOf(NetAddress address) => address.SocketAddress[0] | (address.SocketAddress[1] << 8);

    private LaneTask<Connection> FailedConnect(int error)
    {
        NoteFault(Libc.FaultOf(error), error);
        Close();
        return new LaneTask<Connection>(this);
    }

    /// <summary>The edge that ends a connect may tell of bytes or an end as well: it is the only one that will.
    /// </summary>
    private void OnConnected(uint flags)
    {
        ConnectAttempt attempt = _connecting!;
        _connecting = null;
        attempt.Forget();
        SetWriteDeadline(Never);
        int error = Libc.TakeError(_fd);
        if (error != 0)
        {
            NoteFault(Libc.FaultOf(error), error);
            FailWaiters();
        }
        else if ((flags & Libc.EpollPri) != 0)
        {
            Abort(ConnectionFault.Urgent);
        }
        else
        {
            Writable = true;
            _hangup = (flags & (Libc.EpollHup | Libc.EpollErr | Libc.EpollRdHup)) != 0;
            Readable = _hangup || (flags & Libc.EpollIn) != 0;
        }
        attempt.CompleteInline(this);
    }

    /// <summary>The wait for a connect to end; its deadline is the connection's write deadline.</summary>
    private sealed class ConnectAttempt(SocketConnection connection, ConnectHandle? handle) : LaneSource<Connection>
    {
        public void Forget() => handle?.End();

        public void Finish()
        {
            connection._connecting = null;
            Forget();
            CompleteQueued(connection, connection.Lane);
        }
    }

    private protected override void OnWriteDeadline(bool gapIsOver)
    {
        if (_connecting is null)
        {
            base.OnWriteDeadline(gapIsOver);
            return;
        }
        Abort(ConnectionFault.TimedOut);
    }
}
