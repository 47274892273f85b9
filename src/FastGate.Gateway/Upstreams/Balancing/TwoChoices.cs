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
        bool isPlain = tried.Count == 0 && now >= Set.WarmUntil;
        ulong random = Random.Next();
        int first = isPlain ? Set.Draws!.Draw((uint)(random >> 32)) : Draw(now, tried);
        int second = isPlain ? Set.Draws!.Draw((uint)random) : Draw(now, tried);
        double advantage = 1;
        if (second == first)
        {
            second = Other(first, tried);
            advantage = byLatency ? Advantage : 1;
        }
        return second >= 0 && IsBetter(second, first, advantage, now) ? second : first;
    }

    private int Draw(long now, in TriedServers tried)
    {
        bool allWarm = now >= Set.WarmUntil;
        for (int i = 0; i < DrawsMax; i++)
        {
            int place = Set.Draws!.Draw((uint)Random.Next());
            if (!tried.Contains(Set.Indices[place]) && (allWarm || Set.Share(place, now) >= Random.Share()))
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
            int place = Set.Draws!.Draw((uint)Random.Next());
            if (place != first && !tried.Contains(Set.Indices[place]))
            {
                return place;
            }
        }
        // A bad server must not stand because chance named no other.
        for (int i = 1; i < Set.Count; i++)
        {
            int place = (first + i) % Set.Count;
            if (!tried.Contains(Set.Indices[place]))
            {
                return place;
            }
        }
        return -1;
    }

    /// <summary>Compares what each has to do for its weight, without a division.</summary>
    private bool IsBetter(int one, int other, double advantage, long now)
    {
        double weight = WeightOf(one, now);
        double otherWeight = WeightOf(other, now);
        if (!byLatency)
        {
            return Loads.Active(Set.Indices[one], now) * otherWeight < Loads.Active(Set.Indices[other], now) * weight;
        }
        // The weight divides what is under way, but not this exchange: or the heaviest of idle servers got everything.
        double latency = LatencyOf(one, now, out int active);
        double otherLatency = LatencyOf(other, now, out int otherActive);
        double mean = Set.WeightMean;
        return latency * (weight + (active * mean)) * otherWeight * advantage
            < otherLatency * (otherWeight + (otherActive * mean)) * weight;
    }

    private double LatencyOf(int place, long now, out int active)
    {
        double latency = Loads.LatencyUs(Set.Indices[place], now, out active);
        return latency > 0 || active == 0 ? latency : UnknownUs;
    }

    private double WeightOf(int place, long now)
    {
        double weight = Set.Weights[place];
        return now >= Set.WarmUntil ? weight : weight * Set.Share(place, now);
    }
}
