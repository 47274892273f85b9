using System.Net;
using System.Net.WebSockets;

namespace FastGate.Profile;

/// <summary>What a gate sees on an ordinary day, mixed from the first second on, because a method is only counted until
/// it is optimised. What does not occur here is compiled for size, so each kind of body has its share.</summary>
internal static class Traffic
{
    private const int Clients = 64;
    private const int RequestsPerClient = 3_000;
    private const int SocketMessages = 10_000;
    private const int Seed = 1;
    private static readonly TimeSpan s_startsWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_endsWithin = TimeSpan.FromMinutes(5);

    /// <summary>Of a hundred requests so many are of this kind.</summary>
    private static readonly (int Share, Func<HttpRequestMessage> Of)[] s_kinds =
    [
        (40, static () => new(HttpMethod.Get, "/")),
        (20, static () => AsBrowser(new(HttpMethod.Get, "/shop/articles/4711?sort=price"))),
        (10, static () => AsBrowser(new(HttpMethod.Get, "/items/7"))),
        (6, static () => new(HttpMethod.Get, "/chunked")),
        (6, static () => new(HttpMethod.Get, "/large")),
        (6, static () => new(HttpMethod.Post, "/upload") { Content = new ByteArrayContent(new byte[1024]) }),
        (4, static () => InChunks(new(HttpMethod.Put, "/upload") { Content = new ByteArrayContent(new byte[1024]) })),
        (2, static () => new(HttpMethod.Post, "/upload") { Content = new ByteArrayContent(new byte[64 * 1024]) }),
        (3, static () => new(HttpMethod.Head, "/")),
        (3, static () => new(HttpMethod.Get, "/ping")),
    ];

    public static async Task RunAsync(int port)
    {
        var address = new Uri($"http://127.0.0.1:{port}/");
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Clients })
        {
            BaseAddress = address,
        };
        await AwaitStartAsync(client);
        Task[] all = [.. Enumerable.Range(0, Clients).Select(i => AskAsync(client, i)), TalkAsync(address)];
        await Task.WhenAll(all).WaitAsync(s_endsWithin);
    }

    private static async Task AskAsync(HttpClient client, int number)
    {
        var random = new Random(Seed + number);
        for (int i = 0; i < RequestsPerClient; i++)
        {
            using HttpRequestMessage request = Draw(random.Next(100));
            using HttpResponseMessage answer = await client.SendAsync(request);
            answer.EnsureSuccessStatusCode();
            await answer.Content.CopyToAsync(Stream.Null);
        }
    }

    private static async Task TalkAsync(Uri address)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(address) { Scheme = "ws", Path = "/socket" }.Uri, default);
        byte[] message = new byte[200];
        for (int i = 0; i < SocketMessages; i++)
        {
            await socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, default);
            await socket.ReceiveAsync(message, default);
        }
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
    }

    private static async Task AwaitStartAsync(HttpClient client)
    {
        using var late = new CancellationTokenSource(s_startsWithin);
        while (true)
        {
            try
            {
                using HttpResponseMessage answer = await client.GetAsync(
                    new Uri("/ping", UriKind.Relative), late.Token);
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(10, late.Token);
            }
        }
    }

    private static HttpRequestMessage Draw(int number)
    {
        foreach ((int share, Func<HttpRequestMessage> of) in s_kinds)
        {
            number -= share;
            if (number < 0)
            {
                return of();
            }
        }
        throw new InvalidOperationException("the shares are not 100");
    }

    private static HttpRequestMessage AsBrowser(HttpRequestMessage request)
    {
        foreach ((string name, string value) in new[]
        {
            ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0"),
            ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
            ("Accept-Encoding", "gzip, deflate, br"), ("Accept-Language", "en-GB,en;q=0.9"),
            ("Cache-Control", "max-age=0"), ("Referer", "https://www.example.com/"), ("Sec-Fetch-Dest", "document"),
            ("Sec-Fetch-Mode", "navigate"), ("Upgrade-Insecure-Requests", "1"), ("X-Request-Start", "t=1"),
            ("Cookie", "session=" + new string('a', 300)),
        })
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }
        return request;
    }

    private static HttpRequestMessage InChunks(HttpRequestMessage request)
    {
        request.Headers.TransferEncodingChunked = true;
        return request;
    }
}
