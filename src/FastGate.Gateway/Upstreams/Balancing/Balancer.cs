using System.Runtime.CompilerServices;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Chooses servers for one lane. Every lane has its own, so that choosing writes nothing another lane reads;
/// it reads the upstream's set once per choice, and prepares what it needs when that has changed.</summary>
internal abstract class Balancer
{
    /// <summary>How often a draw is repeated that came to a server which was tried, or is not warm yet.</summary>
    protected const int DrawsMax = 8;

    private readonly Upstream _upstream;
    private SplitMix _random;

    protected Balancer(Upstream upstream, int lane, ulong seed)
    {
        _upstream = upstream;
        _random = new SplitMix(seed);
        LaneIndex = lane;
        LaneCount = upstream.Loads.Length;
        Loads = new LoadView(upstream.Loads, lane, upstream.Servers.Length,
            hasLatencies: upstream.Options.Balance == Balance.P2cEwma);
        Set = ServerSet.None;
    }

    /// <summary>The set of the last choice.</summary>
    public ServerSet Set { get; private set; }

    protected int LaneIndex { get; }

    protected int LaneCount { get; }

    protected LoadView Loads { get; }

    protected ref SplitMix Random => ref _random;

    public static Balancer Create(Upstream upstream, int lane, ulong seed) => upstream.Options.Balance switch
    {
        Balance.RoundRobin => new RoundRobin(upstream, lane, seed),
        Balance.Least => new LeastActive(upstream, lane, seed),
        Balance.P2c => new TwoChoices(upstream, lane, seed, byLatency: false),
        Balance.P2cEwma => new TwoChoices(upstream, lane, seed, byLatency: true),
        _ => new BoundedHash(upstream, lane, seed),
    };

    /// <summary>A server for an exchange; null when none is usable.</summary>
    /// <param name="now">The lane's milliseconds.</param>
    /// <param name="key">The exchange's key, for <c>hash</c>; 0 for none.</param>
    /// <param name="tried">Servers that it was at in vain: not chosen while there are others.</param>
    public Server? Pick(long now, ulong key, in TriedServers tried) => PickOf(_upstream.Set, now, key, tried);

    /// <summary>The same of a set that was read already.</summary>
    public Server? PickOf(ServerSet set, long now, ulong key, in TriedServers tried)
    {
        if (set != Set)
        {
            Set = set;
            if (set.Count > 1)
            {
                Renew(now);
            }
        }
        if (set.Count <= 1)
        {
            return set.Count == 0 ? null : set.Servers[0];
        }
        bool isExhausted = tried.Count > 0 && IsExhausted(tried);
        return set.Servers[isExhausted ? ChooseAny(now, key) : Choose(now, key, tried)];
    }

    /// <summary>This lane counted an exchange in or out.</summary>
    /// <param name="server">Where it is or was.</param>
    /// <param name="change">1 or -1.</param>
    public virtual void LoadChanged(Server server, int change)
    {
    }

    /// <summary>The set has changed: it has several servers.</summary>
    protected virtual void Renew(long now)
    {
    }

    /// <returns>A place in the set, of a server that was not tried. There is one.</returns>
    protected abstract int Choose(long now, ulong key, in TriedServers tried);

    /// <summary>Leaves the choice to chance.</summary>
    protected int AnyUntried(in TriedServers tried)
    {
        int place = _random.Below(Set.Count);
        while (tried.Contains(Set.Indices[place]))
        {
            place = place + 1 == Set.Count ? 0 : place + 1;
        }
        return place;
    }

    /// <summary>Apart, so that no other choice makes room for servers that were tried.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int ChooseAny(long now, ulong key) => Choose(now, key, default);

    private bool IsExhausted(in TriedServers tried)
    {
        return Set.Count <= tried.Count && !Set.HasUntried(tried);
    }
}
