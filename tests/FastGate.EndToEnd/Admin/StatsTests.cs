using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FastGate.Net;

namespace FastGate.EndToEnd.Admin;

/// <summary>What <c>/stats</c> says is what clients saw, and reading it costs the traffic nothing.</summary>
public sealed class StatsTests
{
    /// <summary>What one client was answered: by status, by route, and bytes of bodies.</summary>
    private sealed class Tally
    {
        public Dictionary<string, long> Statuses { get; } = [];
        public Dictionary<string, long> Requests { get; } = [];
        public Dictionary<string, long> BytesIn { get; } = [];
        public Dictionary<string, long> BytesOut { get; } = [];

        public void Add(string route, int status, long bytesIn, long bytesOut)
        {
            Add(Statuses, $"{status}", 1);
            Add(Requests, route, 1);
            Add(BytesIn, route, bytesIn);
            Add(BytesOut, route, bytesOut);
        }

        public void Add(Tally other)
        {
            foreach ((Dictionary<string, long> to, Dictionary<string, long> from) in
                (ReadOnlySpan<(Dictionary<string, long>, Dictionary<string, long>)>)[(Statuses, other.Statuses),
                    (Requests, other.Requests), (BytesIn, other.BytesIn), (BytesOut, other.BytesOut)])
            {
                foreach ((string key, long count) in from)
                {
                    Add(to, key, count);
                }
            }
        }

        private static void Add(Dictionary<string, long> counts, string key, long count) =>
            counts[key] = counts.GetValueOrDefault(key) + count;
    }

    private const string Config = """
        [upstream.demo]
        servers = ["demo:"]
        [upstream.dead]
        servers = ["127.0.0.1:PORT"]
        [[route]]
        name = "bytes"
        match = "/bytes/*"
        upstream = "demo"
        [[route]]
        name = "status"
        match = "/status/*"
        upstream = "demo"
        [[route]]
        name = "dead"
        match = "/dead"
        upstream = "dead"
        [[route]]
        name = "ping"
        match = "GET /ping"
        respond = { status = 200, body = "pong" }
        [[route]]
        name = "unused"
        match = "/unused"
        respond = {}
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_counts_are_those_that_clients_saw(int lanes)
    {
        const int Clients = 4;
        const int Requests = 60;
        using Socket closed = ClosedPort(out int port);
        using var gate = new GateOnLoopback(Config.Replace("PORT", $"{port}"), lanes);
        using var admin = new AdminOnLoopback(gate);
        var tallies = new Tally[Clients];
        Wire[] wires = [.. Enumerable.Range(0, Clients).Select(_ => gate.Connect())];
        Thread[] threads = [.. Enumerable.Range(0, Clients).Select(i => new Thread(() =>
            tallies[i] = Talk(wires[i], new Random(i), Requests)))];
        Array.ForEach(threads, thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(Wire.BoundMs)));
        gate.AwaitExchanges(Clients * Requests);
        var all = new Tally();
        Array.ForEach(tallies, all.Add);

        JsonElement stats = await admin.StatsAsync();
        Assert.Equal(Clients * Requests, stats.Number("requests/total"));
        Assert.Equal(Sorted(all.Statuses), Sorted(stats.Counts("requests/by_status")));
        Assert.Equal((Clients, Clients), (stats.Number("listeners/0/connections"), stats.Number("connections/client")));
        JsonElement[] routes = [.. stats.At("routes").EnumerateArray()];
        foreach (JsonElement route in routes)
        {
            string name = route.At("name").GetString()!;
            AssertCounts(route, name, all);
            Assert.Equal(0, route.Number("in_flight"));
            Assert.Equal(route.Number("requests"), route.Counts("by_status").Values.Sum());
        }
        AssertCounts(stats.At("requests/unrouted"), "", all);
        Assert.Equal(["bytes", "status", "dead", "ping", "unused"], routes.Select(route => route.At("name").GetString()));
        long refused = all.Requests["dead"];
        Assert.Equal([("connection_refused", refused)], Sorted(routes[2].Counts("errors")));
        Assert.Equal([("method_not_allowed", all.Statuses["405"]), ("no_route", all.Statuses["404"])],
            Sorted(stats.Counts("requests/unrouted/errors")));
        Assert.All([0, 1, 3, 4], i => Assert.Empty(routes[i].Counts("errors")));

        JsonElement demo = stats.At("upstreams/0/servers/0");
        long answered = all.Requests["bytes"] + all.Requests["status"];
        Assert.Equal((answered, 0, answered, 0), (demo.Number("requests"), demo.Number("errors"),
            demo.Number("latency_us/count"), demo.Number("active")));
        Assert.True(demo.Number("idle") > 0);
        Assert.True(demo.Number("latency_us/p50") <= demo.Number("latency_us/p99"));
        Assert.True(demo.Number("latency_us/p99") <= demo.Number("latency_us/max"));
        JsonElement dead = stats.At("upstreams/1/servers/0");
        Assert.Equal((refused, refused, 0), (dead.Number("requests"), dead.Number("errors"),
            dead.Number("latency_us/count")));
        Assert.Equal(demo.Number("idle"), stats.Number("connections/upstream"));

        JsonElement[] perLane = [.. stats.At("lanes").EnumerateArray()];
        Assert.Equal(lanes, perLane.Length);
        Assert.Equal(Clients * Requests, perLane.Sum(lane => lane.Number("requests")));
        Assert.All(perLane, lane => Assert.True(lane.Number("loop_lag_us/count") > 0));
        Assert.InRange(stats.At("requests/per_second").GetDouble(), 0.1, Clients * Requests * 1000.0);
        foreach (Wire wire in wires)
        {
            wire.Dispose();
        }
        Expect.Await(() => gate.Gate.Connections == 0, "connections stay");
        stats = await admin.StatsAsync();
        Assert.Equal((0, 0), (stats.Number("listeners/0/connections"), stats.Number("connections/client")));
    }

    [Fact]
    public async Task What_is_under_way_is_in_flight_and_a_tunnel_until_its_end()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address,
            upstream: "pool = { connections_max = 1, queue_timeout = \"1m\" }"));
        using var admin = new AdminOnLoopback(gate);
        using Wire first = gate.Connect();
        first.Send(Expect.Get);
        using Wire server = upstream.Accept();
        server.ReadHead();
        using Wire second = gate.Connect();
        second.Send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        Expect.Await(() => gate.Gate.Upstreams[0].Queue.Count == 1, "nobody queues");
        JsonElement stats = await admin.StatsAsync();
        Assert.Equal((2, 0, 1, 1), (stats.Number("routes/0/in_flight"), stats.Number("routes/0/requests"),
            stats.Number("upstreams/0/queued"), stats.Number("upstreams/0/servers/0/active")));

        server.Send(Expect.Ok);
        first.Fine();
        server.ReadHead();
        server.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
        second.ReadHead();
        second.Send("12345");
        Assert.Equal("12345", server.ReadExactly(5));
        gate.AwaitExchanges(1);
        stats = await admin.StatsAsync();
        Assert.Equal((1, 1, 0), (stats.Number("routes/0/in_flight"), stats.Number("routes/0/requests"),
            stats.Number("upstreams/0/queued")));
        Assert.Equal((1, 1), (stats.Number("upstreams/0/servers/0/active"), stats.Number("connections/upstream")));

        second.Fin();
        server.Fin();
        second.AssertEnded();
        gate.AwaitExchanges(2);
        stats = await admin.StatsAsync();
        Assert.Equal([("101", 1L), ("200", 1L)], Sorted(stats.Counts("routes/0/by_status")));
        Assert.Equal((0, 5), (stats.Number("routes/0/in_flight"), stats.Number("routes/0/bytes_in")));
    }

    /// <summary>Nothing is asked of the lanes: they may stand still while it is read.</summary>
    [Fact]
    public async Task It_is_read_while_every_lane_stands_still()
    {
        using var gate = new GateOnLoopback(GateOnLoopback.To("demo:"), lanes: 2);
        using var admin = new AdminOnLoopback(gate);
        using Wire client = gate.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.ReadMessage();
        gate.AwaitExchanges(1);
        using var held = new CountdownEvent(2);
        using var release = new ManualResetEventSlim();
        foreach (Lane lane in gate.Transport.Lanes)
        {
            lane.Post(new LaneAction(() =>
            {
                held.Signal();
                release.Wait(Wire.BoundMs);
            }));
        }
        long heldUs;
        try
        {
            Assert.True(held.Wait(Wire.BoundMs, Soon.Token));
            long since = Stopwatch.GetTimestamp();
            JsonElement stats = await admin.StatsAsync();
            Assert.Equal((1, 1), (stats.Number("requests/total"), stats.Number("connections/client")));
            heldUs = (long)Stopwatch.GetElapsedTime(since).TotalMicroseconds;
        }
        finally
        {
            release.Set();
        }
        client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Equal(200, Wire.StatusOf(client.ReadMessage().Head));
        // A turn that stood still is seen in the numbers of its lane, once it is over.
        Assert.All(gate.Transport.Lanes,
            lane => Expect.Await(() => lane.TakeLoopLag() >= heldUs, "the turn does not end"));
        Assert.All((await admin.StatsAsync()).At("lanes").EnumerateArray(),
            lane => Assert.True(lane.Number("loop_lag_us/max") >= heldUs));
    }

    /// <summary>A page of megabytes: who reads it slowly keeps neither a probe nor another page waiting.</summary>
    [Fact]
    public async Task Ten_thousand_routes_are_a_page_and_a_slow_reader_keeps_nobody_waiting()
    {
        const int Routes = 10_000;
        using var gate = new GateOnLoopback(string.Concat(Enumerable.Range(0, Routes).Select(i =>
            $"[[route]]\nname = \"route-{i}\"\nmatch = \"/r/{i}\"\nrespond = {{}}\n")));
        using var admin = new AdminOnLoopback(gate);
        using Wire client = gate.Connect();
        client.Send("GET /r/9999 HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Equal(200, Wire.StatusOf(client.ReadMessage().Head));
        gate.AwaitExchanges(1);
        using Wire slow = admin.Connect(receiveBuffer: 4096);
        slow.Send("GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        string head = slow.ReadHead();
        for (int i = 0; i < 20; i++)
        {
            Assert.StartsWith("HTTP/1.1 200 ", admin.Ask("/healthz"), StringComparison.Ordinal);
        }
        JsonElement stats = await admin.StatsAsync();
        Assert.Equal(Routes, stats.At("routes").GetArrayLength());
        Assert.Equal(1, stats.Number("routes/9999/by_status/200"));
        string rest = slow.ReadToEnd(out bool reset);
        Assert.False(reset);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", head, StringComparison.Ordinal);
        Assert.EndsWith("}\r\n0\r\n\r\n", rest, StringComparison.Ordinal);
        Assert.InRange(rest.Length, Routes * 100, Routes * 500);
    }

    private static Tally Talk(Wire client, Random random, int requests)
    {
        var tally = new Tally();
        for (int i = 0; i < requests; i++)
        {
            int size = random.Next(0, 3000);
            (string route, string request, int bytesIn) = (i % 6) switch
            {
                0 => ("bytes", $"GET /bytes/{size}", 0),
                1 => ("status", $"POST /status/{(i % 4 == 1 ? 201 : 418)}", size),
                2 => ("dead", "GET /dead", 0),
                3 => ("ping", "GET /ping", 0),
                4 => ("", "GET /nowhere", 0),
                _ => ("", "DELETE /ping", 0),
            };
            string length = bytesIn > 0 ? $"Content-Length: {bytesIn}\r\n" : "";
            client.Send($"{request} HTTP/1.1\r\nHost: h\r\n{length}\r\n{new string('x', bytesIn)}");
            (string head, string body) = client.ReadMessage();
            tally.Add(route, Wire.StatusOf(head), bytesIn, body.Length);
        }
        return tally;
    }

    private static void AssertCounts(JsonElement counts, string route, Tally all) => Assert.Equal(
        (all.Requests.GetValueOrDefault(route), all.BytesIn.GetValueOrDefault(route),
            all.BytesOut.GetValueOrDefault(route)),
        (counts.Number("requests"), counts.Number("bytes_in"), counts.Number("bytes_out")));

    private static IEnumerable<(string, long)> Sorted(Dictionary<string, long> counts) =>
        counts.Select(count => (count.Key, count.Value)).Order();

    /// <summary>A port on which nobody listens, and that nobody else gets meanwhile: not even a connect to it as the
    /// port it comes from, which would be connected to itself.</summary>
    private static Socket ClosedPort(out int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        return socket;
    }
}
