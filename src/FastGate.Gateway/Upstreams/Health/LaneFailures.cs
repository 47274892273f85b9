namespace FastGate.Gateway.Upstreams.Health;

/// <summary>What became of one lane's exchanges with each server of an upstream, lately: a cell per server, written by
/// the lane alone and read by the others. Lately is between a half and the whole of a window: two halves are kept, and
/// the older one is dropped as a whole.</summary>
internal sealed class LaneFailures(int servers, long windowMs)
{
    /// <summary>128 bytes before and behind: lines are fetched in pairs.</summary>
    private const int Padding = 6;

    private readonly Cell[] _cells = new Cell[Padding + servers + Padding];
    private readonly uint _halfMs = (uint)Math.Max(1, windowMs / 2);

    /// <param name="server">Its index.</param>
    /// <param name="requests">1 for an exchange that was not counted yet.</param>
    /// <param name="failures">1 for one that failed.</param>
    /// <param name="era">What was counted in another one is forgotten.</param>
    /// <param name="now">The lane's milliseconds.</param>
    public void Count(int server, int requests, int failures, int era, long now)
    {
        ref Cell cell = ref _cells[Padding + server];
        uint age = unchecked((uint)now - cell.Since);
        if (age >= _halfMs || cell.Era != era)
        {
            bool isKept = age < 2 * _halfMs && cell.Era == era;
            Volatile.Write(ref cell.RequestsBefore, isKept ? cell.Requests : 0);
            Volatile.Write(ref cell.FailuresBefore, isKept ? cell.Failures : 0);
            Volatile.Write(ref cell.Requests, 0);
            Volatile.Write(ref cell.Failures, 0);
            Volatile.Write(ref cell.Era, era);
            Volatile.Write(ref cell.Since, (uint)now);
        }
        Volatile.Write(ref cell.Requests, cell.Requests + requests);
        Volatile.Write(ref cell.Failures, cell.Failures + failures);
    }

    /// <summary>Adds what is known of a server. Any thread; another one may see a half of which one number is a moment
    /// older than the other.</summary>
    public void AddTo(ref int requests, ref int failures, int server, int era, long now)
    {
        ref Cell cell = ref _cells[Padding + server];
        // Another lane may have read the clock a moment later.
        int age = Math.Max(0, unchecked((int)((uint)now - Volatile.Read(ref cell.Since))));
        if (Volatile.Read(ref cell.Era) != era || age >= 2 * _halfMs)
        {
            return;
        }
        requests += Volatile.Read(ref cell.Requests);
        failures += Volatile.Read(ref cell.Failures);
        if (age < _halfMs)
        {
            requests += Volatile.Read(ref cell.RequestsBefore);
            failures += Volatile.Read(ref cell.FailuresBefore);
        }
    }

    private struct Cell
    {
        public uint Since;
        public int Era;
        public int Requests;
        public int Failures;
        public int RequestsBefore;
        public int FailuresBefore;
    }
}
