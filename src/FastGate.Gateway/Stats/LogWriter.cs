namespace FastGate.Gateway.Stats;

/// <summary>The one thread that writes: owns the <see cref="ProcessLog"/>, the <see cref="AccessLog"/> and what they
/// are written to. It sleeps without a timeout while there is nothing to say, is woken by the first line, and then lets
/// lines gather between its writes, so that a busy gate pays for a hundred wake-ups a second and not for one a
/// line.</summary>
public sealed class LogWriter : IDisposable
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;
    private const int StackBytes = 256 * 1024;

    /// <summary>How long <see cref="Dispose"/> lets the last lines be written.</summary>
    private static readonly TimeSpan s_disposeBound = TimeSpan.FromSeconds(2);

    private readonly WriterSignal _signal = new();
    private readonly LogLimits _limits;
    private readonly LogPump _pump;
    private readonly Thread _thread;
    private volatile bool _stopping;
    private long _deadlineMs;

    /// <exception cref="IOException">The access log cannot be opened.</exception>
    public LogWriter(LogOptions options, int lanes)
        : this(options, lanes, new LogLimits(), new ProcessLog(options.Level), StandardErrorOrNothing())
    {
    }

    /// <summary>For tests: with other bounds, and standard error elsewhere.</summary>
    internal LogWriter(LogOptions options, int lanes, LogLimits limits, ProcessLog process, LogTarget? processTarget)
    {
        Posix.IgnoreBrokenPipes();
        _limits = limits;
        Process = process;
        Access = new AccessLog(options.Access, lanes, limits, _signal);
        LogTarget? accessTarget = options switch
        {
            { Access: AccessFormat.Off } => null,
            { To: { } path } => LogTarget.OpenFile(path),
            _ => LogTarget.ForDescriptor(StandardOutput, "standard output"),
        };
        _pump = new LogPump(Access, process, accessTarget, processTarget, limits);
        process.Signal = _signal;
        _thread = new Thread(Run, StackBytes) { IsBackground = true, Name = "fastgate log" };
        _thread.Start();
    }

    public AccessLog Access { get; }

    public ProcessLog Process { get; }

    /// <summary>Opens the path of the access log anew, soon. Any thread.</summary>
    public void Reopen()
    {
        _pump.AskReopen();
        _signal.Wake();
    }

    /// <summary>Writes what there is and ends. To be called when the lanes have stopped; lines that come later are
    /// lost. False when the bound passed first: lines that are left then count as dropped.</summary>
    public bool Drain(TimeSpan bound)
    {
        Volatile.Write(ref _deadlineMs, Environment.TickCount64 + (long)bound.TotalMilliseconds);
        _stopping = true;
        _signal.Wake();
        // A disk can hold the thread in the kernel for longer than anyone wants to wait; it is a background thread.
        return _thread.Join(bound + TimeSpan.FromMilliseconds(100)) && Access.Abandoned == 0;
    }

    public void Dispose() => Drain(s_disposeBound);

    private static LogTarget? StandardErrorOrNothing()
    {
        try
        {
            return LogTarget.ForDescriptor(StandardError, "standard error");
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Run()
    {
        while (true)
        {
            bool stopping = _stopping;
            long nowMs = Environment.TickCount64;
            long deadlineMs = stopping ? Volatile.Read(ref _deadlineMs) : -1;
            PumpTurn turn = TurnGuarded(nowMs, stopping);
            // A full pipe may get its reader back in time; a file that fails is not waited for at the end.
            bool failed = turn.IsStuck && turn.AccessFd < 0 && turn.ProcessFd < 0 && !_pump.IsUrgent;
            if (stopping && (turn.IsEmpty || failed || nowMs >= deadlineMs))
            {
                break;
            }
            Wait(turn, nowMs, stopping, deadlineMs);
        }
        _pump.Close();
    }

    /// <summary>A bug in the log must not end the process; it is said, and tried again like a full disk.</summary>
    private PumpTurn TurnGuarded(long nowMs, bool final)
    {
        try
        {
            return _pump.Turn(nowMs, final);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Process.Limited(LogLevel.Error, "log_writer", "the log writer failed", ("error", exception.ToString()));
            return new PumpTurn(false, IsEmpty: false, IsStuck: true, -1, -1, nowMs + _limits.RetryMs);
        }
    }

    private void Wait(PumpTurn turn, long nowMs, bool stopping, long deadlineMs)
    {
        WriterState state = turn.IsStuck ? WriterState.Blocked
            : turn.Wrote && !stopping && _limits.NapMs > 0 ? WriterState.Napping
            : WriterState.Asleep;
        long until = turn.DueMs;
        if (state == WriterState.Napping)
        {
            until = Earlier(until, nowMs + _limits.NapMs);
        }
        if (stopping)
        {
            until = Earlier(until, deadlineMs);
        }
        _signal.Enter(state);
        // The last look, after the state is public: see WriterSignal.
        if (_pump.IsUrgent || _stopping != stopping || (state == WriterState.Asleep && _pump.AnyLine))
        {
            _signal.Leave();
            return;
        }
        int timeoutMs = until < 0 ? -1 : (int)Math.Clamp(until - Environment.TickCount64, 0, int.MaxValue);
        _signal.Wait(turn.AccessFd, turn.ProcessFd, timeoutMs);
    }

    /// <summary>Of two times, where -1 is never.</summary>
    private static long Earlier(long first, long second) => first < 0 ? second : Math.Min(first, second);
}
