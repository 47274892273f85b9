namespace FastGate.Gateway.Stats;

/// <summary>The counters of all lanes; they are added up when somebody asks.</summary>
public sealed class GateStats
{
    private readonly LaneStats[] _lanes;

    /// <param name="lanes">Threads that count.</param>
    /// <param name="routes">Their ids are 1 to this.</param>
    /// <param name="listeners">Their ids are 0 to this, less one.</param>
    public GateStats(int lanes, int routes, int listeners)
    {
        _lanes = new LaneStats[lanes];
        for (int i = 0; i < lanes; i++)
        {
            _lanes[i] = new LaneStats(routes, listeners);
        }
    }

    public int Lanes => _lanes.Length;

    internal LaneStats ForLane(int index) => _lanes[index];

    /// <summary>All lanes together. Any thread.</summary>
    public StatsTotals Sum()
    {
        var totals = new StatsTotals();
        AddTo(totals);
        return totals;
    }

    /// <summary>One lane alone. Any thread.</summary>
    public StatsTotals SumOf(int index)
    {
        var totals = new StatsTotals();
        _lanes[index].AddTo(totals);
        return totals;
    }

    /// <summary>Adds the numbers of all lanes. Any thread.</summary>
    internal void AddTo(StatsTotals totals)
    {
        foreach (LaneStats lane in _lanes)
        {
            lane.AddTo(totals);
        }
    }

    /// <summary>Adds those of one route, or of <see cref="LaneStats.NoRoute"/>. Any thread.</summary>
    internal void AddRouteTo(int route, RequestTotals totals)
    {
        foreach (LaneStats lane in _lanes)
        {
            lane.AddRouteTo(route, totals);
        }
    }

    /// <summary>Open connections of clients that came through a listener. Any thread.</summary>
    internal long OpenOf(int listener)
    {
        long open = 0;
        foreach (LaneStats lane in _lanes)
        {
            open += lane.OpenOf(listener);
        }
        return open;
    }

    /// <summary>The last minute. Any thread.</summary>
    /// <param name="now">The lanes' clock, in milliseconds.</param>
    internal RateReading Rate(long now)
    {
        var reading = new RateReading();
        foreach (LaneStats lane in _lanes)
        {
            lane.Rate.AddTo(ref reading, now);
        }
        return reading;
    }
}
