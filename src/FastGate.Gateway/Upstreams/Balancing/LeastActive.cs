namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>The server with the fewest exchanges under way for its weight; of equals any, by weight. A tree knows which
/// that is. What this lane does is in it at once; what the others do is looked at every few milliseconds, a slice of
/// the servers per choice where there are many, so that no choice waits for the rest. What a server has to do is a
/// whole number, so many steps for each exchange, and the steps of one that weighs twice as much are half as long: an
/// exchange more or less is one addition.</summary>
internal sealed class LeastActive(Upstream upstream, int lane, ulong seed) : Balancer(upstream, lane, seed)
{
    /// <summary>Cells of other lanes that one choice reads at most, about: some microseconds.</summary>
    private const int CellsPerChoice = 1024;

    /// <summary>How often the weights of servers that start slowly are brought up to date, in milliseconds.</summary>
    private const int WarmEveryMs = 16;

    /// <summary>Of those that have as little to do, weights decide as exactly as this: a server that starts slowly has
    /// parts of 1, ten of a hundred in the beginning.</summary>
    private const int PartsMax = 128;

    /// <summary>The most exchanges that one server is thought to have at once, far more than there are descriptors in
    /// a process.</summary>
    private const int ActiveMax = 1 << 20;

    /// <summary>A step of weight 1, where no smaller one divides by all weights.</summary>
    private const int UnitMax = 1 << 14;

    private readonly int _activeMax = (int)Math.Clamp(
        (long)upstream.Options.Pool.ConnectionsMax + upstream.Options.Pool.TunnelsMax, 1, ActiveMax);

    private TieTree _tree = new(1);
    private int[] _steps = [];
    private int _commonMultiple = 1;
    private int _next;
    private long _lookedAt;
    private long _warmedAt;

    public override void LoadChanged(Server server, int change)
    {
        if (Set.Count > 1 && Set.PlaceOf(server.Index) is >= 0 and var place)
        {
            _tree.Add(place, change * _steps[place]);
        }
    }

    protected override void Renew(long now)
    {
        _tree = new TieTree(Set.Count);
        _steps = new int[Set.Count];
        _commonMultiple = CommonMultiple(Set.Weights);
        _warmedAt = now;
        _lookedAt = now;
        _next = Set.Count;
        EnterAll(now);
    }

    protected override int Choose(long now, ulong key, in TriedServers tried)
    {
        if ((_next < Set.Count || now - _lookedAt >= LoadView.FreshMs) && !Loads.IsAlone)
        {
            Look(now);
        }
        if (_warmedAt < Set.WarmUntil && (now >= Set.WarmUntil || now - _warmedAt >= WarmEveryMs))
        {
            _warmedAt = now;
            EnterAll(now);
        }
        if (tried.Count == 0)
        {
            return _tree.Draw(ref Random);
        }
        // Out of the way for this one choice.
        for (int i = 0; i < tried.Count; i++)
        {
            if (Set.PlaceOf(tried[i]) is >= 0 and var place)
            {
                _tree.Set(place, TieTree.Most);
            }
        }
        int chosen = _tree.Draw(ref Random);
        for (int i = 0; i < tried.Count; i++)
        {
            if (Set.PlaceOf(tried[i]) is >= 0 and var place)
            {
                Enter(place, Loads.ActiveSeen(tried[i]));
            }
        }
        return chosen;
    }

    private void Look(long now)
    {
        int[] indices = Set.Indices;
        if (_next == indices.Length)
        {
            _lookedAt = now;
            _next = 0;
        }
        int end = Math.Min(indices.Length, _next + Math.Max(8, CellsPerChoice / Loads.OtherLanes));
        for (int place = _next; place < end; place++)
        {
            Enter(place, Loads.Active(indices[place], now));
        }
        _next = end;
    }

    private void EnterAll(long now)
    {
        double parts = Math.Min(PartsMax, int.MaxValue / 2 / Set.WeightSum);
        double unit = UnitOf(now < Set.WarmUntil ? ServerSet.ShareMin : 1);
        for (int i = 0; i < Set.Count; i++)
        {
            double weight = Set.Weights[i] * Set.Share(i, _warmedAt);
            _steps[i] = Math.Max(1, (int)Math.Round(unit / weight));
            _tree.Weigh(i, Math.Max(1, (int)Math.Round(weight * parts)));
            Enter(i, Loads.Active(Set.Indices[i], now));
        }
    }

    /// <summary>The step of weight 1: one that all weights divide, so that who has as much to do for its weight is
    /// known to, and a fine one while some have a part of their weight.</summary>
    /// <param name="leastShare">The smallest part of its weight that a server has.</param>
    private int UnitOf(double leastShare)
    {
        int most = Math.Min(UnitMax, (int)(TieTree.Most / _activeMax * leastShare));
        return Math.Max(1, _commonMultiple <= most ? most / _commonMultiple * _commonMultiple : most);
    }

    /// <returns>The least one, or <see cref="UnitMax"/> where that is more.</returns>
    private static int CommonMultiple(double[] weights)
    {
        int common = 1;
        foreach (double weight in weights)
        {
            (int divisor, int rest) = (common, (int)weight);
            while (rest != 0)
            {
                (divisor, rest) = (rest, divisor % rest);
            }
            common = Math.Min(UnitMax, common / divisor * (int)weight);
        }
        return common;
    }

    private void Enter(int place, int active) =>
        _tree.Set(place, (int)Math.Min((long)active * _steps[place], TieTree.Most));
}
