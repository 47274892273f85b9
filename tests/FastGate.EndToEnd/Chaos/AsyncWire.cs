using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastGate.EndToEnd.Chaos;

/// <summary>One end of a connection for tests with hundreds of them. What is received is given out where it lies, so
/// that bodies of megabytes cost no text.</summary>
internal sealed class AsyncWire(Socket socket, CancellationToken over) : IDisposable
{
    private const int BlockBytes = 8 * 1024;
    /// <summary>Heads and lines of the tests are far below it.</summary>
    private const int TextBytesMax = 256 * 1024;

    private byte[] _block = new byte[BlockBytes];
    private int _from;
    private int _to;
    private bool _isReset;

    public Socket Socket => socket;

    /// <summary>Canceled when its owner is over.</summary>
    public CancellationToken Over => over;

    /// <summary>How often it receives a block; null for as often as there is something.</summary>
    public PeriodicTimer? Pace { get; set; }

    /// <summary>Something has come that was not read, or an end.</summary>
    public bool HasSomething => _from < _to || socket.Poll(0, SelectMode.SelectRead);

    /// <summary>The kernel holds nothing of the connection any more: a peer that has only sent its end would wait for
    /// ours (tcp(7), TCP_INFO).</summary>
    public bool IsDead
    {
        get
        {
            const int TcpInfo = 11;
            const byte Closed = 7;
            Span<byte> state = stackalloc byte[1];
            socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, TcpInfo, state);
            return state[0] == Closed;
        }
    }

    public static async Task<AsyncWire> ConnectAsync(int port, CancellationToken over, int receiveBuffer = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (receiveBuffer > 0)
            {
                socket.ReceiveBufferSize = receiveBuffer;
            }
            await socket.ConnectAsync(IPAddress.Loopback, port, over);
            return new AsyncWire(socket, over);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes, over)..];
        }
    }

    /// <summary>The next head; null when the connection ended before its first byte.</summary>
    public async Task<string?> ReadHeadAsync()
    {
        string? head = await PeekHeadAsync();
        _from += head?.Length ?? 0;
        return head;
    }

    /// <summary>The same, and the next read finds it there still.</summary>
    public async Task<string?> PeekHeadAsync()
    {
        int end;
        while ((end = Find("\r\n\r\n"u8)) < 0)
        {
            if (!await FillAsync())
            {
                return _from == _to ? null : throw new EndOfStreamException();
            }
        }
        return Encoding.Latin1.GetString(_block, _from, end + 4);
    }

    public async Task<string> ReadLineAsync()
    {
        int end;
        while ((end = Find("\r\n"u8)) < 0)
        {
            await FillOrThrowAsync();
        }
        return Take(end + 2)[..^2];
    }

    public async Task<string> ReadAsync(int bytes)
    {
        while (_to - _from < bytes)
        {
            await FillOrThrowAsync();
        }
        return Take(bytes);
    }

    /// <summary>What there is next, at most so many bytes and at least one; valid until the next read. Empty at the
    /// orderly end.</summary>
    public async Task<ReadOnlyMemory<byte>> ReadSomeAsync(int bytesMax)
    {
        if (_from == _to)
        {
            await FillAsync();
        }
        ReadOnlyMemory<byte> some = _block.AsMemory(_from, Math.Min(bytesMax, _to - _from));
        _from += some.Length;
        return some;
    }

    public void Reset()
    {
        _isReset = true;
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public void Dispose()
    {
        if (!_isReset)
        {
            socket.Dispose();
        }
    }

    private async Task FillOrThrowAsync()
    {
        if (!await FillAsync())
        {
            throw new EndOfStreamException();
        }
    }

    private async Task<bool> FillAsync()
    {
        if (_from == _to)
        {
            _from = _to = 0;
        }
        else if (_to == _block.Length)
        {
            MakeRoom();
        }
        if (Pace is not null)
        {
            await Pace.WaitForNextTickAsync(over);
        }
        int count = await socket.ReceiveAsync(_block.AsMemory(_to), over);
        _to += count;
        return count > 0;
    }

    private void MakeRoom()
    {
        if (_from == 0)
        {
            Assert.True(_block.Length < TextBytesMax, "a head or a line without an end");
            Array.Resize(ref _block, _block.Length * 2);
            return;
        }
        _block.AsSpan(_from, _to - _from).CopyTo(_block);
        _to -= _from;
        _from = 0;
    }

    private int Find(ReadOnlySpan<byte> what) => _block.AsSpan(_from, _to - _from).IndexOf(what);

    private string Take(int count)
    {
        string taken = Encoding.Latin1.GetString(_block, _from, count);
        _from += count;
        return taken;
    }
}
