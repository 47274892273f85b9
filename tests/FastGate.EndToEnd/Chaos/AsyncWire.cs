using System.Net.Sockets;
using System.Text;

namespace FastGate.EndToEnd.Chaos;

/// <summary>One end of a connection for tests with hundreds of them: text in, text out.</summary>
internal sealed class AsyncWire(Socket socket, CancellationToken over) : IDisposable
{
    private readonly byte[] _block = new byte[4096];
    private string _text = "";
    private bool _isReset;

    public Socket Socket => socket;

    public async Task SendAsync(string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        for (int sent = 0; sent < bytes.Length;)
        {
            sent += await socket.SendAsync(bytes.AsMemory(sent), over);
        }
    }

    /// <summary>The next head; null when the connection ended before its first byte.</summary>
    public async Task<string?> ReadHeadAsync()
    {
        int end;
        while ((end = _text.IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0)
        {
            if (!await FillAsync())
            {
                return _text.Length == 0 ? null : throw new EndOfStreamException();
            }
        }
        return Take(end + 4);
    }

    public async Task<string> ReadLineAsync()
    {
        int end;
        while ((end = _text.IndexOf("\r\n", StringComparison.Ordinal)) < 0)
        {
            await FillOrThrowAsync();
        }
        return Take(end + 2)[..^2];
    }

    public async Task<string> ReadAsync(int bytes)
    {
        while (_text.Length < bytes)
        {
            await FillOrThrowAsync();
        }
        return Take(bytes);
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
        int count = await socket.ReceiveAsync(_block, over);
        _text += Encoding.Latin1.GetString(_block, 0, count);
        return count > 0;
    }

    private string Take(int count)
    {
        string taken = _text[..count];
        _text = _text[count..];
        return taken;
    }
}
