using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using FastGate.EndToEnd.Chaos;

namespace FastGate.EndToEnd.Upgrade;

/// <summary>The runtime's web socket straight on a socket: where Kestrel resets a client that breaks a rule, and often
/// loses the close frame that says which, the client of this server sees it.</summary>
internal sealed class StreamSocketServer : IAsyncDisposable
{
    private const string Guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _over = new();
    private readonly Task _accepting;

    public StreamSocketServer()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public string Address => $"127.0.0.1:{Port}";

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _over.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptAsync(_over.Token);
                socket.NoDelay = true;
                serving.Add(ServeAsync(socket));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // The tests are over.
        }
        await Task.WhenAll(serving);
    }

    private async Task ServeAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            string head = await ReadHeadAsync(stream);
            string key = UnrulyUpstream.FieldOf(head, "Sec-WebSocket-Key")!;
#pragma warning disable CA5350 // What RFC 6455 says.
            string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Guid)));
#pragma warning restore CA5350
            await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 101 Switching Protocols\r\n"
                + $"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"), _over.Token);
            using var webSocket = WebSocket.CreateFromStream(
                stream, new WebSocketCreationOptions { IsServer = true });
            await KestrelUpstream.EchoWholeAsync(webSocket, _over.Token);
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or OperationCanceledException
            or EndOfStreamException)
        {
            // A rule was broken, the client is gone, or the tests are over.
        }
    }

    /// <summary>Byte by byte: what comes behind it is the web socket's.</summary>
    private async Task<string> ReadHeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        byte[] one = new byte[1];
        while (!EndsHead(head))
        {
            await stream.ReadExactlyAsync(one, _over.Token);
            head.Append((char)one[0]);
        }
        return head.ToString();
    }

    private static bool EndsHead(StringBuilder head) => head.Length >= 4 && head[^1] == '\n' && head[^2] == '\r'
        && head[^3] == '\n' && head[^4] == '\r';
}
