using System.Text;
using CsCheck;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

public sealed class ProcessLogTests
{
    private const string Time = "2026-11-23T17:00:00.123Z ";
    private const int WindowMs = 10_000;

    private readonly ProcessLog _log = new(LogLevel.Info, new HandClock());

    [Fact]
    public void Lines_have_time_level_message_and_values()
    {
        _log.Info("listening on http://127.0.0.1:8080");
        _log.Warn("cannot connect",
            ("server", "10.0.0.1:80"), ("errno", 111), ("why", "it said \"no\" = never"), ("x", ""));
        _log.Error("down", ("path", @"C:\logs"));
        Assert.Equal(
            [
                Time + "info listening on http://127.0.0.1:8080",
                Time + "warn cannot connect server=10.0.0.1:80 errno=111 why=\"it said \\\"no\\\" = never\" x=\"\"",
                Time + "error down path=\"C:\\\\logs\"",
            ],
            Take());
    }

    [Fact]
    public void Levels_below_the_one_set_are_not_made()
    {
        _log.Debug("no");
        _log.Limited(LogLevel.Debug, "k", "no");
        _log.Level = LogLevel.Debug;
        _log.Debug("yes");
        _log.Level = LogLevel.Error;
        _log.Warn("no");
        Assert.Equal([Time + "debug yes"], Take());
    }

    [Fact]
    public void Nothing_in_a_value_can_make_a_line_or_drive_a_terminal()
    {
        _log.Info("a\nb",
            ("k", "x\r\n2026-11-23 error forged\x1b[2J\u0085\u2028\u202e\0\x7f\ud800"), ("ok", "\u00e9\U0001F600"));
        Assert.Equal(
            [Time + "info a\\nb k=\"x\\u000d\\n2026-11-23 error forged"
                + "\\u001b[2J\\u0085\\u2028\\u202e\\u0000\\u007f\ufffd\" ok=\u00e9\U0001F600"],
            Take());
    }

    [Fact]
    public void Random_values_stay_on_their_line()
    {
        Gen.String[0, 200].Sample(value =>
        {
            string line = Encoding.UTF8.GetString(
                ProcessLine.Format(DateTimeOffset.UnixEpoch, LogLevel.Info, value, [("k", value)]));
            Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
            Assert.DoesNotContain(line[..^1], char.IsControl);
        });
    }

    [Fact]
    public void Long_lines_are_cut_at_a_character()
    {
        for (int i = 0; i < 4; i++)
        {
            byte[] line = ProcessLine.Format(DateTimeOffset.UnixEpoch, LogLevel.Info, new string('a', i),
                [("k", string.Concat(Enumerable.Repeat("\U0001F600", 100_000)))]);
            Assert.InRange(line.Length, LogLimits.ProcessLineBytesMax - 4, LogLimits.ProcessLineBytesMax);
            Assert.EndsWith("\U0001F600...\n", Encoding.UTF8.GetString(line), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_does_not_fit_is_counted()
    {
        for (int i = 0; i < LogLimits.ProcessLinesMax + 5; i++)
        {
            _log.Info("again");
        }
        Assert.Equal(5, _log.Dropped);
        Assert.Equal(LogLimits.ProcessLinesMax, Take().Count);
        _log.Info("there is room again");
        Assert.Single(Take());
        Assert.Equal(5, _log.Dropped);
    }

    [Fact]
    public void A_flood_is_said_once_and_then_counted()
    {
        for (int i = 0; i < 1000; i++)
        {
            _log.Limited(LogLevel.Warn, "accept", "cannot accept", ("errno", 24));
        }
        Assert.Equal([Time + "warn cannot accept errno=24"], Take());
        Assert.Equal(11_000, _log.SettleFloods(1000, WindowMs, final: false));
        Assert.Equal(11_000, _log.SettleFloods(10_999, WindowMs, final: false));
        Assert.Empty(Take());
        Assert.Equal(21_000, _log.SettleFloods(11_000, WindowMs, final: false));
        Assert.Equal([Time + "warn cannot accept repeated=999"], Take());

        _log.Limited(LogLevel.Warn, "accept", "cannot accept", ("errno", 24));
        Assert.Equal(31_000, _log.SettleFloods(21_000, WindowMs, final: false));
        Assert.Equal([Time + "warn cannot accept repeated=1"], Take());

        // Quiet for a window: forgotten, nothing is waited for, and the next is said at once.
        Assert.Equal(-1, _log.SettleFloods(31_000, WindowMs, final: false));
        Assert.Empty(Take());
        _log.Limited(LogLevel.Warn, "accept", "cannot accept", ("errno", 24));
        Assert.Equal([Time + "warn cannot accept errno=24"], Take());
    }

    /// <summary>The writer asks after every write of the access log, and a lane counts what it cannot say: neither may
    /// allocate for as long as a flood lasts.</summary>
    [Fact]
    public void A_flood_that_goes_on_allocates_nothing()
    {
        Assert.False(_log.TryCountLimited("overrun"));
        _log.Limited(LogLevel.Warn, "overrun", "too long");
        Take();
        _log.SettleFloods(1000, WindowMs, final: false);
        Assert.True(_log.TryCountLimited("overrun"));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            _log.TryCountLimited("overrun");
            _log.SettleFloods(1001 + i, WindowMs, final: false);
        }
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        _log.SettleFloods(11_000, WindowMs, final: false);
        Assert.Equal([Time + "warn too long repeated=101"], Take());
    }

    [Fact]
    public void The_end_does_not_wait_for_the_window()
    {
        _log.Limited(LogLevel.Warn, "a", "one");
        _log.Limited(LogLevel.Warn, "a", "one");
        Take();
        _log.SettleFloods(1000, WindowMs, final: true);
        Assert.Equal([Time + "warn one repeated=1"], Take());
    }

    [Fact]
    public void Keys_are_apart_and_bounded()
    {
        for (int i = 0; i < LogLimits.FloodKeysMax + 100; i++)
        {
            _log.Limited(LogLevel.Warn, "key" + i, "problem");
            if (i % 500 == 0)
            {
                Take();
            }
        }
        List<string> last = Take();
        Assert.Equal(Time + "warn many different problems", last[^1]);
        _log.SettleFloods(1000, WindowMs, final: false);
        _log.SettleFloods(11_000, WindowMs, final: false);
        Assert.Equal([Time + "warn many different problems repeated=99"], Take());
        _log.Limited(LogLevel.Warn, "another", "problem");
        Assert.Equal([Time + "warn problem"], Take());
    }

    [Fact]
    public void Threads_lose_nothing_and_keep_their_order()
    {
        const int Threads = 4;
        const int Lines = 20_000;
        int done = 0;
        int pushed = 0;
        int taken = 0;
        var lines = new List<string>();
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() =>
        {
            var spin = new SpinWait();
            for (int i = 0; i < Lines; i++)
            {
                // The bound is another test's business: there is always room.
                while (Volatile.Read(ref pushed) - Volatile.Read(ref taken) > LogLimits.ProcessLinesMax / 2)
                {
                    spin.SpinOnce();
                }
                Interlocked.Increment(ref pushed);
                _log.Info("m", ("t", t), ("i", i));
                _log.Limited(LogLevel.Info, "shared", "shared");
            }
            Interlocked.Increment(ref done);
        }))];
        Array.ForEach(threads, t => t.Start());
        long now = 1;
        while (Volatile.Read(ref done) < Threads || !_log.IsEmpty)
        {
            // Windows of one millisecond: floods open and close all the time.
            _log.SettleFloods(now++, 1, final: false);
            List<string> some = Take();
            lines.AddRange(some);
            Volatile.Write(ref taken, taken + some.Count(l => l.Contains(" m ", StringComparison.Ordinal)));
        }
        Array.ForEach(threads, t => t.Join());
        _log.SettleFloods(now, 1, final: true);
        lines.AddRange(Take());
        Assert.Equal(0, _log.Dropped);
        for (int t = 0; t < Threads; t++)
        {
            string mark = $" m t={t} i=";
            Assert.Equal(Enumerable.Range(0, Lines), lines.Where(l => l.Contains(mark, StringComparison.Ordinal))
                .Select(l => int.Parse(l.AsSpan(l.LastIndexOf('=') + 1))));
        }
        // Every use of the shared key was either said or counted.
        int said = lines.Count(l => l.EndsWith(" shared", StringComparison.Ordinal));
        long counted = lines.Where(l => l.Contains("repeated=", StringComparison.Ordinal))
            .Sum(l => long.Parse(l.AsSpan(l.LastIndexOf('=') + 1)));
        Assert.Equal(Threads * Lines, said + counted);
    }

    private List<string> Take()
    {
        var lines = new Queue<byte[]>();
        _log.TakeAll(lines);
        return [.. lines.Select(l => Encoding.UTF8.GetString(l)[..^1])];
    }
}
