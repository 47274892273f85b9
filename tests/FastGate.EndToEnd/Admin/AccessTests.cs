using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace FastGate.EndToEnd.Admin;

/// <summary>Who gets <c>/stats</c>, over real sockets.</summary>
public sealed class AccessTests
{
    private const string Token = "t0ken";

    [Theory]
    [InlineData("127.0.0.1:0", "127.0.0.1")]
    [InlineData("[::1]:0", "[::1]")]
    [InlineData("0.0.0.0:0", "127.0.0.1")]
    [InlineData(":0", "[::1]")]
    public void The_token_opens_it_wherever_it_is_bound(string listen, string host)
    {
        Assert.SkipWhen(host == "[::1]" && !Socket.OSSupportsIPv6, "no IPv6 here");
        using var gate = new GateOnLoopback(GateOnLoopback.To("demo:"));
        using var admin = new AdminOnLoopback(gate, listen, Token);
        var address = new IPEndPoint(IPAddress.Parse(host.Trim('[', ']')), admin.Port);
        string authority = $"{host}:{admin.Port}";
        Assert.StartsWith("HTTP/1.1 200 ", admin.Ask("/healthz", host: authority, address: address),
            StringComparison.Ordinal);
        string refused = admin.Ask("/stats", host: authority, address: address);
        Assert.StartsWith("HTTP/1.1 401 ", refused, StringComparison.Ordinal);
        Assert.Contains("\r\nWWW-Authenticate: Bearer ", refused, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ",
            admin.Ask("/stats", $"Authorization: Bearer {Token}\r\n", authority, address), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 403 ", admin.Ask("/stats",
            $"Authorization: Bearer {Token}\r\nOrigin: http://evil.example\r\n", authority, address),
            StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 403 ",
            admin.Ask("/stats", $"Authorization: Bearer {Token}\r\n", "evil.example", address), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0.0.0.0:0")]
    [InlineData(":0")]
    public void Beyond_loopback_without_a_token_it_is_closed(string listen)
    {
        using var gate = new GateOnLoopback(GateOnLoopback.To("demo:"));
        using var admin = new AdminOnLoopback(gate, listen);
        Assert.StartsWith("HTTP/1.1 403 ", admin.Ask("/stats"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 403 ", admin.Ask("/"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", admin.Ask("/healthz"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 503 ", admin.Ask("/readyz"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_unix_socket_is_guarded_by_its_directory()
    {
        string path = Path.Combine(Path.GetTempPath(), $"fastgate-{Guid.NewGuid():N}.sock");
        using var gate = new GateOnLoopback(GateOnLoopback.To("demo:"));
        using var admin = new AdminOnLoopback(gate, $"unix:{path}");
        Assert.StartsWith("HTTP/1.1 200 ", admin.Ask("/stats", address: new UnixDomainSocketEndPoint(path)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_token_is_answered_late_and_the_right_one_at_once()
    {
        using var gate = new GateOnLoopback(GateOnLoopback.To("demo:"));
        using var admin = new AdminOnLoopback(gate, token: Token);
        using Wire guesser = admin.Connect();
        guesser.Send("GET /stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer guess\r\n\r\n");
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        client.DefaultRequestHeaders.Authorization = new("Bearer", Token);
        using JsonDocument stats = JsonDocument.Parse(
            await client.GetStringAsync(new Uri($"http://127.0.0.1:{admin.Port}/stats"), Soon.Token));
        Assert.Equal(1, stats.RootElement.Number("schema"));
        Assert.StartsWith("HTTP/1.1 401 ", guesser.ReadMessage().Head, StringComparison.Ordinal);
        guesser.AssertEnded();
    }
}
