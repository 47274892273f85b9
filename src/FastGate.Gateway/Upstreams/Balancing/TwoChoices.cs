using System.Runtime.CompilerServices;

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
    private const float UnknownUs = 1_000_000;

    /// <summary>A server that was drawn twice stands, unless the other is this much better. Without it two servers
    /// would always meet, and their weights would hardly count while both are idle.</summary>
    private const float Advantage = 2;

    protected override int Choose(long now, ulong key, in TriedServers tried)
    {
        ServerSet set = Set;
        if (tried.Count > 0 || now < set.WarmUntil)
        {
            return ChooseOther(now, tried);
        }
        ulong random = Random.Next();
        int first = set.Draws!.Draw((uint)(random >> 32));
        int second = set.Draws.Draw((uint)random);
        if (second == first)
        {
            return Challenge(first, now, tried);
        }
        int one = set.Indices[first];
        int other = set.Indices[second];
        Loads.Refresh(one, now);
        Loads.Refresh(other, now);
        return byLatency
            ? LessOf(first, TimeAt(one, set.Burdens[first], now), second, TimeAt(other, set.Burdens[second], now))
            : LessOf(first, WorkAt(one, set.Burdens[first]), second, WorkAt(other, set.Burdens[second]));
    }

    /// <summary>The same where some servers were tried, or have not their whole weight yet.</summary>
    private int ChooseOther(long now, in TriedServers tried)
    {
        int first = Draw(now, tried);
        int second = Draw(now, tried);
        return second == first
            ? Challenge(first, now, tried)
            : LessOf(first, CostAt(first, now), second, CostAt(second, now));
    }

    /// <summary>A server that was drawn twice, and any other.</summary>
    private int Challenge(int first, long now, in TriedServers tried)
    {
        int second = Other(first, tried);
        return second < 0
            ? first
            : LessOf(first, CostAt(first, now), second, CostAt(second, now) * (byLatency ? Advantage : 1));
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

    private float CostAt(int place, long now)
    {
        int server = Set.Indices[place];
        float burden = (float)(Set.Burdens[place] / Set.Share(place, now));
        Loads.Refresh(server, now);
        return byLatency ? TimeAt(server, burden, now) : WorkAt(server, burden);
    }

    /// <summary>How long this exchange would take there: what the server takes, times what would be under way for its
    /// weight. The weight does not divide this exchange, or the heaviest of idle servers got everything.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float TimeAt(int server, float burden, long now)
    {
        float latency = Loads.LatencyUs(server, now, out int active);
        if (latency == 0 && active > 0)
        {
            latency = UnknownUs;
        }
        return latency * (1 + (active * burden));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float WorkAt(int server, float burden) => Loads.ActiveSeen(server) * burden;

    /// <summary>Without a branch, for which of the two it is nobody can foresee: all ones where the second is less. Of
    /// equals the first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LessOf(int first, float cost, int second, float otherCost) =>
        first ^ ((first ^ second) & (BitConverter.SingleToInt32Bits(otherCost - cost) >> 31));
}
