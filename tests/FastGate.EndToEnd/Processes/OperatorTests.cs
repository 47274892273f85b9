using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using FastGate.EndToEnd.Admin;

namespace FastGate.EndToEnd.Processes;

/// <summary>An operator with a program of his own and the whole process, which asks for a token.</summary>
public sealed class OperatorTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task A_server_is_drained_and_put_back_and_everybody_can_see_it()
    {
        using var a = new AnsweringUpstream("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
        using var b = new AnsweringUpstream("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb");
        _scratch.Write("gate.toml", $$"""
            version = 1
            [admin]
            listen = "127.0.0.1:0"
            token = "0perat0r"
            [[listener]]
            name = "web"
            bind = "127.0.0.1:0"
            [upstream.u]
            servers = ["{{a.Address}}", "{{b.Address}}"]
            balance = "round_robin"
            [[route]]
            name = "all"
            match = "/*"
            upstream = "u"
            """);
        using GateProcess gate = GateProcess.Start(_scratch.Root, "run");
        string admin = gate.Error.WaitFor("admin on http://").Split(' ')[2].Replace("/stats", "", StringComparison.Ordinal);
        int port = int.Parse(gate.Error.WaitFor("listening on http://").Split(':')[^1]);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(admin) };
        var drain = new Uri($"/upstreams/u/servers?address={Uri.EscapeDataString(a.Address)}&state=drain&weight=2",
            UriKind.Relative);
        using (HttpResponseMessage refused = await client.PostAsync(drain, null, Soon.Token))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "0perat0r");
        using (HttpResponseMessage done = await client.PostAsync(drain, null, Soon.Token))
        {
            Assert.Equal(HttpStatusCode.OK, done.StatusCode);
            using JsonDocument shown = JsonDocument.Parse(await done.Content.ReadAsStringAsync(Soon.Token));
            Assert.Equal(("u", "draining", 2), (shown.RootElement.At("upstream").GetString(),
                shown.RootElement.At("server/state").GetString(), shown.RootElement.Number("server/weight")));
        }
        string said = gate.Error.WaitFor("info an operator changed a server");
        Assert.Contains($" upstream=u server={a.Address} said=draining state=draining weight=2 peer=127.0.0.1:", said,
            StringComparison.Ordinal);
        Assert.All(Enumerable.Range(0, 10), _ => Assert.EndsWith("b", gate.Get(port: port), StringComparison.Ordinal));
        using (JsonDocument stats = JsonDocument.Parse(
            await client.GetStringAsync(new Uri("/stats", UriKind.Relative), Soon.Token)))
        {
            Assert.Equal(("draining", "operator"), (stats.RootElement.At("upstreams/0/servers/0/state").GetString(),
                stats.RootElement.At("upstreams/0/servers/0/state_reason").GetString()));
        }
        (int code, string table, _) = GateProcess.Run(_scratch.Root, "stats", "-c", "gate.toml", "--admin", admin);
        Assert.Equal(0, code);
        Assert.Contains(" draining: operator ", table, StringComparison.Ordinal);
        using (HttpResponseMessage done = await client.PostAsync(new Uri(
            $"/upstreams/u/servers?address={a.Address}&state=up", UriKind.Relative), null, Soon.Token))
        {
            Assert.Equal(HttpStatusCode.OK, done.StatusCode);
        }
        Assert.Contains('a', Enumerable.Range(0, 12).Select(_ => gate.Get(port: port)[^1]));
        gate.End();
        Assert.DoesNotContain(gate.Error.Now, line => line.Contains("0perat0r", StringComparison.Ordinal));
    }
}
