namespace FastGate.Gateway.Stats;

/// <summary>Counts of the statuses that are not <see cref="CommonStatuses"/>, of one route on one lane: a short list
/// that its lane writes and anyone reads. It grows when a status is seen for the first time, to 900 entries at
/// most.</summary>
internal sealed class RareStatuses
{
    // A status and its count, one after the other.
    private long[] _cells = new long[8];
    private int _used;

    public void Count(int status)
    {
        for (int i = 0; i < _used; i += 2)
        {
            if (_cells[i] == status)
            {
                Volatile.Write(ref _cells[i + 1], _cells[i + 1] + 1);
                return;
            }
        }
        if (_used == _cells.Length)
        {
            long[] larger = new long[_used * 2];
            _cells.CopyTo(larger, 0);
            Volatile.Write(ref _cells, larger);
        }
        _cells[_used] = status;
        _cells[_used + 1] = 1;
        Volatile.Write(ref _used, _used + 2);
    }

    /// <summary>Any thread.</summary>
    public void AddTo(RequestTotals totals)
    {
        // In this order: the list that is read is not shorter than what was used.
        int used = Volatile.Read(ref _used);
        long[] cells = Volatile.Read(ref _cells);
        for (int i = 0; i < used; i += 2)
        {
            totals.AddStatus((int)cells[i], Volatile.Read(ref cells[i + 1]));
        }
    }
}
