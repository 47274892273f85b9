using System.Runtime.InteropServices;
using System.Text;

namespace FastGate.Net.Linux;

/// <summary>Opens and closes the sockets that listen.</summary>
internal static unsafe class ListeningSocket
{
    public const int Backlog = 65535; // Cut by net.core.somaxconn.

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
            if (bound != 0 && Marshal.GetLastPInvokeError() == Libc.EAddrInUse)
            {
                // A connect to a plain file is refused too: only a socket may be removed.
                if (!Libc.IsSocket(pointer + 2) || TryConnect(pointer, raw.Length) != Libc.EConnRefused)
                {
                    Libc.Close(fd);
                    throw new BindException(address, Libc.EAddrInUse, "the path is in use");
                }
                Libc.Unlink(pointer + 2);
                bound = Libc.Bind(fd, pointer, (uint)raw.Length);
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
