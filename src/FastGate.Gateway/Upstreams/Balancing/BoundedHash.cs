namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>The same key to the same server, unless that has more than 1.25 times its share of what is under way: then
/// to the next on the ring (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016). Loads
/// are counted over all lanes, the others' as they were a few milliseconds ago. An exchange without the key goes where
/// two choices send it.</summary>
internal sealed class BoundedHash : Balancer
{
    private const double Factor = 1.25;

    /// <summary>At least a fifth of the servers always has room, so that a walk seldom takes more than five steps. Only
    /// one that also passes servers that were tried or start slowly comes near this.</summary>
    private const int StepsMax = 256;

    private readonly TwoChoices _withoutKey;

    public BoundedHash(Upstream upstream, int lane, ulong seed)
        : base(upstream, lane, seed) => _withoutKey = new TwoChoices(upstream, lane, seed + 1, byLatency: false);

    protected override int Choose(long now, ulong key, in TriedServers tried)
    {
        if (key == 0)
        {
            return Set.PlaceOf(_withoutKey.PickOf(Set, now, 0, tried)!.Index);
        }
        HashRing ring = Set.Ring!;
        bool allWarm = now >= Set.WarmUntil;
        double perWeight = Factor * (Loads.Total(now) + 1) / Set.WeightSum;
        int fallback = -1;
        int at = ring.Find(key);
        for (int i = Math.Min(StepsMax, ring.Length); i > 0; i--, at = ring.Next(at))
        {
            int place = ring[at];
            int server = Set.Indices[place];
            if (tried.Contains(server))
            {
                continue;
            }
            fallback = fallback < 0 ? place : fallback;
            // A server that starts slowly gets some of its keys back after the other, and keeps those it has.
            if (!allWarm && Set.Share(place, now) < SplitMix.Unit(SplitMix.Mix(key + (ulong)server)))
            {
                continue;
            }
            if (Loads.Active(server, now) + 1 <= Math.Ceiling(perWeight * Set.Weights[place]))
            {
                return place;
            }
        }
        return fallback < 0 ? AnyUntried(tried) : fallback;
    }
}
