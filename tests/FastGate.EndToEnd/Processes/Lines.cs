using System.Diagnostics;

namespace FastGate.EndToEnd.Processes;

/// <summary>What a process writes to one of its outputs, line by line, taken by a thread as it comes.</summary>
internal sealed class Lines
{
    private readonly TextReader _from;
    private readonly List<string> _lines = [];
    private bool _ended;

    public Lines(TextReader from)
    {
        _from = from;
        new Thread(Take) { IsBackground = true, Name = "lines of a process" }.Start();
    }

    /// <summary>What has come so far.</summary>
    public string[] Now
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>The first line that contains <paramref name="part"/>, once it is there.</summary>
    public string WaitFor(string part) => WaitFor(part, 1)[0];

    /// <summary>The first <paramref name="count"/> lines that contain <paramref name="part"/>, once they are
    /// there.</summary>
    public string[] WaitFor(string part, int count)
    {
        string[] found = [];
        bool there = Wait(() =>
        {
            found = [.. _lines.Where(line => line.Contains(part, StringComparison.Ordinal)).Take(count)];
            return found.Length == count;
        });
        Assert.True(there, $"{found.Length} of {count} lines with '{part}'; there is:\n{string.Join('\n', Now)}");
        return found;
    }

    /// <summary>Everything, once the output was closed.</summary>
    public string[] WaitForEnd()
    {
        Assert.True(Wait(() => _ended), $"the output stays open; there is:\n{string.Join('\n', Now)}");
        return Now;
    }

    private bool Wait(Func<bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        lock (_lines)
        {
            while (!condition())
            {
                int left = Wire.BoundMs - (int)Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                if (left <= 0 || (_ended && !condition()))
                {
                    return condition();
                }
                Monitor.Wait(_lines, left);
            }
        }
        return true;
    }

    private void Take()
    {
        while (_from.ReadLine() is { } line)
        {
            lock (_lines)
            {
                _lines.Add(line);
                Monitor.PulseAll(_lines);
            }
        }
        lock (_lines)
        {
            _ended = true;
            Monitor.PulseAll(_lines);
        }
    }
}
