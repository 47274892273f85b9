namespace FastGate.Gateway.Stats;

/// <summary>What was counted of requests since the start, as read at one moment: of a route, or of all of
/// them.</summary>
public class RequestTotals
{
    public long Requests { get; private set; }

    /// <summary>Requests that are not over; of a route only.</summary>
    public long InFlight { get; internal set; }

    public long BytesIn { get; internal set; }

    public long BytesOut { get; internal set; }

    internal long[] ByStatus { get; } = new long[LaneStats.StatusMax - LaneStats.StatusMin + 1];

    internal long[] ByReason { get; } = new long[ReasonWords.Count];

    public long WithStatus(int status) => ByStatus[status - LaneStats.StatusMin];

    /// <summary>Exchanges that ended for this reason. Of <see cref="Reason.None"/>: those that ended well.</summary>
    public long WithReason(Reason reason) => reason == Reason.None ? Requests - ByReason.Sum() : ByReason[(int)reason];

    internal void AddStatus(int status, long count)
    {
        Requests += count;
        ByStatus[Math.Clamp(status, LaneStats.StatusMin, LaneStats.StatusMax) - LaneStats.StatusMin] += count;
    }

    internal virtual void Clear()
    {
        Requests = 0;
        InFlight = 0;
        BytesIn = 0;
        BytesOut = 0;
        Array.Clear(ByStatus);
        Array.Clear(ByReason);
    }
}

/// <summary>The numbers of a whole gate or of one lane.</summary>
public sealed class StatsTotals : RequestTotals
{
    public long ClientsAccepted { get; internal set; }

    public long ClientsOpen { get; internal set; }

    internal override void Clear()
    {
        base.Clear();
        ClientsAccepted = 0;
        ClientsOpen = 0;
    }
}
