using System.Diagnostics;
using System.Net;
using System.Text.Json;
using FastGate.Gateway;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Net.Linux;

namespace FastGate.EndToEnd.Admin;

/// <summary>The admin address of a gate in this process, on a transport and a thread of its own.</summary>
internal sealed class AdminOnLoopback : IDisposable
{
    private readonly EpollTransport _transport = new(1);

    /// <param name="gate">Whose numbers it shows.</param>
    /// <param name="listen">As a configuration writes it.</param>
    /// <param name="token">What it asks for; null for nothing.</param>
    public AdminOnLoopback(GateOnLoopback gate, string listen = "127.0.0.1:0", string? token = null)
    {
        Assert.True(BindAddress.TryParse(listen, out BindAddress? bind, out string error, out _), error);
        _transport.Start();
        var facts = new ProcessFacts
        {
            Version = "test",
            StartedAt = DateTimeOffset.UtcNow,
            DescriptorsMax = 1 << 20,
            GcPauses = GcPauses.Watch(),
            StartedMs = Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000),
        };
        var options = new AdminOptions { Listen = bind!, Token = token is null ? null : SourceText.FromString(token) };
        var stats = new StatsPage(gate.Gate, facts, new LoadedConfig(null, facts.StartedAt));
        var log = new ProcessLog(LogLevel.Error);
        Site = AdminSite.Start(options, _transport, stats, new ServerControl(gate.Gate, stats, log), log);
    }

    public AdminSite Site { get; }

    public int Port => Site.Address.Port;

    public Wire Connect(int receiveBuffer = 0) => Wire.Connect(Port, receiveBuffer);

    /// <summary>One request on a connection of its own.</summary>
    /// <returns>The whole answer.</returns>
    public string Ask(string path, string fields = "", string host = "localhost", EndPoint? address = null)
    {
        using Wire client = Wire.Connect(address ?? new IPEndPoint(IPAddress.Loopback, Port));
        client.Send($"GET {path} HTTP/1.1\r\nHost: {host}\r\n{fields}Connection: close\r\n\r\n");
        return client.ReadToEnd(out _);
    }

    /// <summary>POST on a connection of its own.</summary>
    /// <returns>The document that was answered with 200.</returns>
    public JsonElement Post(string target)
    {
        using Wire client = Connect();
        client.Send($"POST {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        (string head, string body) = client.ReadMessage();
        Assert.StartsWith("HTTP/1.1 200 ", head, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(body);
        return document.RootElement.Clone();
    }

    /// <summary>The document as a client that others wrote reads it.</summary>
    public async Task<JsonElement> StatsAsync()
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using JsonDocument document = JsonDocument.Parse(
            await client.GetStringAsync(new Uri($"http://127.0.0.1:{Port}/stats"), Soon.Token));
        return document.RootElement.Clone();
    }

    public void Dispose() => _transport.Dispose();
}

internal static class JsonPath
{
    /// <summary>Names on the way to a value: <c>routes/0/by_status/200</c>.</summary>
    public static JsonElement At(this JsonElement element, string path)
    {
        foreach (string name in path.Split('/'))
        {
            element = element.ValueKind == JsonValueKind.Array ? element[int.Parse(name)] : element.GetProperty(name);
        }
        return element;
    }

    public static long Number(this JsonElement element, string path) => element.At(path).GetInt64();

    /// <summary>Counts by status or reason.</summary>
    public static Dictionary<string, long> Counts(this JsonElement element, string path) =>
        element.At(path).EnumerateObject().ToDictionary(count => count.Name, count => count.Value.GetInt64());
}
