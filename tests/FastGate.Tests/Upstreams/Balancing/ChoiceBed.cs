using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Balancing;
using FastGate.Gateway.Upstreams.Health;
using FastGate.Net.Memory;

namespace FastGate.Tests.Upstreams.Balancing;

/// <summary>A group and the lanes that choose in it, without connections: time, load and answers are moved by hand, and
/// chance is seeded.</summary>
internal sealed class ChoiceBed
{
    private readonly Balancer[] _lanes;

    /// <param name="balance">How it chooses.</param>
    /// <param name="servers">Their weights, with a b behind it for a backup: "3 2 1b".</param>
    /// <param name="lanes">How many lanes.</param>
    /// <param name="slowStartMs">See <see cref="UpstreamOptions.SlowStartMs"/>.</param>
    /// <param name="seed">Of every draw.</param>
    public ChoiceBed(Balance balance, string servers, int lanes = 1, long slowStartMs = 0, ulong seed = 1)
    {
        Group = new Upstream(new UpstreamOptions
        {
            Name = "u",
            Balance = balance,
            SlowStartMs = slowStartMs,
            Eject = EjectOptions.Off with { PanicPercent = 0 },
            Servers = [.. servers.Split(' ').Select(static (text, i) => new UpstreamServer(
                Address($"10.0.{i / 250}.{i % 250}:80"), int.Parse(text.TrimEnd('b')), text.EndsWith('b')))],
        }, new MemoryTransport(lanes));
        _lanes = [.. Enumerable.Range(0, lanes).Select(i => Balancer.Create(Group, i, seed + ((ulong)i * 7919)))];
    }

    public Upstream Group { get; }

    public Server[] Servers => Group.Servers;

    /// <summary>Of every lane's clock.</summary>
    public long Now { get; set; } = 1_000;

    public static ServerAddress Address(string text)
    {
        Assert.True(ServerAddress.TryParse(text, out ServerAddress? address, out _, out _), text);
        return address!;
    }

    /// <summary>A group of so many servers of weight 1.</summary>
    public static string Equal(int count) => string.Join(' ', Enumerable.Repeat("1", count));

    public Server? Pick(int lane = 0, ulong key = 0, params ReadOnlySpan<Server> tried)
    {
        var servers = new TriedServers();
        foreach (Server server in tried)
        {
            servers.Add(server);
        }
        return _lanes[lane].Pick(Now, key, servers);
    }

    /// <summary>Picks, and has an exchange under way there.</summary>
    public Server Begin(int lane = 0, ulong key = 0)
    {
        Server server = Pick(lane, key)!;
        Count(server, 1, lane);
        return server;
    }

    public void Count(Server server, int change, int lane = 0)
    {
        Group.Loads[lane].Count(server.Index, change);
        _lanes[lane].LoadChanged(server, change);
    }

    public void Finished(Server server, double milliseconds, Outcome outcome = Outcome.Answered, int lane = 0) =>
        Group.Loads[lane].Finished(server.Index, (long)(milliseconds * 1000), outcome, Now);

    /// <summary>How often each server is chosen for an exchange that ends at once.</summary>
    public int[] Counts(int picks, int lane = 0)
    {
        int[] counts = new int[Servers.Length];
        for (int i = 0; i < picks; i++)
        {
            counts[Pick(lane)!.Index]++;
        }
        return counts;
    }

    /// <summary>Runs exchanges, as many at a time as said; whoever ends makes room for the next.</summary>
    /// <param name="atOnce">How many are under way.</param>
    /// <param name="total">How many in all.</param>
    /// <param name="take">How long the server with this index takes, in milliseconds.</param>
    /// <param name="outcome">What comes of it.</param>
    /// <returns>How many each server got.</returns>
    public int[] Run(int atOnce, int total, Func<int, double> take, Func<int, Outcome>? outcome = null)
    {
        var ends = new PriorityQueue<(Server Server, int Lane, double From), double>();
        int[] counts = new int[Servers.Length];
        double clock = Now;
        for (int i = 0; i < total; i++)
        {
            while (ends.Count >= atOnce)
            {
                ends.TryDequeue(out (Server Server, int Lane, double From) ended, out clock);
                Now = (long)clock;
                Finished(ended.Server, clock - ended.From,
                    outcome?.Invoke(ended.Server.Index) ?? Outcome.Answered, ended.Lane);
                Count(ended.Server, -1, ended.Lane);
            }
            int lane = i % _lanes.Length;
            Server server = Begin(lane);
            counts[server.Index]++;
            ends.Enqueue((server, lane, clock), clock + take(server.Index));
        }
        while (ends.TryDequeue(out (Server Server, int Lane, double) left, out _))
        {
            Count(left.Server, -1, left.Lane);
        }
        return counts;
    }

    /// <summary>Each count is this share of all, give or take so much of itself.</summary>
    public static void AssertShares(int[] counts, double[] shares, double tolerance)
    {
        double sum = counts.Sum();
        for (int i = 0; i < counts.Length; i++)
        {
            Assert.True(Math.Abs((counts[i] / sum) - shares[i]) <= shares[i] * tolerance,
                $"server {i} has {counts[i] / sum:P1} and not {shares[i]:P1}: {string.Join(' ', counts)}");
        }
    }
}
