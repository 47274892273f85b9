using System.Text;

namespace FastGate.Bench;

/// <summary>The messages that the benchmarks share, by name.</summary>
public static class Requests
{
    public static readonly string[] Names = ["small", "browser", "cookies"];

    /// <summary>What wrk sends; what a browser sends; thirty fields with 2 KiB of cookies.</summary>
    public static byte[] Of(string name) => name switch
    {
        "small" => Encoding.ASCII.GetBytes("GET /orders/7?expand=items HTTP/1.1\r\nHost: api.example.com\r\n\r\n"),
        "browser" => Head(Browser),
        "cookies" => Head([.. Browser, .. Enumerable.Range(0, 17).Select(static i => $"X-Field-{i}: value {i}"),
            "Cookie: session=" + new string('a', 2048)]),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "unknown"),
    };

    public static byte[] Answer { get; } = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 23 Nov 2026 18:49:49 GMT\r\nContent-Type: application/json\r\n"
        + "Content-Length: 128\r\nConnection: keep-alive\r\nETag: \"abc\"\r\nCache-Control: no-cache\r\n\r\n");

    private static readonly string[] Browser =
    [
        "Host: www.example.com", "Connection: keep-alive",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "Accept-Encoding: gzip, deflate, br", "Accept-Language: en-GB,en;q=0.9", "Cache-Control: max-age=0",
        "Referer: https://www.example.com/", "Sec-Fetch-Dest: document", "Sec-Fetch-Mode: navigate",
        "Upgrade-Insecure-Requests: 1", "Cookie: a=1; b=2",
    ];

    private static byte[] Head(string[] fields) => Encoding.ASCII.GetBytes(
        "GET /shop/articles/4711?sort=price HTTP/1.1\r\n" + string.Join("\r\n", fields) + "\r\n\r\n");
}
