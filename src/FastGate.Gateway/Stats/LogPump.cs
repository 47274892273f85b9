namespace FastGate.Gateway.Stats;

/// <summary>Moves finished lines from the rings to the access log and from the process log's list to standard error,
/// one turn at a time, without waiting for anything but a regular file's disk. Knows no thread and no clock: the
/// <see cref="LogWriter"/> calls <see cref="Turn"/>, tests do it by hand.
///
/// A target that fails keeps its lines: they stay in the rings and are written when it works again; what finds the
/// rings full meanwhile is counted there.</summary>
internal sealed class LogPump
{
    /// <summary>Rings gathered into one write, two pieces each.</summary>
    private const int RingsPerWrite = 32;

    private readonly AccessLog _access;
    private readonly ProcessLog _process;
    private readonly LogTarget? _accessTarget;
    private readonly LogTarget? _processTarget;
    private readonly LogLimits _limits;
    private readonly long[] _ends;
    private readonly Queue<byte[]> _lines = new();
    private readonly bool _sharedFile;

    private int _lineSent;
    private int _failedErrno;
    private long _retryMs;
    private long _inodeCheckMs;
    private bool _reopenFailed;
    private long _accessDropsSaid;
    private long _processDropsSaid;
    private int _reopenAsked;
    /// <summary>The ring whose line the file ends in the middle of, or the one to begin with.</summary>
    private int _firstRing;

    /// <param name="access">Its rings are emptied.</param>
    /// <param name="process">Its list is emptied.</param>
    /// <param name="accessTarget">null when the access log is off.</param>
    /// <param name="processTarget">null when standard error is closed: lines are taken and counted.</param>
    /// <param name="limits">Intervals.</param>
    public LogPump(
        AccessLog access, ProcessLog process, LogTarget? accessTarget, LogTarget? processTarget, LogLimits limits)
    {
        (_access, _process, _accessTarget, _processTarget) = (access, process, accessTarget, processTarget);
        _limits = limits;
        _ends = new long[access.Rings.Length];
        _sharedFile = accessTarget is not null && processTarget is not null
            && accessTarget.Identity.IsSameFile(processTarget.Identity);
    }

    /// <summary>At the next turn the path of the access log is opened anew. Any thread.</summary>
    public void AskReopen() => Volatile.Write(ref _reopenAsked, 1);

    /// <summary>Something is there that must not wait for an access line or a timeout. On the thread that
    /// pumps.</summary>
    public bool IsUrgent => Volatile.Read(ref _reopenAsked) != 0
        || (!_process.IsEmpty && _lines.Count == 0 && !IsHeldBack);

    public bool AnyLine
    {
        get
        {
            foreach (ByteRing ring in _access.Rings)
            {
                if (!ring.IsEmpty)
                {
                    return true;
                }
            }
            return false;
        }
    }

    /// <param name="nowMs">Milliseconds of a clock that never jumps; not 0.</param>
    /// <param name="final">The last turns: nothing waits for its interval.</param>
    public PumpTurn Turn(long nowMs, bool final)
    {
        bool wrote = false;
        bool full = false;
        bool waitsForRetry = false;
        if (_accessTarget is not null)
        {
            wrote = PumpAccess(_accessTarget, nowMs, final, out full);
            waitsForRetry = _failedErrno != 0 && AnyLine;
        }
        SayDrops();
        long due = _process.SettleFloods(nowMs, _limits.FloodMs, final);
        bool processFull = !IsHeldBack && PumpProcess();
        if (waitsForRetry || full)
        {
            // Nobody wakes a writer that waits for a pipe, and lines that are dropped meanwhile must be said.
            long again = full ? nowMs + _limits.RetryMs : _retryMs;
            due = due < 0 ? again : Math.Min(due, again);
        }
        bool isEmpty = !AnyLine && _lines.Count == 0 && _process.IsEmpty;
        return new PumpTurn(wrote, isEmpty, full || waitsForRetry,
            full ? _accessTarget!.Fd : -1, processFull ? _processTarget!.Fd : -1, due);
    }

    /// <summary>After the last turn: what could not be written is counted and said, files are closed.</summary>
    public void Close()
    {
        bool isTorn = IsHeldBack;
        _access.Abandon();
        if (_access.Dropped != 0)
        {
            _process.Warn("access log lines were never written", ("dropped", _access.Dropped));
        }
        while (!isTorn && !_process.IsEmpty && !PumpProcess())
        {
            // What was taken before comes first.
        }
        _process.TakeAll(_lines);
        _process.CountDropped(_lines.Count);
        _lines.Clear();
        _accessTarget?.Close();
        _processTarget?.Close();
    }

    /// <summary>Where both logs are one file, a message must not land in the middle of an access line.</summary>
    private bool IsHeldBack => _sharedFile && IsMidLine;

    private bool IsMidLine => _ends.Length != 0 && _access.Rings[_firstRing].IsMidLine;

    private bool PumpAccess(LogTarget target, long nowMs, bool final, out bool full)
    {
        full = false;
        if (Interlocked.Exchange(ref _reopenAsked, 0) != 0)
        {
            Reopen(target);
        }
        // A stable view of what is there now: lanes that keep writing must not keep the writer here.
        long unsent = 0;
        for (int i = 0; i < _ends.Length; i++)
        {
            _ends[i] = _access.Rings[i].Head;
            unsent += _ends[i] - _access.Rings[i].Sent;
        }
        if (unsent == 0 || (_failedErrno != 0 && nowMs < _retryMs && !final))
        {
            return false;
        }
        if (target.HasPath && nowMs >= _inodeCheckMs)
        {
            _inodeCheckMs = nowMs + _limits.InodeCheckMs;
            if (target.HasMoved())
            {
                Reopen(target);
            }
        }
        bool wrote = false;
        while (unsent > 0)
        {
            switch (WriteOnce(target, _ends, out int written))
            {
                case WriteOutcome.Written:
                    unsent -= written;
                    wrote = true;
                    SayRecovered(target);
                    break;
                case WriteOutcome.Full:
                    full = true;
                    SayRecovered(target);
                    return wrote;
                default:
                    SayFailed(target);
                    _retryMs = nowMs + _limits.RetryMs;
                    return wrote;
            }
        }
        return wrote;
    }

    private WriteOutcome WriteOnce(LogTarget target, ReadOnlySpan<long> ends, out int written)
    {
        ByteRing[] rings = _access.Rings;
        Span<IoVec> pieces = stackalloc IoVec[2 * RingsPerWrite];
        int count = 0;
        int looked = 0;
        for (; looked < rings.Length && count + 2 <= pieces.Length; looked++)
        {
            int i = (_firstRing + looked) % rings.Length;
            count += rings[i].Gather(ends[i], pieces[count..]);
        }
        WriteOutcome outcome = target.Write(pieces[..count], out written);
        int rest = written;
        for (int n = 0; n < looked && rest > 0; n++)
        {
            int i = (_firstRing + n) % rings.Length;
            int taken = (int)Math.Min(rest, ends[i] - rings[i].Sent);
            rings[i].Advance(taken);
            rest -= taken;
            if (rest == 0 && taken > 0)
            {
                // What was begun is finished first; otherwise the next one's turn has come.
                _firstRing = rings[i].IsMidLine ? i : (i + 1) % rings.Length;
            }
        }
        return outcome;
    }

    private void Reopen(LogTarget target)
    {
        if (!target.HasPath)
        {
            return;
        }
        FinishLine(target);
        if (target.TryReopen())
        {
            if (_reopenFailed)
            {
                _process.Info("the access log is open again", ("to", target.Name));
            }
            _reopenFailed = false;
            // A new file may be on a disk with room.
            _retryMs = 0;
        }
        else if (!_reopenFailed)
        {
            _reopenFailed = true;
            _process.Error("cannot open the access log again, keeping the old file",
                ("to", target.Name), ("error", Posix.Describe(target.Errno)));
        }
    }

    /// <summary>The old file gets the end of the line it has the beginning of. If it takes no more, the new file gets
    /// the whole line.</summary>
    private void FinishLine(LogTarget target)
    {
        if (!IsMidLine)
        {
            return;
        }
        ByteRing ring = _access.Rings[_firstRing];
        Span<IoVec> pieces = stackalloc IoVec[2];
        int count = ring.Gather(ring.LineEnd(), pieces);
        if (target.Write(pieces[..count], out int written) == WriteOutcome.Written)
        {
            ring.Advance(written);
        }
        if (ring.IsMidLine)
        {
            ring.Rewind();
        }
    }

    private void SayFailed(LogTarget target)
    {
        if (_failedErrno != target.Errno)
        {
            _failedErrno = target.Errno;
            _process.Error("cannot write the access log",
                ("to", target.Name), ("error", Posix.Describe(target.Errno)));
        }
    }

    private void SayRecovered(LogTarget target)
    {
        if (_failedErrno != 0)
        {
            _failedErrno = 0;
            _process.Info("the access log is written again",
                ("to", target.Name), ("dropped", _access.Dropped));
        }
    }

    private void SayDrops()
    {
        long dropped = _access.Dropped;
        if (dropped != _accessDropsSaid)
        {
            _accessDropsSaid = dropped;
            _process.Limited(LogLevel.Warn, "log_dropped",
                "access log lines were dropped, the log is written too slowly", ("dropped", dropped));
        }
    }

    /// <summary>Writes what is there now; true when standard error takes no more for the moment.</summary>
    private bool PumpProcess()
    {
        if (_lines.Count == 0)
        {
            _process.TakeAll(_lines);
        }
        bool any = _lines.Count != 0;
        while (_lines.Count != 0)
        {
            WriteOutcome outcome = WriteProcessLine(_lines.Peek());
            if (outcome == WriteOutcome.Full)
            {
                return true;
            }
            if (outcome == WriteOutcome.Failed)
            {
                // Nowhere to say it, and old messages are of no use once it is back.
                _process.CountDropped(_lines.Count);
                _processDropsSaid = _process.Dropped;
                _lines.Clear();
                _lineSent = 0;
                return false;
            }
        }
        if (any && _process.Dropped != _processDropsSaid)
        {
            _processDropsSaid = _process.Dropped;
            _process.Warn("lines of this log were dropped", ("dropped", _processDropsSaid));
        }
        return false;
    }

    private unsafe WriteOutcome WriteProcessLine(byte[] line)
    {
        if (_processTarget is null)
        {
            return WriteOutcome.Failed;
        }
        WriteOutcome outcome;
        int written;
        fixed (byte* start = line)
        {
            outcome = _processTarget.Write([new IoVec(start + _lineSent, line.Length - _lineSent)], out written);
        }
        _lineSent += written;
        if (_lineSent == line.Length)
        {
            _lineSent = 0;
            _lines.Dequeue();
        }
        return outcome;
    }
}
