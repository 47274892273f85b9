using System.Text.Json;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;
using FastGate.Tests.Proxy;

namespace FastGate.Tests.Admin;

public sealed class StatsPageTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private const string TwoRoutes = """
        version = 1
        [log]
        access = "off"
        [[listener]]
        name = "web"
        bind = "127.0.0.1:8080"
        [upstream.u]
        servers = ["demo:", "not-there.invalid:80"]
        [[route]]
        name = "all"
        match = "/*"
        upstream = "u"
        [[route]]
        name = "ping"
        match = "GET /ping"
        respond = { status = 200, body = "pong" }
        """;

    /// <summary>The names of the contract, all of them and in its order. What is null here has nothing to show
    /// yet.</summary>
    [Fact]
    public void The_document_has_every_name_of_the_contract()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        client.Send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n");
        StatsPage page = StatsDocument.Page(gate.Gate);
        page.Config = page.Config with { LastReload = new ReloadResult(StatsDocument.StartedAt, false, "no") };
        Assert.Equal("""
            schema: number
            version: string
            started_at: string
            window_seconds: number
            draining: false
            config.hash: string
            config.loaded_at: string
            config.last_reload.at: string
            config.last_reload.ok: false
            config.last_reload.error: string
            listeners[].name: string
            listeners[].bind: string
            listeners[].connections: number
            connections.client: number
            connections.upstream: number
            fds.open: number
            fds.max: number
            log_dropped: number
            requests.total: number
            requests.per_second: number
            requests.by_status: object
            requests.unrouted.requests: number
            requests.unrouted.by_status: object
            requests.unrouted.bytes_in: number
            requests.unrouted.bytes_out: number
            requests.unrouted.errors: object
            routes[].name: string
            routes[].in_flight: number
            routes[].requests: number
            routes[].by_status: object
            routes[].bytes_in: number
            routes[].bytes_out: number
            routes[].errors: object
            routes[].latency_us: null
            routes[].overhead_us: null
            routes[].upstream_us: null
            upstreams[].name: string
            upstreams[].queued: number
            upstreams[].retries: number
            upstreams[].retries_charged: number
            upstreams[].retry_budget_left: number
            upstreams[].servers[].address: string
            upstreams[].servers[].weight: number
            upstreams[].servers[].state: string
            upstreams[].servers[].state_since: string
            upstreams[].servers[].state_reason: null
            upstreams[].servers[].last_check: null
            upstreams[].servers[].active: number
            upstreams[].servers[].idle: number
            upstreams[].servers[].requests: number
            upstreams[].servers[].errors: number
            upstreams[].servers[].latency_us.count: number
            upstreams[].servers[].latency_us.p50: number
            upstreams[].servers[].latency_us.p90: number
            upstreams[].servers[].latency_us.p99: number
            upstreams[].servers[].latency_us.p999: number
            upstreams[].servers[].latency_us.max: number
            upstreams[].servers[].ewma_us: number
            limits: array
            caches: array
            lanes[].index: number
            lanes[].loop_lag_us.count: number
            lanes[].loop_lag_us.p50: number
            lanes[].loop_lag_us.p90: number
            lanes[].loop_lag_us.p99: number
            lanes[].loop_lag_us.p999: number
            lanes[].loop_lag_us.max: number
            lanes[].connections: number
            lanes[].requests: number
            memory.rss_bytes: number
            memory.heap_bytes: number
            memory.alloc_bytes_per_request: null
            memory.gc_pause_us: null
            """, string.Join('\n', StatsDocument.Shape(StatsDocument.Read(page, gate.Lane.Now))));
    }

    [Fact]
    public void Before_the_first_request_there_is_nothing_to_divide_by()
    {
        using var gate = new GateInMemory(TwoRoutes);
        JsonElement stats = StatsDocument.Read(StatsDocument.Page(gate.Gate, gate.Lane.Now), gate.Lane.Now);
        Assert.True(stats.IsNull("requests/per_second"));
        Assert.True(stats.IsNull("memory/alloc_bytes_per_request"));
        Assert.True(stats.IsNull("config/last_reload"));
        Assert.Equal(0, stats.Number("requests/total"));
        Assert.Equal("{}", stats.At("requests/by_status").GetRawText());
        Assert.Equal("""{"count":0,"p50":null,"p90":null,"p99":null,"p999":null,"max":null}""",
            stats.At("upstreams/0/servers/0/latency_us").GetRawText());
    }

    [Fact]
    public void The_process_and_the_configuration()
    {
        using var gate = new GateInMemory(TwoRoutes);
        StatsPage page = StatsDocument.Page(gate.Gate);
        JsonElement stats = StatsDocument.Read(page, gate.Lane.Now);
        Assert.Equal((1, 60, 7, 1024), (stats.Number("schema"), stats.Number("window_seconds"),
            stats.Number("log_dropped"), stats.Number("fds/max")));
        Assert.Equal("1.2.3", stats.At("version").GetString());
        Assert.Equal("2026-11-24T12:14:25.678Z", stats.At("started_at").GetString());
        Assert.Equal("""{"hash":"c0ffee","loaded_at":"2026-11-24T12:14:25.678Z","last_reload":null}""",
            stats.At("config").GetRawText());
        Assert.Equal("""[{"name":"web","bind":"127.0.0.1:8080","connections":0}]""",
            stats.At("listeners").GetRawText());
        Assert.InRange(stats.Number("fds/open"), 3, 1 << 20);
        Assert.InRange(stats.Number("memory/rss_bytes"), 1 << 20, 1L << 40);
        Assert.InRange(stats.Number("memory/heap_bytes"), 1 << 10, 1L << 40);
        page.Config = new LoadedConfig("beef", StatsDocument.StartedAt,
            new ReloadResult(StatsDocument.StartedAt.AddSeconds(1), true, null));
        Assert.Equal("""
            {"hash":"beef","loaded_at":"2026-11-24T12:14:25.678Z","last_reload":{"at":"2026-11-24T12:14:26.678Z","ok":true,"error":null}}
            """, StatsDocument.Read(page, gate.Lane.Now).At("config").GetRawText());
    }

    [Fact]
    public void Requests_are_counted_where_they_went()
    {
        using var gate = new GateInMemory(TwoRoutes);
        StatsPage page = StatsDocument.Page(gate.Gate);
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789");
        JsonElement stats = StatsDocument.Read(page, gate.Lane.Now);
        Assert.Equal((1, 0, 1, 1), (stats.Number("routes/0/in_flight"), stats.Number("routes/0/requests"),
            stats.Number("upstreams/0/servers/0/active"), stats.Number("connections/upstream")));
        gate.Upstream[0].Send(Ok);
        client.Send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Send("GET /a/%00 HTTP/1.1\r\nHost: h\r\n\r\n");
        stats = StatsDocument.Read(page, gate.Lane.Now);
        Assert.Equal("""{"200":2,"400":1}""", stats.At("requests/by_status").GetRawText());
        Assert.Equal(3, stats.Number("requests/total"));
        Assert.Equal("all", stats.At("routes/0/name").GetString());
        Assert.Equal((0, 1, 10, 2), (stats.Number("routes/0/in_flight"), stats.Number("routes/0/requests"),
            stats.Number("routes/0/bytes_in"), stats.Number("routes/0/bytes_out")));
        Assert.Equal((1, 4), (stats.Number("routes/1/requests"), stats.Number("routes/1/bytes_out")));
        Assert.Equal("{}", stats.At("routes/1/errors").GetRawText());
        Assert.Equal(1, stats.Number("requests/unrouted/by_status/400"));
        Assert.Equal("""{"bad_request":1}""", stats.At("requests/unrouted/errors").GetRawText());
        Assert.Equal((1, 0, 1, 0), (stats.Number("upstreams/0/servers/0/requests"),
            stats.Number("upstreams/0/servers/0/errors"), stats.Number("upstreams/0/servers/0/latency_us/count"),
            stats.Number("upstreams/0/servers/0/active")));
        Assert.Equal(1, stats.Number("upstreams/0/servers/0/idle"));
        Assert.Equal(("up", "unresolved"), (stats.At("upstreams/0/servers/0/state").GetString(),
            stats.At("upstreams/0/servers/1/state").GetString()));
        Assert.Equal("2026-11-24T12:14:25.678Z", stats.At("upstreams/0/servers/0/state_since").GetString());
        Assert.Equal(3, stats.Number("lanes/0/requests"));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 502, "http_protocol_error")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-", 502, "http_response_incomplete")]
    public void A_server_that_fails_has_an_error_and_no_latency(string answer, int status, string reason)
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(answer);
        gate.Upstream[0].End();
        JsonElement stats = StatsDocument.Read(StatsDocument.Page(gate.Gate), gate.Lane.Now);
        Assert.Equal(1, stats.Number($"routes/0/by_status/{status}"));
        Assert.Equal(1, stats.Number($"routes/0/errors/{reason}"));
        Assert.Equal((1, 1, 0), (stats.Number("upstreams/0/servers/0/requests"),
            stats.Number("upstreams/0/servers/0/errors"), stats.Number("upstreams/0/servers/0/latency_us/count")));
    }

    /// <summary>The server's own 5xx is an answer, and a client that leaves is not its fault.</summary>
    [Fact]
    public void What_a_server_is_not_to_blame_for_is_no_error_of_it()
    {
        using var gate = new GateInMemory();
        Peer first = gate.Connect();
        first.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
        Peer second = gate.Connect();
        second.Send(Get);
        second.Reset();
        JsonElement stats = StatsDocument.Read(StatsDocument.Page(gate.Gate), gate.Lane.Now);
        Assert.Equal("""{"499":1,"503":1}""", stats.At("routes/0/by_status").GetRawText());
        Assert.Equal("""{"client_closed":1}""", stats.At("routes/0/errors").GetRawText());
        Assert.Equal((2, 0, 1), (stats.Number("upstreams/0/servers/0/requests"),
            stats.Number("upstreams/0/servers/0/errors"), stats.Number("upstreams/0/servers/0/latency_us/count")));
    }

    /// <summary>A connection that idled and was dead is replaced, and nobody is to blame for it.</summary>
    [Fact]
    public void A_stale_connection_is_no_request_of_its_server()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        client.Send(Get);
        gate.Upstream[0].End();
        gate.Upstream[1].Send(Ok);
        JsonElement stats = StatsDocument.Read(StatsDocument.Page(gate.Gate), gate.Lane.Now);
        Assert.Equal((2, 0), (stats.Number("upstreams/0/servers/0/requests"),
            stats.Number("upstreams/0/servers/0/errors")));
    }

    /// <summary>What a bug ended is neither lost nor in flight for ever.</summary>
    [Fact]
    public void A_request_that_a_bug_ended_is_counted_as_such()
    {
        using var gate = new GateInMemory(TwoRoutes);
        Peer client = gate.Connect();
        // A route that does nothing does not exist; the gate relies on it.
        Route ping = gate.Gate.Table.RouteList[1];
        typeof(Route).GetProperty(nameof(Route.Respond))!.SetValue(ping, null);
        client.Send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.True(client.Broken);
        JsonElement stats = StatsDocument.Read(StatsDocument.Page(gate.Gate), gate.Lane.Now);
        Assert.Equal("""{"500":1}""", stats.At("routes/1/by_status").GetRawText());
        Assert.Equal("""{"proxy_internal_error":1}""", stats.At("routes/1/errors").GetRawText());
        Assert.Equal((0, 1, 0), (stats.Number("routes/1/in_flight"), stats.Number("requests/total"),
            stats.Number("connections/client")));
    }

    [Fact]
    public void After_a_minute_the_windows_are_empty_and_the_counters_stay()
    {
        using var gate = new GateInMemory();
        StatsPage page = StatsDocument.Page(gate.Gate, gate.Lane.Now);
        gate.Advance(30_000);
        Peer client = gate.Connect();
        for (int i = 0; i < 60; i++)
        {
            client.Send(Get);
            gate.Upstream[0].Send(Ok);
        }
        JsonElement stats = StatsDocument.Read(page, gate.Lane.Now);
        Assert.Equal(2, stats.At("requests/per_second").GetDouble());
        Assert.Equal(60, stats.Number("upstreams/0/servers/0/latency_us/count"));
        Assert.True(stats.Number("lanes/0/loop_lag_us/count") > 0);
        gate.Advance(70_000);
        gate.Advance(3_600_000);
        stats = StatsDocument.Read(page, gate.Lane.Now);
        Assert.Equal(0, stats.At("requests/per_second").GetDouble());
        Assert.Equal(0, stats.Number("upstreams/0/servers/0/latency_us/count"));
        Assert.True(stats.IsNull("upstreams/0/servers/0/latency_us/p50"));
        Assert.Equal(60, stats.Number("requests/total"));
        Assert.Equal(60, stats.Number("upstreams/0/servers/0/requests"));
    }

    /// <summary>A page leaves nothing behind in what the next one is added up in.</summary>
    [Fact]
    public void Read_again_it_says_the_same()
    {
        using var gate = new GateInMemory(TwoRoutes);
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n1");
        gate.Upstream[0].Send(Ok);
        client.Send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Send("GET /a/%00 HTTP/1.1\r\nHost: h\r\n\r\n");
        gate.Connect().Send(Get);
        StatsPage page = StatsDocument.Page(gate.Gate);
        JsonElement first = StatsDocument.Read(page, gate.Lane.Now);
        for (int i = 0; i < 3; i++)
        {
            JsonElement again = StatsDocument.Read(page, gate.Lane.Now);
            Assert.Equal(2, again.Number("connections/client"));
            Assert.All(["listeners", "connections", "requests", "routes", "upstreams", "lanes"],
                part => Assert.Equal(first.At(part).GetRawText(), again.At(part).GetRawText()));
        }
    }

    [Fact]
    public void Two_pages_that_are_written_at_the_same_time_do_not_mix()
    {
        using var gate = new GateInMemory(TwoRoutes);
        Peer client = gate.Connect();
        client.Send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n");
        StatsPage page = StatsDocument.Page(gate.Gate);
        string alone = Routes(page, gate.Lane.Now);
        using var firstBytes = new MemoryStream();
        using var secondBytes = new MemoryStream();
        using (var firstJson = new Utf8JsonWriter(firstBytes))
        using (var secondJson = new Utf8JsonWriter(secondBytes))
        {
            using IEnumerator<bool> first = page.Write(firstJson, () => gate.Lane.Now).GetEnumerator();
            using IEnumerator<bool> second = page.Write(secondJson, () => gate.Lane.Now).GetEnumerator();
            for (bool more = first.MoveNext(); more; more = first.MoveNext() && second.MoveNext())
            {
            }
            while (second.MoveNext())
            {
            }
        }
        foreach (MemoryStream bytes in (ReadOnlySpan<MemoryStream>)[firstBytes, secondBytes])
        {
            using JsonDocument document = JsonDocument.Parse(bytes.ToArray());
            Assert.Equal(alone, document.RootElement.At("routes").GetRawText());
        }
    }

    private static string Routes(StatsPage page, long now) =>
        StatsDocument.Read(page, now).At("routes").GetRawText();
}
