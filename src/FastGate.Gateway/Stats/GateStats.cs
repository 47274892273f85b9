namespace FastGate.Gateway.Stats;

/// <summary>The counters of all lanes; they are added up when somebody asks.</summary>
public sealed class GateStats
{
    private readonly LaneStats[] _lanes;

    public GateStats(int lanes)
    {
        _lanes = new LaneStats[lanes];
        for (int i = 0; i < lanes; i++)
        {
            _lanes[i] = new LaneStats();
        }
    }

    public int Lanes => _lanes.Length;

    internal LaneStats ForLane(int index) => _lanes[index];

    /// <summary>All lanes together. Any thread.</summary>
    public StatsTotals Sum()
    {
        var totals = new StatsTotals();
        foreach (LaneStats lane in _lanes)
        {
            lane.AddTo(totals);
        }
        return totals;
    }

    /// <summary>One lane alone. Any thread.</summary>
    public StatsTotals SumOf(int index)
    {
        var totals = new StatsTotals();
        _lanes[index].AddTo(totals);
        return totals;
    }
}

/// <summary>Numbers since the start, as read at one moment.</summary>
public sealed class StatsTotals
{
    public long ClientsAccepted { get; internal set; }
    public long ClientsOpen { get; internal set; }
    public long UpstreamsOpen { get; internal set; }
    public long Requests { get; internal set; }
    public long BytesIn { get; internal set; }
    public long BytesOut { get; internal set; }
    /// <summary>Exchanges whose status was outside of 100 to 599.</summary>
    public long OtherStatus { get; internal set; }

    internal long[] ByStatus { get; } = new long[LaneStats.StatusMax - LaneStats.StatusMin + 1];
    internal long[] ByReason { get; } = new long[ReasonWords.Count];

    public long WithStatus(int status) => ByStatus[status - LaneStats.StatusMin];

    public long WithReason(Reason reason) => ByReason[(int)reason];
}
