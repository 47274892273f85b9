namespace FastGate.Gateway.Stats;

/// <summary>The access log as one lane sees it: formats a finished line into the lane's own ring. Called by the lane's
/// thread alone; allocates nothing and never waits. A line that finds no room is counted instead.</summary>
internal sealed class LaneLog
{
    private readonly AccessFormat _format;
    private readonly ByteRing? _ring;
    private readonly WriterSignal? _signal;
    private readonly TimeText _time = new();
    private long _dropped;

    public LaneLog(AccessFormat format, ByteRing? ring, WriterSignal? signal) =>
        (_format, _ring, _signal) = (format, ring, signal);

    /// <summary>False when the access log is off: a record need not be made.</summary>
    public bool IsOn => _ring is not null;

    /// <summary>Lines that found no room since the start. Any thread.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    public void Write(in AccessRecord record)
    {
        if (_ring is null)
        {
            return;
        }
        // Nearly always there is room for the longest line; what this one needs is only added up when there is not.
        Span<byte> room = _ring.Reserve(LogLimits.AccessLineBytesMax);
        if (room.IsEmpty)
        {
            room = _ring.Reserve(AccessLine.BytesMax(record));
            if (room.IsEmpty)
            {
                Volatile.Write(ref _dropped, _dropped + 1);
                _signal!.Hurry();
                return;
            }
        }
        var line = new LineWriter(room);
        if (_format == AccessFormat.Json)
        {
            AccessLine.WriteJson(ref line, record, _time);
        }
        else
        {
            AccessLine.WriteText(ref line, record, _time);
        }
        _ring.Publish(line.Length);
        _signal!.LinePublished();
        if (_ring.IsHalfFull)
        {
            _signal.Hurry();
        }
    }
}
