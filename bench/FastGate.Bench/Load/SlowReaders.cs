using System.Net;
using System.Net.Sockets;
using System.Text;
using FastGate.Bench.Peers;

namespace FastGate.Bench.Load;

/// <summary>Clients that ask for much and read it slowly, with as small a receive buffer as the system gives: nearly
/// all of the answer waits on the proxy's side. A thread of their own reads from each once a second.</summary>
internal sealed class SlowReaders(LoadOptions options) : IDisposable
{
    private const int SlicesPerSecond = 100;

    private readonly List<Socket?> _sockets = [];
    private readonly byte[] _buffer = new byte[options.SlowRate];
    private Thread? _thread;
    private volatile bool _ended;
    private long _broken;
    private long _bytesRead;

    /// <summary>Readers that did not get status 200, or whose answer ended early.</summary>
    public long Broken => Volatile.Read(ref _broken);

    public long BytesRead => Volatile.Read(ref _bytesRead);

    /// <summary>Connects all of them and waits for the first bytes of each.</summary>
    public void Start()
    {
        if (options.Slow == 0)
        {
            return;
        }
        byte[] request = Encoding.ASCII.GetBytes(
            $"GET {options.SlowPath} HTTP/1.1\r\nHost: 127.0.0.1:{options.Port}\r\n\r\n");
        for (int i = 0; i < options.Slow; i++)
        {
            _sockets.Add(Open(request));
        }
        for (int i = 0; i < _sockets.Count; i++)
        {
            ReadFirst(i);
        }
        _thread = new Thread(Read) { Name = "slow readers", IsBackground = true };
        _thread.Start();
    }

    public void Dispose()
    {
        _ended = true;
        _thread?.Join();
        foreach (Socket? socket in _sockets)
        {
            socket?.Dispose();
        }
    }

    private Socket? Open(byte[] request)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveBufferSize = 4096,
            ReceiveTimeout = 5_000,
        };
        try
        {
            socket.Connect(IPAddress.Loopback, options.Port);
            socket.Send(request);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            _broken++;
            return null;
        }
    }

    private void ReadFirst(int index)
    {
        if (_sockets[index] is not { } socket)
        {
            return;
        }
        try
        {
            int count = socket.Receive(_buffer);
            if (MessageHead.Status(_buffer.AsSpan(0, count)) != 200)
            {
                Drop(index);
                return;
            }
            _bytesRead += count;
            socket.Blocking = false;
        }
        catch (SocketException)
        {
            Drop(index);
        }
    }

    private void Read()
    {
        int perSlice = Math.Max(1, (_sockets.Count + SlicesPerSecond - 1) / SlicesPerSecond);
        int next = 0;
        for (int slice = 0; !_ended; slice++)
        {
            if (slice % SlicesPerSecond == 0)
            {
                next = 0;
            }
            for (int i = 0; i < perSlice && next < _sockets.Count; i++)
            {
                ReadOnce(next++);
            }
            Thread.Sleep(1000 / SlicesPerSecond);
        }
    }

    private void ReadOnce(int index)
    {
        if (_sockets[index] is not { } socket)
        {
            return;
        }
        int count = socket.Receive(_buffer, SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            return;
        }
        if (count == 0)
        {
            Drop(index);
            return;
        }
        Volatile.Write(ref _bytesRead, _bytesRead + count);
    }

    private void Drop(int index)
    {
        _sockets[index]!.Dispose();
        _sockets[index] = null;
        Volatile.Write(ref _broken, _broken + 1);
    }
}
