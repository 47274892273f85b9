using System.Runtime.InteropServices;

namespace FastGate.Gateway.Stats;

/// <summary>A piece of memory for a gathering write (struct iovec).</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct IoVec(byte* start, int length)
{
    public readonly byte* Start = start;
    public readonly nint Length = length;
}

[StructLayout(LayoutKind.Sequential)]
internal struct PollFd
{
    public int Fd;
    public short Events;
    public short Returned;
}

/// <summary>The calls of the C library that this room makes, the log writer's most of all. Direct, because .NET's file
/// classes cannot append with O_APPEND, gather, or leave a full pipe alone, and report an error by throwing.</summary>
internal static unsafe partial class Posix
{
    public const int WriteOnly = 0x1;
    public const int Create = 0x40;
    public const int NoControllingTerminal = 0x100;
    public const int Append = 0x400;
    public const int NonBlocking = 0x800;
    public const int CloseOnExec = 0x80000;

    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int NoSpace = 28;
    public const int InvalidDescriptor = 9;

    public const short PollIn = 0x1;
    public const short PollOut = 0x4;

    private const int AtCurrentDirectory = -100;
    private const int AtEmptyPath = 0x1000;
    private const uint StatxTypeAndInode = 0x1 | 0x100;
    private const uint StatxSize = 0x200;
    private const int GetFlags = 3;
    private const int SignalPipe = 13;
    private const nint SignalIgnore = 1;
    private const int TypeMask = 0xF000;
    private const int TypeFifo = 0x1000;
    private const int TypeRegular = 0x8000;

    /// <summary>Which file it is, and whether writing to it can be made to wait.</summary>
    public readonly record struct Identity(ulong Inode, uint DeviceMajor, uint DeviceMinor, int Mode)
    {
        public bool IsSameFile(Identity other) =>
            (Inode, DeviceMajor, DeviceMinor) == (other.Inode, other.DeviceMajor, other.DeviceMinor);

        public bool IsRegular => (Mode & TypeMask) == TypeRegular;
        public bool IsFifo => (Mode & TypeMask) == TypeFifo;
    }

    /// <summary>struct statx: unlike struct stat it has one layout on all architectures.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct StatxBuffer
    {
        [FieldOffset(28)]
        public ushort Mode;
        [FieldOffset(32)]
        public ulong Inode;
        [FieldOffset(40)]
        public ulong Size;
        [FieldOffset(136)]
        public uint DeviceMajor;
        [FieldOffset(140)]
        public uint DeviceMinor;
    }

    /// <summary>The descriptor, or the negated errno.</summary>
    public static int Open(string path, int flags, int mode)
    {
        int fd;
        do
        {
            fd = OpenPath(path, flags, mode);
        }
        while (fd < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        return fd < 0 ? -Marshal.GetLastPInvokeError() : fd;
    }

    /// <summary>Bytes written, or the negated errno; never interrupted.</summary>
    public static nint Write(int fd, IoVec* pieces, int count)
    {
        nint written;
        do
        {
            written = WriteVector(fd, pieces, count);
        }
        while (written < 0 && Marshal.GetLastPInvokeError() == Interrupted);
        return written < 0 ? -Marshal.GetLastPInvokeError() : written;
    }

    public static bool TryIdentify(string path, out Identity identity) =>
        TryStatx(AtCurrentDirectory, path, 0, out identity);

    public static bool TryIdentify(int fd, out Identity identity) =>
        TryStatx(fd, "", AtEmptyPath, out identity);

    public static bool TryGetSize(string path, out long size)
    {
        StatxBuffer buffer = default;
        bool found = Statx(AtCurrentDirectory, path, 0, StatxSize, &buffer) == 0;
        size = (long)buffer.Size;
        return found;
    }

    public static bool IsNonBlocking(int fd)
    {
        int flags = FileControl(fd, GetFlags, 0);
        return flags >= 0 && (flags & NonBlocking) != 0;
    }

    /// <summary>A pipe without a reader is an error of the write, not the end of the process.</summary>
    public static void IgnoreBrokenPipes() => Signal(SignalPipe, SignalIgnore);

    public static string Describe(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    private static bool TryStatx(int directory, string path, int flags, out Identity identity)
    {
        StatxBuffer buffer = default;
        bool found = Statx(directory, path, flags, StatxTypeAndInode, &buffer) == 0;
        identity = found
            ? new Identity(buffer.Inode, buffer.DeviceMajor, buffer.DeviceMinor, buffer.Mode)
            : default;
        return found;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenPath(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "writev", SetLastError = true)]
    private static partial nint WriteVector(int fd, IoVec* pieces, int count);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, StatxBuffer* buffer);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FileControl(int fd, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int number, nint handler);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollFd* fds, nuint count, int timeoutMs);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint WriteBytes(int fd, void* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint ReadBytes(int fd, void* bytes, nuint count);
}
