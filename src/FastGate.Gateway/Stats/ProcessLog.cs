using System.Collections.Concurrent;
using System.Text;

namespace FastGate.Gateway.Stats;

/// <summary>What the gate says about itself, one line each, to standard error. Any thread; never waits: lines go to a
/// bounded list without a lock, from which the <see cref="LogWriter"/> takes them; what does not fit is
/// counted.</summary>
public sealed class ProcessLog
{
    private const string ManyProblems = "";

    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<string, Flood> _floods = new(StringComparer.Ordinal);
    private Entry? _newest;
    private int _waiting;
    private int _floodCount;
    private int _floodsUnseen;
    private long _nextFloodMs = -1;
    private long _dropped;
    private volatile LogLevel _level;

    public ProcessLog(LogLevel level, TimeProvider? clock = null)
    {
        _level = level;
        _clock = clock ?? TimeProvider.System;
    }

    /// <summary>A line and the ones before it.</summary>
    private sealed class Entry(byte[] line)
    {
        public byte[] Line => line;
        public Entry? Next { get; set; }
    }

    /// <summary>What happens again and again under one key: said once, then counted.</summary>
    private sealed class Flood(LogLevel level, string message)
    {
        private const int Closed = int.MinValue;
        private int _repeats;

        public LogLevel Level => level;
        public string Message => message;
        /// <summary>When the count is to be said; 0 until the writer has seen it. The writer's alone.</summary>
        public long DueMs { get; set; }

        /// <summary>False when it was closed meanwhile.</summary>
        public bool TryCount()
        {
            int repeats = Volatile.Read(ref _repeats);
            while (repeats >= 0)
            {
                // At the most there are more than can be said.
                int next = repeats == int.MaxValue ? repeats : repeats + 1;
                int seen = Interlocked.CompareExchange(ref _repeats, next, repeats);
                if (seen == repeats)
                {
                    return true;
                }
                repeats = seen;
            }
            return false;
        }

        public int Take() => Interlocked.Exchange(ref _repeats, 0);

        public bool TryClose() => Interlocked.CompareExchange(ref _repeats, Closed, 0) == 0;
    }

    /// <summary>Lines below it are not made.</summary>
    public LogLevel Level
    {
        get => _level;
        set => _level = value;
    }

    /// <summary>Lines that found no room since the start.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Set by the writer that empties the list.</summary>
    internal WriterSignal? Signal { get; set; }

    internal bool IsEmpty => Volatile.Read(ref _newest) is null;

    public bool IsEnabled(LogLevel level) => level >= _level;

    public void Debug(string message, params ReadOnlySpan<LogValue> values) => Write(LogLevel.Debug, message, values);

    public void Info(string message, params ReadOnlySpan<LogValue> values) => Write(LogLevel.Info, message, values);

    public void Warn(string message, params ReadOnlySpan<LogValue> values) => Write(LogLevel.Warn, message, values);

    public void Error(string message, params ReadOnlySpan<LogValue> values) => Write(LogLevel.Error, message, values);

    /// <summary>A line as it stands, whatever the level.</summary>
    public void Print(string line) => Push(Encoding.UTF8.GetBytes($"{line}\n"));

    public void Write(LogLevel level, string message, params ReadOnlySpan<LogValue> values)
    {
        if (IsEnabled(level))
        {
            Push(level, message, values);
        }
    }

    /// <summary>For what a peer or a full table can make happen thousands of times a second: the first is said, those
    /// of the next 10 s under the same key are counted, and the count is said.</summary>
    /// <param name="level">Its level.</param>
    /// <param name="key">One per problem and place, from a closed set such as names of upstreams; never made from what
    /// a peer sent.</param>
    /// <param name="message">The same for every use of the key.</param>
    /// <param name="values">Of the first one only.</param>
    public void Limited(LogLevel level, string key, string message, params ReadOnlySpan<LogValue> values)
    {
        if (!IsEnabled(level))
        {
            return;
        }
        while (true)
        {
            if (_floods.TryGetValue(key, out Flood? flood))
            {
                if (flood.TryCount())
                {
                    return;
                }
                Remove(key, flood);
            }
            else if (key != ManyProblems && Volatile.Read(ref _floodCount) >= LogLimits.FloodKeysMax)
            {
                key = ManyProblems;
                message = "many different problems";
                values = [];
            }
            else if (_floods.TryAdd(key, new Flood(level, message)))
            {
                Interlocked.Increment(ref _floodCount);
                Volatile.Write(ref _floodsUnseen, 1);
                Push(level, message, values);
                return;
            }
        }
    }

    /// <summary>For a lane that has values to format: counts one more under a key that was said already.</summary>
    /// <returns>False when it is to be said with <see cref="Limited"/>.</returns>
    public bool TryCountLimited(string key) => _floods.TryGetValue(key, out Flood? flood) && flood.TryCount();

    /// <summary>The writer: says the counts that are due and forgets what has stopped; returns when the next is due, or
    /// -1.</summary>
    internal long SettleFloods(long nowMs, int windowMs, bool final)
    {
        // To walk the table allocates, and this is asked after every write of the access log.
        if (!final && Volatile.Read(ref _floodsUnseen) == 0 && (_nextFloodMs < 0 || nowMs < _nextFloodMs))
        {
            return _nextFloodMs;
        }
        // Before the walk: a key that comes during it is seen by this one or by the next.
        Interlocked.Exchange(ref _floodsUnseen, 0);
        long next = -1;
        foreach ((string key, Flood flood) in _floods)
        {
            if (flood.DueMs == 0)
            {
                flood.DueMs = nowMs + windowMs;
            }
            if (nowMs >= flood.DueMs || final)
            {
                int repeats = flood.Take();
                if (repeats > 0)
                {
                    flood.DueMs = nowMs + windowMs;
                    Push(flood.Level, flood.Message, [], ("repeated", repeats));
                }
                else if (flood.TryClose())
                {
                    Remove(key, flood);
                    continue;
                }
            }
            next = next < 0 ? flood.DueMs : Math.Min(next, flood.DueMs);
        }
        _nextFloodMs = next;
        return next;
    }

    /// <summary>The writer: moves all waiting lines, oldest first.</summary>
    internal void TakeAll(Queue<byte[]> lines)
    {
        Entry? entry = Interlocked.Exchange(ref _newest, null);
        Entry? oldest = null;
        int count = 0;
        while (entry is not null)
        {
            (entry.Next, oldest, entry) = (oldest, entry, entry.Next);
            count++;
        }
        for (; oldest is not null; oldest = oldest.Next)
        {
            lines.Enqueue(oldest.Line);
        }
        Interlocked.Add(ref _waiting, -count);
    }

    /// <summary>The writer: so many lines it took could not be written.</summary>
    internal void CountDropped(int lines) => Interlocked.Add(ref _dropped, lines);

    private void Push(LogLevel level, string message, ReadOnlySpan<LogValue> values, LogValue last = default) =>
        Push(ProcessLine.Format(_clock.GetUtcNow(), level, message, values, last));

    private void Push(byte[] line)
    {
        if (Interlocked.Increment(ref _waiting) > LogLimits.ProcessLinesMax)
        {
            Interlocked.Decrement(ref _waiting);
            Interlocked.Increment(ref _dropped);
            return;
        }
        var entry = new Entry(line);
        Entry? newest = Volatile.Read(ref _newest);
        while (true)
        {
            entry.Next = newest;
            Entry? seen = Interlocked.CompareExchange(ref _newest, entry, newest);
            if (seen == newest)
            {
                break;
            }
            newest = seen;
        }
        // The exchange is the full fence that the signal asks for.
        Signal?.Wake();
    }

    private void Remove(string key, Flood flood)
    {
        if (_floods.TryRemove(new KeyValuePair<string, Flood>(key, flood)))
        {
            Interlocked.Decrement(ref _floodCount);
        }
    }
}
