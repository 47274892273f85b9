namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>The server with the fewest exchanges under way for its weight; of equals any, by weight. A tree knows which
/// that is. What this lane does is in it at once; what the others do is looked at every few milliseconds, a slice of
/// the servers per choice where there are many, so that no choice waits for the rest.</summary>
internal sealed class LeastActive(Upstream upstream, int lane, ulong seed) : Balancer(upstream, lane, seed)
{
    /// <summary>Cells of other lanes that one choice reads at most, about: some microseconds.</summary>
    private const int CellsPerChoice = 1024;

    /// <summary>How often the weights of servers that start slowly are brought up to date, in milliseconds.</summary>
    private const int WarmEveryMs = 16;

    /// <summary>Of those that have as little to do, weights decide as exactly as this: a server that starts slowly has
    /// parts of 1, ten of a hundred in the beginning.</summary>
    private const int PartsMax = 128;

    private TieTree _tree = new(1);
    private float[] _weights = [];
    private int _next;
    private long _lookedAt;
    private long _warmedAt;

    public override void LoadChanged(Server server)
    {
        if (Set.Count > 1 && Set.PlaceOf(server.Index) is >= 0 and var place)
        {
            Enter(place, Loads.ActiveSeen(server.Index));
        }
    }

    protected override void Renew(long now)
    {
        _tree = new TieTree(Set.Count);
        _weights = new float[Set.Count];
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
                _tree.Set(place, float.PositiveInfinity);
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
        for (int i = 0; i < Set.Count; i++)
        {
            double weight = Set.Weights[i] * Set.Share(i, _warmedAt);
            _weights[i] = (float)weight;
            _tree.Weigh(i, Math.Max(1, (int)Math.Round(weight * parts)));
            Enter(i, Loads.Active(Set.Indices[i], now));
        }
    }

    private void Enter(int place, int active) => _tree.Set(place, active / _weights[place]);
}
