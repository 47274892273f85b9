using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastGate.Net.Linux;

/// <summary>The system calls of the transport. All are blittable; the two hot ones stay in cooperative mode
/// (<see cref="SuppressGCTransitionAttribute"/>) against its documented rule of "no I/O": the sockets are non-blocking,
/// a call takes a few microseconds, and the transition would be several percent of a small exchange.</summary>
internal static unsafe partial class Libc
{
    private const string Name = "libc";

    public const ushort AfUnix = 1;
    public const ushort AfInet = 2;
    public const ushort AfInet6 = 10;
    public const int SockStream = 1;
    public const int SockNonBlock = 0x800;
    public const int SockCloexec = 0x80000;
    public const int SolSocket = 1;
    public const int SoReuseAddr = 2;
    public const int SoError = 4;
    /// <summary>Bytes that were sent and not acknowledged (tcp(7), unix(7)).</summary>
    public const nuint SiocOutQ = 0x5411;
    public const int SoLinger = 13;
    public const int SoReusePort = 15;
    public const int IpProtoTcp = 6;
    public const int TcpNoDelay = 1;
    public const int IpProtoIpv6 = 41;
    public const int Ipv6V6Only = 26;
    public const int MsgPeek = 0x2;
    public const int MsgDontWait = 0x40;
    public const int MsgNoSignal = 0x4000;
    public const int ShutWr = 1;

    public const uint EpollIn = 0x1;
    public const uint EpollPri = 0x2;
    public const uint EpollOut = 0x4;
    public const uint EpollErr = 0x8;
    public const uint EpollHup = 0x10;
    public const uint EpollRdHup = 0x2000;
    public const uint EpollEt = 0x80000000;
    public const int EpollCtlAdd = 1;
    public const int EpollCtlDel = 2;
    public const int EpollCtlMod = 3;
    public const int EpollCloexec = 0x80000;
    public const int EfdNonBlock = 0x800;
    public const int EfdCloexec = 0x80000;

    public const int EPerm = 1;
    public const int ENoEnt = 2;
    public const int EIntr = 4;
    public const int EBadF = 9;
    public const int EAgain = 11;
    public const int ENoMem = 12;
    public const int EAcces = 13;
    public const int EInval = 22;
    public const int ENFile = 23;
    public const int EMFile = 24;
    public const int EPipe = 32;
    public const int EProto = 71;
    public const int EAddrInUse = 98;
    public const int EAddrNotAvail = 99;
    public const int ENetDown = 100;
    public const int ENetUnreach = 101;
    public const int EConnAborted = 103;
    public const int EConnReset = 104;
    public const int ENoBufs = 105;
    public const int ETimedOut = 110;
    public const int EConnRefused = 111;
    public const int EHostUnreach = 113;
    public const int EInProgress = 115;
    public const int ECanceled = 125;

    public const int RLimitNoFile = 7;

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVec
    {
        public void* Start;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct MsgHdr
    {
        public void* Name;
        public uint NameLength;
        public IoVec* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Linger
    {
        public int OnOff;
        public int Seconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport(Name, EntryPoint = "recv")]
    [SuppressGCTransition]
    public static partial nint Recv(int fd, void* buffer, nuint length, int flags);

    [LibraryImport(Name, EntryPoint = "send")]
    [SuppressGCTransition]
    public static partial nint Send(int fd, void* buffer, nuint length, int flags);

    [LibraryImport(Name, EntryPoint = "sendmsg")]
    [SuppressGCTransition]
    public static partial nint SendMsg(int fd, MsgHdr* message, int flags);

    /// <summary>Where this thread's errno lives: read right after a call in cooperative mode, which nothing can
    /// interrupt.</summary>
    [LibraryImport(Name, EntryPoint = "__errno_location")]
    public static partial int* ErrnoLocation();

    [LibraryImport(Name, EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int family, int type, int protocol);

    [LibraryImport(Name, EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(int fd, byte* address, uint length);

    [LibraryImport(Name, EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(int fd, int backlog);

    [LibraryImport(Name, EntryPoint = "accept4", SetLastError = true)]
    public static partial int Accept4(int fd, byte* address, uint* length, int flags);

    [LibraryImport(Name, EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(int fd, byte* address, uint length);

    [LibraryImport(Name, EntryPoint = "shutdown", SetLastError = true)]
    public static partial int Shutdown(int fd, int how);

    [LibraryImport(Name, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport(Name, EntryPoint = "getsockname", SetLastError = true)]
    public static partial int GetSockName(int fd, byte* address, uint* length);

    [LibraryImport(Name, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSockOpt(int fd, int level, int name, void* value, uint length);

    [LibraryImport(Name, EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetSockOpt(int fd, int level, int name, void* value, uint* length);

    [LibraryImport(Name, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoCtl(int fd, nuint request, int* value);

    [LibraryImport(Name, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate1(int flags);

    [LibraryImport(Name, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int EpollCtl(int epoll, int operation, int fd, byte* epollEvent);

    [LibraryImport(Name, EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int EpollWait(int epoll, byte* events, int count, int timeout);

    [LibraryImport(Name, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport(Name, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int fd, void* buffer, nuint length);

    [LibraryImport(Name, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, void* buffer, nuint length);

    [LibraryImport(Name, EntryPoint = "unlink", SetLastError = true)]
    public static partial int Unlink(byte* path);

    [LibraryImport(Name, EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetRLimit(int resource, ResourceLimit* limit);

    [LibraryImport(Name, EntryPoint = "setrlimit", SetLastError = true)]
    public static partial int SetRLimit(int resource, ResourceLimit* limit);

    [LibraryImport(Name, EntryPoint = "statx", SetLastError = true)]
    private static partial int StatX(int directory, byte* path, int flags, uint mask, byte* result);

    /// <summary>The path itself, no link followed, is a socket.</summary>
    public static bool IsSocket(byte* path)
    {
        const int CurrentDirectory = -100;
        const int NoFollow = 0x100;
        const uint TypeOnly = 1;
        const int ModeOffset = 28;
        byte* result = stackalloc byte[256];
        return StatX(CurrentDirectory, path, NoFollow, TypeOnly, result) == 0
            && (*(ushort*)(result + ModeOffset) & 0xF000) == 0xC000;
    }

    public static void SetInt(int fd, int level, int name, int value) =>
        SetSockOpt(fd, level, name, &value, sizeof(int));

    /// <summary>The error of a broken socket, which reading clears; 0 for none.</summary>
    public static int TakeError(int fd)
    {
        int value = 0;
        uint length = sizeof(int);
        return GetSockOpt(fd, SolSocket, SoError, &value, &length) == 0 ? value : 0;
    }

    /// <summary>The process, or the system, has no descriptor left.</summary>
    public static bool IsOutOfDescriptors(int error) => error is EMFile or ENFile;

    public static ConnectionFault FaultOf(int error) => error switch
    {
        EConnRefused or ENoEnt => ConnectionFault.Refused,
        // EAGAIN of connect(2): a Unix listener's backlog is full.
        EAgain => ConnectionFault.Refused,
        EHostUnreach or ENetUnreach or ENetDown or EAddrNotAvail or EAcces or EPerm => ConnectionFault.Unreachable,
        ETimedOut => ConnectionFault.TimedOut,
        EConnReset or EPipe or EConnAborted => ConnectionFault.Reset,
        EMFile or ENFile or ENoBufs or ENoMem => ConnectionFault.Exhausted,
        // By its own caller, before the system was asked.
        ECanceled => ConnectionFault.Aborted,
        _ => ConnectionFault.System,
    };
}

/// <summary>struct epoll_event, which is packed on x64 and naturally aligned elsewhere.</summary>
internal static unsafe class EpollEvent
{
    private static readonly bool s_packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    public static readonly int Bytes = s_packed ? 12 : 16;

    private static readonly int s_dataOffset = s_packed ? 4 : 8;

    public static uint Flags(byte* one) => Unsafe.ReadUnaligned<uint>(one);

    public static ulong Data(byte* one) => Unsafe.ReadUnaligned<ulong>(one + s_dataOffset);

    public static void Set(byte* one, uint flags, ulong data)
    {
        Unsafe.WriteUnaligned(one, flags);
        Unsafe.WriteUnaligned(one + s_dataOffset, data);
    }
}
