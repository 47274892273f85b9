using System.Text.Json;
using System.Text.RegularExpressions;
using FastGate.EndToEnd.Upstreams;

namespace FastGate.EndToEnd.Admin;

/// <summary>No number of <c>/stats</c> is there for show: what happens to a gate moves every one of them. A field that
/// is new, or is not counted any more, fails here until something moves it.</summary>
public sealed partial class StatsFieldsTests
{
    /// <summary>What stays as it is while a process lives, and what nobody measures yet.</summary>
    private static readonly string[] s_fixed =
    [
        "schema", "version", "started_at", "window_seconds", "config.hash", "config.loaded_at", "config.last_reload",
        "listeners[].name", "listeners[].bind", "fds.max", "routes[].name", "routes[].latency_us", "routes[].overhead_us",
        "routes[].upstream_us", "upstreams[].name", "upstreams[].servers[].address", "limits", "caches", "lanes[].index",
        // LogTests fill the logs.
        "log_dropped",
        // Nothing reads the body of a request that no route took.
        "requests.unrouted.bytes_in",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Every_field_moves(int lanes)
    {
        using var hand = new HandUpstream();
        using var breaking = new MoodyUpstream { Mood = Mood.Breaking };
        using var gate = new GateOnLoopback($$"""
            [upstream.hand]
            servers = ["{{hand.Address}}"]
            pool = { connections_max = 1, queue_timeout = "1m" }
            [upstream.pair]
            servers = ["{{breaking.Address}}", "demo:"]
            balance = "round_robin"
            eject = "off"
            [upstream.demo]
            servers = ["demo:"]
            health = { path = "/", every = "500ms", timeout = "400ms" }
            [[route]]
            name = "hand"
            match = "/hand"
            upstream = "hand"
            [[route]]
            name = "demo"
            match = "POST /echo"
            upstream = "demo"
            [[route]]
            name = "pair"
            match = "/pair"
            upstream = "pair"
            """, lanes);
        using var admin = new AdminOnLoopback(gate);
        List<JsonElement> seen = [await admin.StatsAsync()];
        List<Wire> clients = ServerControlTests.OnEveryLane(gate);
        seen.Add(await admin.StatsAsync());
        foreach (Wire client in clients)
        {
            client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n12345");
            Assert.Equal(200, Wire.StatusOf(client.ReadMessage().Head));
            client.Send("GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n");
            Assert.Equal(404, Wire.StatusOf(client.ReadMessage().Head));
        }
        gate.AwaitExchanges(clients.Count * 2);
        seen.Add(await admin.StatsAsync());
        using (Wire server = Ask(clients[0], hand))
        {
            // One is under way, one waits for its connection.
            clients[1].Send("GET /hand HTTP/1.1\r\nHost: h\r\n\r\n");
            Expect.Await(() => gate.Gate.Upstreams[0].Queue.Count == 1, "nobody queues");
            seen.Add(await admin.StatsAsync());
            server.Send(Expect.Ok);
            clients[0].Fine();
            server.ReadHead();
            server.Send("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n");
            clients[1].Problem(502, "http_protocol_error");
        }
        for (int i = 0; i < 4; i++)
        {
            clients[0].Send("GET /pair HTTP/1.1\r\nHost: h\r\n\r\n");
            clients[0].ReadMessage();
        }
        seen.Add(await admin.StatsAsync());
        string control = $"/upstreams/hand/servers?address={hand.Address}";
        admin.Post($"{control}&state=drain&weight=3");
        seen.Add(await admin.StatsAsync());
        await AllocateUntilItShows(admin, clients[0], seen);
        clients.ForEach(client => client.Dispose());
        Expect.Await(() => gate.Gate.Connections == 0, "connections stay");
        _ = gate.Gate.DrainAsync();
        seen.Add(await admin.StatsAsync());

        ILookup<string, (string Path, string Value)> values = seen.SelectMany(Leaves).Distinct()
            .ToLookup(leaf => Index().Replace(leaf.Path, "[]"));
        string[] unmoved = [.. values.Where(leaf => !Moved(leaf)).Select(leaf => leaf.Key)];
        Assert.Equal(s_fixed.Order(StringComparer.Ordinal), unmoved.Order(StringComparer.Ordinal));
    }

    /// <summary>One value of its kind has to move; of lanes each, for each counts for itself.</summary>
    private static bool Moved(IGrouping<string, (string Path, string Value)> leaf)
    {
        int[] values = [.. leaf.GroupBy(each => each.Path).Select(each => each.Count())];
        return leaf.Key.StartsWith("lanes[]", StringComparison.Ordinal)
            ? values.Min() > 1
            : values.Max() > 1;
    }

    private static Wire Ask(Wire client, HandUpstream hand)
    {
        client.Send("GET /hand HTTP/1.1\r\nHost: h\r\n\r\n");
        Wire server = hand.Accept();
        server.ReadHead();
        return server;
    }

    /// <summary>What is measured from second to second, and of checks, the collector and the process.</summary>
    private static async Task AllocateUntilItShows(AdminOnLoopback admin, Wire client, List<JsonElement> seen)
    {
        long until = Environment.TickCount64 + Wire.BoundMs;
        long heap = seen[0].Number("memory/heap_bytes");
        byte[] kept = GC.AllocateUninitializedArray<byte>(32 << 20);
        new Random(1).NextBytes(kept);
        JsonElement stats;
        do
        {
            Assert.True(Environment.TickCount64 < until, "memory does not show");
            client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1");
            client.ReadMessage();
            GC.Collect(0);
            stats = await admin.StatsAsync();
            seen.Add(stats);
        }
        while (stats.At("memory/alloc_bytes_per_request").ValueKind == JsonValueKind.Null
            || stats.Number("memory/gc_pause_us/count") == seen[0].Number("memory/gc_pause_us/count")
            || stats.At("upstreams/2/servers/0/last_check").ValueKind == JsonValueKind.Null
            || stats.Number("memory/heap_bytes") == heap);
        GC.KeepAlive(kept);
    }

    /// <summary>What is keyed by a status or a reason counts as one field, which begins as nothing.</summary>
    private static IEnumerable<(string Path, string Value)> Leaves(JsonElement stats) => LeavesOf(stats, "");

    private static IEnumerable<(string Path, string Value)> LeavesOf(JsonElement element, string at)
    {
        // The longest pause of the process and turn of a lane may have been before: their counts have to move.
        bool isWhole = at == "memory.gc_pause_us" || at.EndsWith("loop_lag_us", StringComparison.Ordinal)
            || at.EndsWith("by_status", StringComparison.Ordinal)
            || (at.EndsWith("errors", StringComparison.Ordinal) && element.ValueKind == JsonValueKind.Object);
        return element.ValueKind switch
        {
            JsonValueKind.Object when !isWhole => element.EnumerateObject().SelectMany(property =>
                LeavesOf(property.Value, at.Length == 0 ? property.Name : $"{at}.{property.Name}")),
            JsonValueKind.Array when element.GetArrayLength() > 0 => element.EnumerateArray().SelectMany(
                (item, i) => LeavesOf(item, $"{at}[{i}]")),
            _ => [(at, element.GetRawText())],
        };
    }

    [GeneratedRegex(@"\[\d+\]")]
    private static partial Regex Index();
}
