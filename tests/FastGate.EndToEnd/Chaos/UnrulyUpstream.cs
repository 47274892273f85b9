using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastGate.EndToEnd.Chaos;

/// <summary>An upstream that behaves as the path of each request asks: <c>/behaviour/id</c>. A good answer's body is the
/// id, and nothing it sends of a bad one holds another's.</summary>
internal sealed class UnrulyUpstream : IAsyncDisposable
{
    /// <summary>Those that answer 200 with the id when nothing else goes wrong.</summary>
    public static readonly string[] Good = ["length", "chunked", "close", "hints", "dribble", "eager"];
    public static readonly string[] Bad =
        ["reset", "end", "garbage", "half-head", "half-body", "half-chunk", "cut-body", "silent", "twice"];

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _over = new();
    private readonly Task _accepting;

    public UnrulyUpstream()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        _accepting = AcceptAsync();
    }

    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}";

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
                serving.Add(ServeAsync(new AsyncWire(socket, _over.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // The test is over.
        }
        await Task.WhenAll(serving);
    }

    private static async Task ServeAsync(AsyncWire wire)
    {
        using (wire)
        {
            try
            {
                while (await wire.ReadHeadAsync() is { } head && await AnswerAsync(wire, head))
                {
                }
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException
                or EndOfStreamException)
            {
                // The gate, or the test, has ended it.
            }
        }
    }

    /// <returns>Whether the connection goes on.</returns>
    private static async Task<bool> AnswerAsync(AsyncWire wire, string head)
    {
        string[] path = head.Split(' ')[1].Split('/');
        (string behaviour, string id) = (path[1], path[2]);
        bool isHead = head.StartsWith("HEAD ", StringComparison.Ordinal);
        string sized = $"HTTP/1.1 200 OK\r\nContent-Length: {id.Length}\r\n\r\n{(isHead ? "" : id)}";
        if (behaviour == "eager")
        {
            await wire.SendAsync(sized);
            await SkipBodyAsync(wire, head);
            return true;
        }
        await SkipBodyAsync(wire, head);
        switch (behaviour)
        {
            case "length":
                await wire.SendAsync(sized);
                return true;
            case "chunked":
                string chunk = string.Create(CultureInfo.InvariantCulture, $"{id.Length:x}\r\n{id}\r\n0\r\n\r\n");
                await wire.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (isHead ? "" : chunk));
                return true;
            case "close":
                await wire.SendAsync("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + (isHead ? "" : id));
                return false;
            case "hints":
                await wire.SendAsync("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + sized);
                return true;
            case "dribble":
                foreach (char piece in sized)
                {
                    await wire.SendAsync($"{piece}");
                }
                return true;
            case "reset":
                wire.Reset();
                return false;
            case "garbage":
                await wire.SendAsync("\0\x01 this is not HTTP\r\n\r\n");
                return false;
            case "half-head":
                await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Le");
                return false;
            case "half-body":
                await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + id);
                return false;
            case "half-chunk":
                await wire.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + id);
                return false;
            case "cut-body":
                await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + id);
                wire.Reset();
                return false;
            case "silent":
                await wire.ReadHeadAsync();
                return false;
            case "twice":
                await wire.SendAsync(sized + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nnobody");
                return true;
            default:
                return false;
        }
    }

    private static async Task SkipBodyAsync(AsyncWire wire, string head)
    {
        if (head.Contains("\r\nTransfer-Encoding: chunked\r\n", StringComparison.Ordinal))
        {
            while (await wire.ReadLineAsync() is var size && size != "0")
            {
                await wire.ReadAsync(int.Parse(size, NumberStyles.HexNumber, CultureInfo.InvariantCulture) + 2);
            }
            while (await wire.ReadLineAsync() != "")
            {
            }
            return;
        }
        await wire.ReadAsync((int)Wire.LengthOf(head));
    }
}
