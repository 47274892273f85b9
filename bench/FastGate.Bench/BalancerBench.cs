using BenchmarkDotNet.Attributes;
using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Balancing;
using FastGate.Net.Memory;

namespace FastGate.Bench;

/// <summary>Choosing a server for one of four lanes, and what every exchange does besides: counting it in and out, and
/// telling how long the answer took. Beside a counter that goes round equal servers and knows nothing. Some exchanges
/// are always under way, on this lane and on the others, and answers differ, so that no choice is foreseen. Time moves
/// by a millisecond every 64 choices: some choices look at the other lanes anew.</summary>
[MemoryDiagnoser]
public class BalancerBench
{
    private const int Lane = 0;
    private const int Lanes = 4;
    private const int UnderWay = 64;

    private readonly Server[] _open = new Server[UnderWay];
    private Upstream _group = null!;
    private Balancer _balancer = null!;
    private uint _turn;
    private ulong _key;
    private long _now;

    [Params(3, 100, 1_000)]
    public int Servers { get; set; }

    [GlobalSetup(Target = nameof(Counter))]
    public void BuildCounter() => Build(Balance.RoundRobin);

    [GlobalSetup(Target = nameof(RoundRobin))]
    public void BuildRoundRobin() => Build(Balance.RoundRobin);

    [GlobalSetup(Target = nameof(Least))]
    public void BuildLeast() => Build(Balance.Least);

    [GlobalSetup(Target = nameof(P2c))]
    public void BuildP2c() => Build(Balance.P2c);

    [GlobalSetup(Target = nameof(P2cEwma))]
    public void BuildP2cEwma() => Build(Balance.P2cEwma);

    [GlobalSetup(Target = nameof(Hash))]
    public void BuildHash() => Build(Balance.Hash);

    [Benchmark(Baseline = true)]
    public Server Counter() => Count(_group.Servers[_turn % (uint)Servers]);

    [Benchmark]
    public Server RoundRobin() => Choose();

    [Benchmark]
    public Server Least() => Choose();

    [Benchmark]
    public Server P2c() => Choose();

    [Benchmark]
    public Server P2cEwma() => Choose();

    [Benchmark]
    public Server Hash() => Choose();

    private Server Choose()
    {
        _key += 0x9E3779B97F4A7C15;
        return Count(_balancer.Pick(_now + (_turn >> 6), _key, default)!);
    }

    /// <summary>Who came 64 exchanges ago ends, and this one begins.</summary>
    private Server Count(Server server)
    {
        uint at = _turn++ % UnderWay;
        Change(_open[at], -1);
        _group.Loads[Lane].Finished(_open[at].Index, 1_000 + (at * 7), Outcome.Answered, _now + (_turn >> 6));
        _open[at] = server;
        Change(server, 1);
        return server;
    }

    private void Change(Server server, int change)
    {
        _group.Loads[Lane].Count(server.Index, change);
        _balancer.LoadChanged(server, change);
    }

    private static ServerAddress AddressOf(int index) =>
        ServerAddress.TryParse($"10.0.{index / 250}.{index % 250}:80", out ServerAddress? address, out _, out _)
            ? address!
            : throw new InvalidOperationException("no address");

    private void Build(Balance balance)
    {
        _group = new Upstream(new UpstreamOptions
        {
            Name = "bench",
            Balance = balance,
            Servers = [.. Enumerable.Range(0, Servers).Select(static i => new UpstreamServer(AddressOf(i), 1 + (i % 4)))],
        }, new MemoryTransport(Lanes));
        _balancer = Balancer.Create(_group, Lane, seed: 1);
        _now = 1_000;
        for (int i = 0; i < Servers; i++)
        {
            for (int lane = 0; lane < Lanes; lane++)
            {
                _group.Loads[lane].Finished(i, 1_000 + (i * 37 % 900), Outcome.Answered, _now);
                _group.Loads[lane].Count(i, lane == Lane ? 0 : i % 3);
            }
        }
        for (int i = 0; i < UnderWay; i++)
        {
            _open[i] = _group.Servers[i % Servers];
            Change(_open[i], 1);
        }
    }
}
