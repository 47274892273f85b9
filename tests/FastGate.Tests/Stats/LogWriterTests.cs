using System.Text;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

/// <summary>The thread: what wakes it, what it may not wait for, and how it ends.</summary>
public sealed class LogWriterTests : IDisposable
{
    private const int LongEnoughMs = 30_000;
    private static readonly TimeSpan s_longEnough = TimeSpan.FromMilliseconds(LongEnoughMs);

    private readonly Scratch _scratch = new();

    private string Log => _scratch.File("access.log");

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_sleeping_writer_is_woken_by_each_line()
    {
        // Without a nap it goes back to sleep after every line, so each line is a race between falling asleep and
        // waking; one lost wake-up and the line never comes.
        string fifo = Pipes.MakeFifo(_scratch.Directory);
        int reader = Pipes.OpenReader(fifo);
        using LogWriter writer = Start(fifo, new LogLimits { NapMs = 0 });
        LaneLog lane = writer.Access.ForLane(0);
        var buffer = new byte[4096];
        for (int i = 0; i < 5000; i++)
        {
            lane.Write(PumpBench.Record(i));
            Assert.True(Pipes.CanRead(reader, LongEnoughMs), $"line {i} never came");
            int count = Pipes.Read(reader, buffer);
            Assert.Equal([i], PumpBench.Numbers(Encoding.ASCII.GetString(buffer, 0, count)));
        }
        Pipes.Close(reader);
    }

    [Fact]
    public void A_sleeping_writer_is_woken_by_each_message()
    {
        string fifo = Pipes.MakeFifo(_scratch.Directory);
        int reader = Pipes.OpenReader(fifo);
        using LogWriter writer = Start(Log, new LogLimits(), error: LogTarget.OpenFile(fifo));
        var buffer = new byte[4096];
        for (int i = 0; i < 5000; i++)
        {
            writer.Process.Info("message", ("i", i));
            Assert.True(Pipes.CanRead(reader, LongEnoughMs), $"message {i} never came");
            int count = Pipes.Read(reader, buffer);
            Assert.EndsWith($" message i={i}\n", Encoding.ASCII.GetString(buffer, 0, count), StringComparison.Ordinal);
        }
        Pipes.Close(reader);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    public void Many_lanes_lose_nothing_while_there_is_room(int napMs)
    {
        const int Lanes = 4;
        const int Lines = 20_000;
        LogWriter writer = Start(Log, new LogLimits { NapMs = napMs, RingBytes = 16 << 20 }, Lanes);
        RunLanes(writer, Lanes, Lines);
        Assert.True(writer.Drain(s_longEnough));
        Assert.Equal(0, writer.Access.Dropped);
        AssertLanes(PumpBench.Parse(File.ReadAllText(Log)), Lanes, written: Lanes * Lines);
    }

    [Fact]
    public void A_pipe_nobody_reads_makes_no_lane_wait_and_every_lost_line_is_counted()
    {
        const int Lanes = 3;
        const int Lines = 5000;
        string fifo = Pipes.MakeFifo(_scratch.Directory);
        int reader = Pipes.OpenReader(fifo);
        LogWriter writer = Start(fifo, new LogLimits { RingBytes = LogLimits.RingBytesMin }, Lanes);
        RunLanes(writer, Lanes, Lines);
        Assert.True(writer.Access.Dropped > 0);
        // The bound is short and nobody reads: it gives up, and what it gives up is counted as well.
        Assert.False(writer.Drain(TimeSpan.FromMilliseconds(20)));
        string text = Pipes.ReadNow(reader);
        List<(int Lane, int Number)> lines = PumpBench.Parse(text[..(text.LastIndexOf('\n') + 1)]);
        AssertLanes(lines, Lanes, written: Lanes * Lines - (int)writer.Access.Dropped);
        Pipes.Close(reader);
    }

    [Fact]
    public void A_reader_that_comes_back_is_noticed_by_the_thread()
    {
        string fifo = Pipes.MakeFifo(_scratch.Directory);
        int reader = Pipes.OpenReader(fifo);
        using LogWriter writer = Start(fifo, new LogLimits { RingBytes = LogLimits.RingBytesMin });
        LaneLog lane = writer.Access.ForLane(0);
        int written = 0;
        while (lane.Dropped == 0)
        {
            lane.Write(PumpBench.Record(written++, pathBytes: 500));
        }
        var text = new StringBuilder();
        while (text.ToString().Count(c => c == '\n') < written - lane.Dropped)
        {
            Assert.True(Pipes.CanRead(reader, LongEnoughMs), "the writer sleeps although it can write");
            text.Append(Pipes.ReadNow(reader));
        }
        Assert.Equal(written - lane.Dropped, PumpBench.Parse(text.ToString()).Count);
        Pipes.Close(reader);
    }

    [Fact]
    public void Reopening_is_not_put_off_until_there_is_a_line()
    {
        using LogWriter writer = Start(Log, new LogLimits());
        using var created = new ManualResetEventSlim();
        File.Move(Log, Log + ".1");
        using var watcher = new FileSystemWatcher(_scratch.Directory, Path.GetFileName(Log));
        watcher.Created += (_, _) => created.Set();
        watcher.EnableRaisingEvents = true;
        writer.Reopen();
        Assert.True(created.Wait(s_longEnough, TestContext.Current.CancellationToken) || File.Exists(Log));
    }

    [Fact]
    public void Draining_writes_everything_and_dispose_may_follow()
    {
        LogWriter writer = Start(Log, new LogLimits(), lanes: 2);
        for (int i = 0; i < 100; i++)
        {
            writer.Access.ForLane(i % 2).Write(PumpBench.Record(i, i % 2));
        }
        Assert.True(writer.Drain(s_longEnough));
        writer.Dispose();
        Assert.Equal(100, PumpBench.Parse(File.ReadAllText(Log)).Count);
        writer.Access.ForLane(0).Write(PumpBench.Record(100));
    }

    [Fact]
    public void Draining_does_not_wait_for_a_disk_that_is_full()
    {
        LogWriter writer = Start("/dev/full", new LogLimits { RetryMs = LongEnoughMs }, error: LogTarget.OpenFile(Log));
        writer.Access.ForLane(0).Write(PumpBench.Record(1));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Assert.False(writer.Drain(s_longEnough));
        Assert.True(watch.Elapsed < s_longEnough / 2);
        Assert.Equal(1, writer.Access.Dropped);
        Assert.Contains("No space left on device", File.ReadAllText(Log), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(AccessFormat.Json)]
    [InlineData(AccessFormat.Text)]
    public void A_line_allocates_nothing(AccessFormat format)
    {
        using LogWriter writer = Start(Log, new LogLimits { RingBytes = LogLimits.RingBytesMin }, format: format);
        LaneLog lane = writer.Access.ForLane(0);
        byte[] hostile = [.. Enumerable.Range(0, 256).Select(i => (byte)i)];
        var record = new AccessRecord { Path = hostile, UserAgent = hostile, Authority = "h:1"u8, StartUnixUs = 5 };
        lane.Write(record);
        long before = GC.GetAllocatedBytesForCurrentThread();
        // More than the ring holds: what is dropped allocates nothing either.
        for (int i = 0; i < 5000; i++)
        {
            lane.Write(record);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static LogWriter Start(string path, LogLimits limits, int lanes = 1, LogTarget? error = null,
        AccessFormat format = AccessFormat.Json) =>
        new(new LogOptions { To = path, Access = format }, lanes, limits, new ProcessLog(LogLevel.Info), error);

    private static void RunLanes(LogWriter writer, int lanes, int lines)
    {
        Thread[] threads = [.. Enumerable.Range(0, lanes).Select(lane => new Thread(() =>
        {
            LaneLog log = writer.Access.ForLane(lane);
            for (int i = 0; i < lines; i++)
            {
                log.Write(PumpBench.Record(i, lane, pathBytes: i % 50));
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => Assert.True(t.Join(s_longEnough), "a lane waits for the log"));
    }

    private static void AssertLanes(List<(int Lane, int Number)> lines, int lanes, int written)
    {
        Assert.Equal(written, lines.Count);
        for (int lane = 0; lane < lanes; lane++)
        {
            List<int> numbers = [.. lines.Where(l => l.Lane == lane).Select(l => l.Number)];
            for (int i = 1; i < numbers.Count; i++)
            {
                Assert.True(numbers[i] > numbers[i - 1], "a lane's lines are out of order or doubled");
            }
        }
    }
}
