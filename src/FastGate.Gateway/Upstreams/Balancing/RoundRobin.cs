namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Each server in its turn, as often as its weight says, and a heavy one's turns spread between the others',
/// as nginx's smooth weighted round robin does. There every choice looks at every server; here the whole round is
/// written down once per set (<see cref="TurnTable"/>), and a lane knows how far it is.</summary>
internal sealed class RoundRobin(Upstream upstream, int lane, ulong seed) : Balancer(upstream, lane, seed)
{
    private int _turn;

    protected override void Renew(long now) => _turn = Set.Turns!.StartOf(LaneIndex, LaneCount);

    protected override int Choose(long now, ulong key, in TriedServers tried)
    {
        ServerSet set = Set;
        return tried.Count == 0 && now >= set.WarmUntil ? Next(set.Turns!) : ChooseOther(set, now, tried);
    }

    /// <summary>Passes turns of servers that were tried, and of those that start slowly as many as their weight
    /// lacks.</summary>
    private int ChooseOther(ServerSet set, long now, in TriedServers tried)
    {
        int untried = -1;
        for (int i = 0; i < DrawsMax; i++)
        {
            int place = Next(set.Turns!);
            if (tried.Contains(set.Indices[place]))
            {
                continue;
            }
            if (now >= set.WarmUntil || set.Share(place, now) >= Random.Share())
            {
                return place;
            }
            untried = place;
        }
        return untried >= 0 ? untried : AnyUntried(tried);
    }

    private int Next(TurnTable turns)
    {
        int turn = _turn;
        _turn = turn + 1 == turns.Length ? 0 : turn + 1;
        return turns[turn];
    }
}
