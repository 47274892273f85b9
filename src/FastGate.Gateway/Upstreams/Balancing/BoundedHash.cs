namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>The same key to the same server, unless that has more than 1.25 times its share of what is under way: then
/// to another (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", 2016), which the key itself
/// names, and not the next on the ring: that one would be full next (Chen, Coleman and Shrivastava, "Revisiting
/// Consistent Hashing with Bounded Loads", 2021). Loads are counted over all lanes, the others' as they were a few
/// milliseconds ago. An exchange without the key goes where two choices send it.</summary>
internal sealed class BoundedHash : Balancer
{
    private const double Factor = 1.25;

    /// <summary>At least a fifth of the servers always has room, so that a walk seldom takes more than five steps. Only
    /// one that also passes servers that were tried or start slowly comes near this.</summary>
    private const int StepsMax = 256;

    private readonly TwoChoices _withoutKey;
    private double _roomPerExchange;

    public BoundedHash(Upstream upstream, int lane, ulong seed)
        : base(upstream, lane, seed) => _withoutKey = new TwoChoices(upstream, lane, seed + 1, byLatency: false);

    protected override void Renew(long now) => _roomPerExchange = Factor / Set.WeightSum;

    protected override int Choose(long now, ulong key, in TriedServers tried)
    {
        if (key == 0)
        {
            return Set.PlaceOf(_withoutKey.PickOf(Set, now, 0, tried)!.Index);
        }
        ServerSet set = Set;
        if (tried.Count > 0 || now < set.WarmUntil)
        {
            return ChooseOther(set, now, key, tried);
        }
        HashSlots slots = set.Slots!;
        double room = RoomPerWeight(now);
        int first = slots[key];
        int place = first;
        for (int i = 0; i < StepsMax; i++)
        {
            if (Loads.Active(set.Indices[place], now) < room * set.Weights[place])
            {
                return place;
            }
            key = HashSlots.After(key);
            place = slots[key];
        }
        return first;
    }

    /// <summary>The same where some servers were tried, or have not their whole weight yet.</summary>
    private int ChooseOther(ServerSet set, long now, ulong key, in TriedServers tried)
    {
        HashSlots slots = set.Slots!;
        double room = RoomPerWeight(now);
        int fallback = -1;
        ulong at = key;
        for (int i = 0; i < StepsMax; i++, at = HashSlots.After(at))
        {
            int place = slots[at];
            int server = set.Indices[place];
            if (tried.Contains(server))
            {
                continue;
            }
            fallback = fallback < 0 ? place : fallback;
            // A server that starts slowly gets some of its keys back after the other, and keeps those it has.
            if (set.Share(place, now) < SplitMix.Unit(SplitMix.Mix(key + (ulong)server)))
            {
                continue;
            }
            if (Loads.Active(server, now) < room * set.Weights[place])
            {
                return place;
            }
        }
        return fallback < 0 ? AnyUntried(tried) : fallback;
    }

    /// <summary>Who has fewer under way than this for its weight has room for one more: with it he has at most 1.25
    /// times his share, rounded up.</summary>
    private double RoomPerWeight(long now) => (Loads.Total(now) + 1) * _roomPerExchange;
}
