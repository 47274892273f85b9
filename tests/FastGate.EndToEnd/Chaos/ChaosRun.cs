using System.Diagnostics;
using FastGate.EndToEnd.Processes;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.Chaos;

/// <summary>A gate as a process of its own between good and bad clients and good and bad upstreams, for as long as is
/// said.</summary>
internal sealed class ChaosRun : IAsyncDisposable
{
    private const int CalmClients = 8;
    private const int FewClients = 8;
    private const int PairClients = 10;
    private const int BadClients = 10;
    private const int GoodShare = 10;
    private static readonly TimeSpan s_turnBound = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan s_settleBound = TimeSpan.FromSeconds(30);

    private readonly Scratch _scratch = new();
    private readonly TimeSpan _duration;
    private readonly TimeSpan _pace;
    private readonly int _seed;
    private readonly Action<string> _say;
    private readonly UnrulyUpstream _calm = UnrulyUpstream.AtPortOfItsOwn();
    private readonly UnrulyUpstream _restarting = UnrulyUpstream.AtPortOfItsOwn();
    private readonly UnrulyUpstream _other = UnrulyUpstream.AtPortOfItsOwn();
    private readonly CancellationTokenSource _over = new();
    private readonly List<long> _resident = [];
    private int _restarts;
    private string[] _openBefore = [];

    /// <param name="duration">How long clients go on asking.</param>
    /// <param name="pace">How often each of them does at most.</param>
    /// <param name="seed">Of everything that is drawn.</param>
    /// <param name="say">Takes a line of progress.</param>
    public ChaosRun(TimeSpan duration, TimeSpan pace, int seed, Action<string> say)
    {
        (_duration, _pace, _seed, _say) = (duration, pace, seed, say);
        Gate = GateProcess.Serve(_scratch, Configuration());
    }

    public GateProcess Gate { get; }

    public Tally Tally { get; } = new();

    /// <summary>Resident memory, sampled evenly.</summary>
    public IReadOnlyList<long> Resident => _resident;

    private int[] UpstreamPorts => [_calm.Port, _restarting.Port, _other.Port];

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        Gate.Dispose();
        await _calm.DisposeAsync();
        await _restarting.DisposeAsync();
        await _other.DisposeAsync();
        _over.Dispose();
        _scratch.Dispose();
    }

    /// <summary>Runs it. What may not happen is in <see cref="Tally"/> afterwards.</summary>
    public async Task RunAsync()
    {
        Gate.Get("/pong");
        await SettleAsync();
        _openBefore = ProcessState.Open(Gate.Id);
        long started = Stopwatch.GetTimestamp();
        using (var canary = new Canary(Gate.Port, Tally))
        {
            Task restarting = RestartAsync(started);
            Task watching = WatchAsync(started, canary);
            await Task.WhenAll(Clients().Select(client => Task.Run(() => client(started))));
            await restarting;
            await watching;
        }
        await SettleAsync();
        Tally.DemandAllRight("calm ");
        foreach (string wrong in _calm.Wrong.Concat(_restarting.Wrong).Concat(_other.Wrong))
        {
            Tally.Complain($"an upstream saw: {wrong}");
        }
        _say($"{Tally}requests at the upstreams: {_calm.Requests} calm, {_restarting.Requests} restarting "
            + $"({_restarts} restarts), {_other.Requests} other");
    }

    /// <summary>Two groups that have trouble of every kind and little patience, one with few connections to share and
    /// one with a server that never restarts beside one that does, where what fails is tried again; and a calm one that must not feel any of
    /// it.</summary>
    private string Configuration() => $$"""
        [server]
        workers = 2
        drain = "5s"
        [log]
        to = "/dev/null"
        [client]
        head_bytes_max = "{{MessageCases.Limits.HeadBytesMax}}B"
        headers_max = {{MessageCases.Limits.HeadersMax}}
        head_timeout = "2s"
        keep_alive = "60s"
        [defaults]
        timeout = { connect = "1s", first_byte = "500ms", idle = "1s", tunnel = "2s" }
        [upstream.few]
        servers = ["{{_restarting.Address}}"]
        pool = { connections_max = 6, tunnels_max = 64, queue_max = 64, queue_timeout = "300ms", idle = "1s" }
        [upstream.pair]
        servers = ["{{_restarting.Address}}", "{{_other.Address}}"]
        pool = { connections_max = 64, tunnels_max = 8, idle = "1s" }
        health = { path = "/length/1", every = "500ms", timeout = "200ms", rise = 1, fall = 2 }
        eject = { consecutive = 20, base = "200ms" }
        [upstream.calm]
        servers = ["{{_calm.Address}}"]
        pool = { idle = "1s" }
        [[route]]
        name = "few"
        match = "/few/*"
        strip_prefix = "/few"
        upstream = "few"
        [[route]]
        name = "pair"
        match = "/pair/*"
        strip_prefix = "/pair"
        upstream = "pair"
        retry = { retries = 2, body_max = "64KiB", budget = "100%", budget_min = "100/s" }
        [[route]]
        name = "calm"
        match = "/calm/*"
        strip_prefix = "/calm"
        upstream = "calm"
        timeout = { connect = "20s", first_byte = "30s", idle = "30s", tunnel = "30s" }
        [[route]]
        name = "pong"
        match = "/pong"
        respond = { status = 200, body = "pong" }
        [[route]]
        name = "rest"
        match = "/*"
        upstream = "calm"
        """;

    private IEnumerable<Func<long, Task>> Clients()
    {
        string[] mixed = Mixed();
        int next = 0;
        Random NewRandom() => new((_seed * 1000) + next++);
        for (int i = 0; i < CalmClients; i++)
        {
            var client = new GoodClient(
                Gate.Port, "calm", UnrulyUpstream.Good, UnrulyTunnel.Good, NewRandom(), Tally, _over.Token);
            yield return started => DriveAsync(client.TurnAsync, () => client.Kind, client, started);
        }
        string[] tunnels = [.. UnrulyTunnel.Good, .. UnrulyTunnel.Bad];
        for (int i = 0; i < FewClients + PairClients; i++)
        {
            string group = i < FewClients ? "few" : "pair";
            var client = new GoodClient(Gate.Port, group, mixed, tunnels, NewRandom(), Tally, _over.Token);
            yield return started => DriveAsync(client.TurnAsync, () => client.Kind, client, started);
        }
        for (int i = 0; i < BadClients; i++)
        {
            string group = i % 2 == 0 ? "few" : "pair";
            var client = new BadClient(Gate.Port, group, mixed, NewRandom(), Tally, _over.Token);
            yield return started => DriveAsync(client.TurnAsync, () => client.Kind, null, started);
        }
    }

    /// <summary>Good behaviours so much more often that most of what is asked for can be had.</summary>
    private static string[] Mixed()
    {
        string[] good = [.. UnrulyUpstream.Good, .. UnrulyUpstream.Stale];
        IEnumerable<string> rules = Enumerable.Range(0, UnrulyAnswer.Rules.Length).Select(i => $"rule-{i}");
        return
        [
            .. Enumerable.Repeat(good, GoodShare).SelectMany(each => each),
            .. UnrulyUpstream.Bad, .. UnrulyUpstream.Worse, .. rules,
        ];
    }

    private bool GoesOn(long started) => Stopwatch.GetElapsedTime(started) < _duration && !Tally.HasSeenEnough;

    private async Task DriveAsync(Func<Task> turn, Func<string> kind, IDisposable? client, long started)
    {
        using var timer = new PeriodicTimer(_pace);
        using (client)
        {
            for (int turns = 0; GoesOn(started); turns++)
            {
                try
                {
                    await turn().WaitAsync(s_turnBound);
                }
                catch (TimeoutException)
                {
                    Tally.Complain($"stuck: {kind()}, turn {turns} of seed {_seed}");
                    return;
                }
                catch (Exception exception)
                {
                    Tally.Complain($"{kind()}, turn {turns} of seed {_seed}: {exception}");
                }
                await timer.WaitForNextTickAsync(_over.Token);
            }
        }
    }

    private async Task RestartAsync(long started)
    {
        var random = new Random(_seed);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (int ticks = 1; GoesOn(started); ticks++)
        {
            await timer.WaitForNextTickAsync(_over.Token);
            if (ticks % 20 == 0)
            {
                await _restarting.StopAsync();
                for (int down = random.Next(4); down > 0; down--)
                {
                    await timer.WaitForNextTickAsync(_over.Token);
                }
                _restarting.Start();
                _restarts++;
            }
        }
    }

    private async Task WatchAsync(long started, Canary canary)
    {
        TimeSpan period = TimeSpan.FromSeconds(Math.Min(_duration.TotalSeconds / 20, 10));
        using var timer = new PeriodicTimer(period);
        long said = started;
        while (GoesOn(started))
        {
            await timer.WaitForNextTickAsync(_over.Token);
            _resident.Add(ProcessState.ResidentBytes(Gate.Id));
            if (Stopwatch.GetElapsedTime(said).TotalSeconds < 60)
            {
                continue;
            }
            said = Stopwatch.GetTimestamp();
            (int client, int upstream) = ProcessState.Connections(Gate.Id, Gate.Port, UpstreamPorts);
            _say($"{(int)Stopwatch.GetElapsedTime(started).TotalSeconds,6} s: "
                + $"right {Tally.Sum(Outcome.Right)}, refused {Tally.Sum(Outcome.Refused)}, "
                + $"cut {Tally.Sum(Outcome.Cut)}, wrong {Tally.Sum(Outcome.Wrong)}, complaints {Tally.Complaints.Count}; "
                + $"resident {_resident[^1] >> 10} KiB, descriptors {ProcessState.Descriptors(Gate.Id)}, "
                + $"connections {client} + {upstream}, slowest pong {canary.TakeSlowestMs()} ms");
        }
    }

    /// <summary>Waits until nobody is connected any more, neither clients nor to upstreams.</summary>
    private async Task SettleAsync()
    {
        long from = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        (int Client, int Upstream) left;
        string[] open;
        do
        {
            await timer.WaitForNextTickAsync(_over.Token);
            left = ProcessState.Connections(Gate.Id, Gate.Port, UpstreamPorts);
            open = ProcessState.Open(Gate.Id);
            if (left == (0, 0) && (_openBefore.Length == 0 || open.Length == _openBefore.Length))
            {
                return;
            }
        }
        while (Stopwatch.GetElapsedTime(from) < s_settleBound);
        Tally.Complain($"left behind: {left.Client} connections of clients, {left.Upstream} to upstreams, "
            + $"{open.Length} descriptors where there were {_openBefore.Length}; new are "
            + string.Join(", ", open.Except(_openBefore, StringComparer.Ordinal)));
    }
}
