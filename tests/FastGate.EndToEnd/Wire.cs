using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastGate.EndToEnd;

/// <summary>One end of a TCP connection that sends and receives exact bytes. It blocks, but no longer than
/// <see cref="BoundMs"/>.</summary>
internal sealed class Wire(Socket socket) : IDisposable
{
    public const int BoundMs = 20_000;

    private readonly List<byte> _buffered = [];
    private readonly byte[] _block = new byte[64 * 1024];

    public Socket Socket { get; } = Bounded(socket);

    public static Wire Connect(int port, int receiveBuffer = 0) =>
        Connect(new IPEndPoint(IPAddress.Loopback, port), receiveBuffer);

    public static Wire Connect(EndPoint address, int receiveBuffer = 0)
    {
        Socket socket = NewSocket(address);
        if (receiveBuffer > 0)
        {
            socket.ReceiveBufferSize = receiveBuffer;
        }
        socket.Connect(address);
        return new Wire(socket);
    }

    /// <summary>A socket for what is said at this address.</summary>
    public static Socket NewSocket(EndPoint address) => address.AddressFamily == AddressFamily.Unix
        ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        : new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    public void Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[Socket.Send(bytes)..];
        }
    }

    /// <summary>Sends as much as goes until the peer stops taking it.</summary>
    /// <returns>False when the peer broke the connection.</returns>
    public bool TrySend(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Send(bytes);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Fin() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Closes with a reset.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    /// <summary>A head with its empty line.</summary>
    public string ReadHead()
    {
        int end;
        while ((end = Find("\r\n\r\n"u8)) < 0)
        {
            Assert.True(Fill(), $"ended within a head: {Encoding.Latin1.GetString([.. _buffered])}");
        }
        return Take(end + 4);
    }

    /// <inheritdoc cref="TryReadHead()"/>
    public bool TryReadHead(out string head)
    {
        int end;
        while ((end = Find("\r\n\r\n"u8)) < 0)
        {
            if (!Fill())
            {
                head = "";
                return false;
            }
        }
        head = Take(end + 4);
        return true;
    }

    /// <summary>Receives a head without allocating; false when the connection ends before one.</summary>
    public bool TryReadHead()
    {
        int end;
        while ((end = Find("\r\n\r\n"u8)) < 0)
        {
            if (!Fill())
            {
                return false;
            }
        }
        _buffered.RemoveRange(0, end + 4);
        return true;
    }

    public string ReadExactly(int bytes)
    {
        while (_buffered.Count < bytes)
        {
            Assert.True(Fill(), $"ended after {_buffered.Count} of {bytes} bytes");
        }
        return Take(bytes);
    }

    /// <summary>A head and the body that its Content-Length announces.</summary>
    public (string Head, string Body) ReadMessage()
    {
        string head = ReadHead();
        return (head, ReadExactly((int)LengthOf(head)));
    }

    public static long LengthOf(string head)
    {
        foreach (string line in head.Split("\r\n"))
        {
            if (line.StartsWith("content-length:", StringComparison.OrdinalIgnoreCase))
            {
                return long.Parse(line[15..].Trim(), CultureInfo.InvariantCulture);
            }
        }
        return 0;
    }

    public static int StatusOf(string head) => int.Parse(head.AsSpan(9, 3), CultureInfo.InvariantCulture);

    /// <summary>Receives a head and the bytes behind it without allocating.</summary>
    public void SkipHead(int behind)
    {
        int end;
        while ((end = Find("\r\n\r\n"u8)) < 0)
        {
            Assert.True(Fill());
        }
        _buffered.RemoveRange(0, end + 4);
        Skip(behind);
    }

    /// <summary>Receives so many bytes without allocating.</summary>
    public void Skip(int bytes)
    {
        while (_buffered.Count < bytes)
        {
            Assert.True(Fill());
        }
        _buffered.RemoveRange(0, bytes);
    }

    /// <summary>Drops what was received and not read yet.</summary>
    /// <returns>How many bytes.</returns>
    public int TakeBuffered() => Take(_buffered.Count).Length;

    /// <summary>Everything up to the end of the connection.</summary>
    /// <param name="reset">It ended in a reset.</param>
    public string ReadToEnd(out bool reset)
    {
        reset = false;
        try
        {
            while (Fill())
            {
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            reset = true;
        }
        return Take(_buffered.Count);
    }

    /// <summary>Asserts that the peer closed, with nothing more to read.</summary>
    public void AssertEnded() => Assert.Equal("", ReadToEnd(out _));

    public void Dispose() => Socket.Dispose();

    private static Socket Bounded(Socket socket)
    {
        socket.ReceiveTimeout = BoundMs;
        socket.SendTimeout = BoundMs;
        return socket;
    }

    private bool Fill()
    {
        int count = Socket.Receive(_block);
        _buffered.AddRange(_block.AsSpan(0, count));
        return count > 0;
    }

    private int Find(ReadOnlySpan<byte> what) =>
        System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_buffered).IndexOf(what);

    private string Take(int count)
    {
        string text = Encoding.Latin1.GetString(
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_buffered)[..count]);
        _buffered.RemoveRange(0, count);
        return text;
    }
}
