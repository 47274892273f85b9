namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>The power of two choices (Mitzenmacher, 1996): of two servers drawn by weight the one with less to do for
/// its weight. Lanes that know each other's load a moment late do not all run to the same server, as they would if each
/// took the least loaded of all.</summary>
/// <param name="upstream">Where it chooses.</param>
/// <param name="lane">For which lane.</param>
/// <param name="seed">For its draws.</param>
/// <param name="byLatency">Less to do is what would be done sooner: the time a server takes to answer, times what it
/// has under way and this.</param>
internal sealed class TwoChoices(Upstream upstream, int lane, ulong seed, bool byLatency)
    : Balancer(upstream, lane, seed)
{
    /// <summary>What a server is taken to need from which no answer has come yet, in microseconds: it gets one exchange
    /// at once, and no more before that is answered. Linkerd's default, too.</summary>
    private const double UnknownUs = 1_000_000;

    /// <summary>A server that was drawn twice stands, unless the other is this much better. Without it two servers
    /// would always meet, and their weights would hardly count while both are idle.</summary>
    private const double Advantage = 2;

    protected override int Choose(long now, ulong key, in TriedServers tried)
    {
        int first = Draw(now, tried);
        int second = Draw(now, tried);
        double advantage = 1;
        if (second == first)
        {
            second = Other(first, tried);
            advantage = byLatency ? Advantage : 1;
        }
        return second >= 0 && CostOf(second, now) * advantage < CostOf(first, now) ? second : first;
    }

    private int Draw(long now, in TriedServers tried)
    {
        bool allWarm = now >= Set.WarmUntil;
        for (int i = 0; i < DrawsMax; i++)
        {
            int place = Set.Draws!.Draw(ref Random);
            if (!tried.Contains(Set.Servers[place]) && (allWarm || Set.Share(place, now) >= Random.Share()))
            {
                return place;
            }
        }
        return AnyUntried(tried);
    }

    /// <summary>Another than <paramref name="first"/>; -1 when all others were tried.</summary>
    private int Other(int first, in TriedServers tried)
    {
        for (int i = 0; i < DrawsMax; i++)
        {
            int place = Set.Draws!.Draw(ref Random);
            if (place != first && !tried.Contains(Set.Servers[place]))
            {
                return place;
            }
        }
        // A bad server must not stand because chance named no other.
        for (int i = 1; i < Set.Count; i++)
        {
            int place = (first + i) % Set.Count;
            if (!tried.Contains(Set.Servers[place]))
            {
                return place;
            }
        }
        return -1;
    }

    private double CostOf(int place, long now)
    {
        int server = Set.Servers[place].Index;
        int active = Loads.Active(server, now);
        double weight = Set.Weights[place];
        if (now < Set.WarmUntil)
        {
            weight *= Set.Share(place, now);
        }
        if (!byLatency)
        {
            return active / weight;
        }
        double latency = Loads.LatencyUs(server, now);
        if (latency == 0)
        {
            latency = active == 0 ? 0 : UnknownUs;
        }
        // The weight divides what is under way, but not this exchange: or the heaviest of idle servers got everything.
        return latency * (1 + (active * Set.WeightSum / (Set.Count * weight)));
    }
}
