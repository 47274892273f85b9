using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FastGate.EndToEnd.Admin;
using FastGate.EndToEnd.Processes;
using FastGate.EndToEnd.Upstreams;
using FastGate.Tests;

namespace FastGate.EndToEnd.Retry;

/// <summary>Real processes that are killed while requests come. FASTGATE_OUTAGE_SECONDS says how long; a few
/// otherwise.</summary>
[Collection(Alone.Name)]
public sealed class OutageTests
{
    private const int Kill = 9;
    private const int IntervalMs = 1_000;
    private const int TickRequests = 3_000;
    /// <summary>A request of an outage is tried twice, and each dial is a socket opened and closed.</summary>
    private const int DialsOfAFailure = 4;
    /// <summary>What the kernel counts by chance.</summary>
    private const int TicksSpare = 10;
    private const string Ask = "GET /delay/4 HTTP/1.1\r\nHost: h\r\n\r\n";

    private static readonly double s_seconds = double.TryParse(
        Environment.GetEnvironmentVariable("FASTGATE_OUTAGE_SECONDS"), CultureInfo.InvariantCulture, out double seconds)
        ? seconds
        : 6;

    /// <summary>One that is ejected is left alone ever longer, so that few kills meet a request: without ejection,
    /// too.</summary>
    [Theory]
    [InlineData("", "")]
    [InlineData("retry = { hedge = \"p75\" }", "")]
    [InlineData("", "eject = \"off\"")]
    public async Task One_of_three_that_is_killed_again_and_again_costs_no_request(string route, string eject)
    {
        using var servers = new ServerProcesses(3);
        using var scratch = new Scratch();
        using GateProcess gate = GateProcess.Serve(scratch, GateOnLoopback.To(
            string.Join("\", \"", servers.Addresses), route,
            upstream: "health = { path = \"/\", every = \"500ms\", timeout = \"400ms\" }\n" + eject,
            rest: "[log]\naccess = \"off\"\n"));
        long from = Stopwatch.GetTimestamp();
        using var load = new Load(gate.Port, clients: 16, Ask);
        int kills = 0;
        while (Stopwatch.GetElapsedTime(from).TotalSeconds < s_seconds)
        {
            load.Await(300);
            servers.Restart(0);
            kills++;
        }
        Asked[] asked = load.End();
        double seconds = Stopwatch.GetElapsedTime(from).TotalSeconds;
        JsonElement upstream = (await StatsAsync(gate)).At("upstreams/0");
        gate.End();

        long retries = upstream.Number("retries");
        long charged = upstream.Number("retries_charged");
        double most = (asked.Length * 0.2) + (3 * seconds) + 3;
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{asked.Length} requests in {seconds:f0} s, {kills} kills, {asked.Count(static each => each.IsCut)} cut behind "
            + $"a first byte; {retries} retries, {charged} of them charged, {most:f0} allowed");
        Assert.DoesNotContain(asked, static each => each.IsLost);
        Assert.True(retries > 0, "nobody noticed that a server was killed");
        Assert.InRange(charged, 0, most);
    }

    private static long TicksOf(GateProcess gate, Load load)
    {
        long before = CpuTime.Ticks(gate.Id);
        load.Await(TickRequests);
        return CpuTime.Ticks(gate.Id) - before;
    }

    [Fact]
    public async Task Where_all_are_dead_the_answer_is_at_once_and_nothing_piles_up()
    {
        using var one = new MoodyUpstream("one");
        using var two = new MoodyUpstream("two");
        using var scratch = new Scratch();
        using GateProcess gate = GateProcess.Serve(scratch, GateOnLoopback.To(
            $"{one.Address}\", \"{two.Address}",
            upstream: "health = { path = \"/healthz\", every = \"1s\", timeout = \"500ms\" }",
            rest: "[log]\naccess = \"off\"\n"), smallYouth: true);
        long calm;
        using (var warm = new Load(gate.Port, clients: 8))
        {
            warm.Await(2_000);
            calm = TicksOf(gate, warm);
            Assert.All(warm.End(), static each => Assert.True(each.IsFine));
        }
        (one.Mood, two.Mood) = (Mood.Refusing, Mood.Refusing);
        using (var settling = new Load(gate.Port, clients: 8))
        {
            settling.Await(2_000);
            settling.End();
        }
        long before = (await StatsAsync(gate)).Number("memory/rss_bytes");
        using (var load = new Load(gate.Port, clients: 8))
        {
            long early = TicksOf(gate, load);
            long late = TicksOf(gate, load);
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"10 ms of CPU for {TickRequests} requests: {calm} before it, {early} and then {late} in the outage");
            Assert.InRange(late, 0, (early * 3 / 2) + TicksSpare);
            Assert.InRange(late, 0, (calm * DialsOfAFailure) + TicksSpare);
            Asked[] asked = load.End();
            Assert.All(asked, static each => Assert.Equal(502, each.Status));
            double worst = asked.Max(static each => each.Ms);
            Assert.True(worst < 2_000, $"one took {worst:f0} ms");
        }
        JsonElement stats = await StatsAsync(gate);
        Assert.Equal((0, 0), (stats.Number("upstreams/0/queued"), stats.Number("connections/upstream")));
        Assert.InRange(stats.Number("memory/rss_bytes") - before, long.MinValue, 8 << 20);
        // Nobody asks: nothing is tried for nobody, but for the checks.
        Assert.InRange(await CpuTime.InASecondAsync(gate.Id, Soon.Token), 0, 20);
        // Whatever the checks know by then.
        long from = Stopwatch.GetTimestamp();
        two.Mood = Mood.Good;
        using Wire client = gate.Connect();
        Expect.Await(() => StatusAt(client) == 200, "it is not found again");
        double ms = Stopwatch.GetElapsedTime(from).TotalMilliseconds;
        TestContext.Current.TestOutputHelper?.WriteLine($"found {ms:f0} ms after it came back");
        Assert.True(ms < IntervalMs + 500, $"it was found after {ms:f0} ms");
        gate.End();
    }

    /// <summary>Nothing but failed requests says which server is away, so one of two is ejected, for a minute; and it is
    /// found as soon as it is back.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Without_checks_the_first_request_after_a_server_returns_finds_it(int back)
    {
        MoodyUpstream[] servers = [new("0"), new("1")];
        using var scratch = new Scratch();
        using GateProcess gate = GateProcess.Serve(scratch, GateOnLoopback.To(
            string.Join("\", \"", servers.Select(static server => server.Address)),
            upstream: "eject = { base = \"60s\" }", rest: "[log]\naccess = \"off\"\n"));
        using Wire client = gate.Connect();
        Assert.Equal(200, StatusAt(client));
        Array.ForEach(servers, static server => server.Mood = Mood.Refusing);
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(502, StatusAt(client));
        }
        servers[back].Mood = Mood.Good;
        for (int i = 0; i < 20; i++)
        {
            client.Send(Expect.Get);
            Assert.Equal($"{back}", client.ReadMessage().Body);
        }
        gate.End();
        Array.ForEach(servers, static server => server.Dispose());
    }

    [Fact]
    public void Where_none_may_be_tried_it_is_503_at_once_until_a_check_finds_one()
    {
        using var one = new MoodyUpstream("one");
        using var two = new MoodyUpstream("two");
        using var scratch = new Scratch();
        using GateProcess gate = GateProcess.Serve(scratch, GateOnLoopback.To(
            $"{one.Address}\", \"{two.Address}",
            upstream: """
                health = { path = "/healthz", every = "300ms", timeout = "200ms" }
                eject = { panic = "none" }
                """, rest: "[log]\naccess = \"off\"\n"));
        Expect.Await(() => one.Checks > 0 && two.Checks > 0, "nobody checks");
        (one.Mood, two.Mood) = (Mood.Refusing, Mood.Refusing);
        using Wire client = gate.Connect();
        Expect.Await(() => StatusAt(client) == 503, "they are not down");
        long from = Stopwatch.GetTimestamp();
        client.Send(Expect.Get);
        client.Problem(503, "destination_unavailable");
        Assert.True(Stopwatch.GetElapsedTime(from).TotalMilliseconds < 2_000, "it waited for something");
        one.Mood = Mood.Good;
        Expect.Await(() => StatusAt(client) == 200, "it is not found again");
        gate.End();
    }

    private static int StatusAt(Wire client)
    {
        client.Send(Expect.Get);
        return Wire.StatusOf(client.ReadMessage().Head);
    }

    private static async Task<JsonElement> StatsAsync(GateProcess gate)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using JsonDocument document = JsonDocument.Parse(
            await client.GetStringAsync(new Uri($"http://127.0.0.1:{gate.AdminPort}/stats"), Soon.Token));
        return document.RootElement.Clone();
    }

    /// <summary>Servers that are processes of their own: the program with its small upstream.</summary>
    private sealed class ServerProcesses : IDisposable
    {
        private readonly Scratch[] _scratches;
        private readonly Socket[] _reservations;
        private readonly GateProcess?[] _processes;

        public ServerProcesses(int count)
        {
            _scratches = [.. Enumerable.Range(0, count).Select(static _ => new Scratch())];
            // Bound and not listening, so that nobody else has the port while the server is away.
            _reservations = [.. Enumerable.Range(0, count).Select(static _ => Reserve())];
            _processes = new GateProcess?[count];
            for (int i = 0; i < count; i++)
            {
                Start(i);
            }
        }

        public IEnumerable<string> Addresses =>
            _reservations.Select(static socket => socket.LocalEndPoint!.ToString()!);

        public void Restart(int index)
        {
            _processes[index]!.Signal(Kill);
            Assert.Equal(128 + Kill, _processes[index]!.WaitForExit());
            _processes[index]!.Dispose();
            _processes[index] = null;
            Start(index);
        }

        public void Dispose()
        {
            foreach (GateProcess? process in _processes)
            {
                process?.Dispose();
            }
            Array.ForEach(_reservations, static socket => socket.Dispose());
            Array.ForEach(_scratches, static scratch => scratch.Dispose());
        }

        private static Socket Reserve()
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            return socket;
        }

        private void Start(int index) => _processes[index] = GateProcess.Serve(_scratches[index], $$"""
            [server]
            workers = 1
            [log]
            access = "off"
            [[listener]]
            name = "web"
            bind = "{{_reservations[index].LocalEndPoint}}"
            {{GateOnLoopback.To("demo:")}}
            """);
    }
}
