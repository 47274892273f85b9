using System.Runtime.InteropServices;
using System.Text;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

/// <summary>The calls of the C library that tests of full and broken pipes need.</summary>
internal static unsafe partial class Pipes
{
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int UnixFamily = 1;
    private const int Stream = 1;
    private const short PollIn = 1;

    public static string MakeFifo(string directory)
    {
        string path = Path.Combine(directory, "fifo");
        Assert.Equal(0, MkFifo(path, 0b110_000_000));
        return path;
    }

    /// <summary>A reader of a fifo; opening does not wait for a writer.</summary>
    public static int OpenReader(string path)
    {
        int fd = Posix.Open(path, NonBlocking | CloseOnExec, 0);
        Assert.True(fd >= 0);
        return fd;
    }

    /// <summary>Two connected sockets that wait: like a standard output that is a socket.</summary>
    public static (int Writer, int Reader) Sockets()
    {
        int* pair = stackalloc int[2];
        Assert.Equal(0, SocketPair(UnixFamily, Stream | CloseOnExec, 0, pair));
        return (pair[0], pair[1]);
    }

    /// <summary>A pipe whose ends both wait.</summary>
    public static (int Writer, int Reader) Pipe()
    {
        int* pair = stackalloc int[2];
        Assert.Equal(0, Pipe2(pair, CloseOnExec));
        return (pair[1], pair[0]);
    }

    /// <summary>What can be read now, at most so many bytes; empty when there is nothing.</summary>
    public static string ReadNow(int fd, int bytesMax = 1 << 20)
    {
        var text = new StringBuilder();
        var buffer = new byte[Math.Min(bytesMax, 65536)];
        while (text.Length < bytesMax && CanRead(fd, 0))
        {
            int count = Read(fd, buffer.AsSpan(0, Math.Min(buffer.Length, bytesMax - text.Length)));
            if (count <= 0)
            {
                break;
            }
            text.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
        return text.ToString();
    }

    /// <summary>Waits until there is something to read; false when the time is up.</summary>
    public static bool CanRead(int fd, int timeoutMs)
    {
        var poll = new PollFd { Fd = fd, Events = PollIn };
        return Posix.Poll(&poll, 1, timeoutMs) == 1;
    }

    public static int Read(int fd, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return (int)Posix.ReadBytes(fd, start, (nuint)buffer.Length);
        }
    }

    public static void Close(int fd) => Assert.Equal(0, Posix.Close(fd));

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MkFifo(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "socketpair")]
    private static partial int SocketPair(int family, int type, int protocol, int* pair);

    [LibraryImport("libc", EntryPoint = "pipe2")]
    private static partial int Pipe2(int* pair, int flags);
}

/// <summary>A directory of its own for one test.</summary>
internal sealed class Scratch : IDisposable
{
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("fastgate-log-").FullName;

    public string File(string name) => Path.Combine(Directory, name);

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
