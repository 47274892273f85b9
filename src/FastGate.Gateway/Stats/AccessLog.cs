namespace FastGate.Gateway.Stats;

/// <summary>One line per exchange: a ring per lane, written by the <see cref="LogWriter"/>.</summary>
public sealed class AccessLog
{
    private readonly LaneLog[] _lanes;
    private long _abandoned;

    internal AccessLog(AccessFormat format, int lanes, LogLimits limits, WriterSignal signal)
    {
        _lanes = new LaneLog[lanes];
        Rings = format == AccessFormat.Off ? [] : new ByteRing[lanes];
        int ringBytes = Math.Max(limits.RingBytes, LogLimits.RingBytesMin);
        for (int i = 0; i < lanes; i++)
        {
            ByteRing? ring = null;
            if (format != AccessFormat.Off)
            {
                ring = Rings[i] = new ByteRing(ringBytes, LogLimits.AccessLineBytesMax);
            }
            _lanes[i] = new LaneLog(format, ring, signal);
        }
    }

    internal ByteRing[] Rings { get; }

    internal LaneLog ForLane(int index) => _lanes[index];

    /// <summary>Lines that were not written since the start: they found no room, or were left at the end.</summary>
    public long Dropped
    {
        get
        {
            long dropped = Volatile.Read(ref _abandoned);
            foreach (LaneLog lane in _lanes)
            {
                dropped += lane.Dropped;
            }
            return dropped;
        }
    }

    /// <summary>Of those, the ones that the writer left behind when it ended.</summary>
    internal long Abandoned => Volatile.Read(ref _abandoned);

    /// <summary>The writer, at its end: what is still in the rings will not be written.</summary>
    internal void Abandon()
    {
        long lines = 0;
        foreach (ByteRing ring in Rings)
        {
            lines += ring.Discard();
        }
        Volatile.Write(ref _abandoned, _abandoned + lines);
    }
}
