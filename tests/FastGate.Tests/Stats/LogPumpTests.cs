using System.Runtime.Versioning;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

[SupportedOSPlatform("linux")]
public sealed class LogPumpTests : IDisposable
{
    private readonly Scratch _scratch = new();

    private string Log => _scratch.File("access.log");

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Lines_of_all_lanes_are_appended_and_the_file_is_ours_alone()
    {
        File.WriteAllText(Log, "before\n");
        File.Delete(Log);
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(Log), lanes: 40);
        for (int lane = 0; lane < 40; lane++)
        {
            bench.Write(lane, lane);
        }
        PumpTurn turn = bench.Turn();
        Assert.Equal(new PumpTurn(true, IsEmpty: true, IsStuck: false, -1, -1, DueMs: -1), turn);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => (i, i)), PumpBench.Parse(File.ReadAllText(Log)).Order());
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(Log)
            & ~(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead));
        bench.Write(40);
        bench.Turn();
        Assert.Equal(41, PumpBench.Parse(File.ReadAllText(Log)).Count);
    }

    [Fact]
    public void Without_lines_there_is_nothing_to_wait_for()
    {
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(Log));
        Assert.Equal(new PumpTurn(false, IsEmpty: true, IsStuck: false, -1, -1, DueMs: -1), bench.Turn());
    }

    [Fact]
    public void A_file_that_cannot_be_opened_is_said_at_the_start()
    {
        IOException exception = Assert.Throws<IOException>(() => LogTarget.OpenFile(_scratch.File("no/such/file")));
        Assert.Contains("no/such/file: No such file", exception.Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => LogTarget.ForDescriptor(987_654, "standard output"));
    }

    [Fact]
    public void A_rotated_file_is_seen_once_a_second()
    {
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(Log));
        bench.Write(1);
        bench.Turn();
        File.Move(Log, Log + ".1");
        bench.NowMs += 999;
        bench.Write(2);
        bench.Turn();
        bench.NowMs += 1;
        bench.Write(3);
        bench.Turn();
        Assert.Equal([1, 2], PumpBench.Numbers(File.ReadAllText(Log + ".1")));
        Assert.Equal([3], PumpBench.Numbers(File.ReadAllText(Log)));
    }

    [Fact]
    public void A_signal_reopens_at_once()
    {
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(Log));
        bench.Write(1);
        bench.Turn();
        File.Move(Log, Log + ".1");
        File.WriteAllText(Log, "");
        bench.Pump.AskReopen();
        Assert.True(bench.Pump.IsUrgent);
        bench.Write(2);
        bench.Turn();
        Assert.False(bench.Pump.IsUrgent);
        Assert.Equal([1], PumpBench.Numbers(File.ReadAllText(Log + ".1")));
        Assert.Equal([2], PumpBench.Numbers(File.ReadAllText(Log)));
    }

    [Fact]
    public void A_path_that_cannot_be_opened_again_keeps_the_old_file_and_is_said_once()
    {
        string directory = _scratch.File("logs");
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, "access.log");
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(path));
        bench.Write(1);
        bench.Turn();
        Directory.Move(directory, directory + ".old");
        for (int i = 2; i < 5; i++)
        {
            bench.NowMs += 1000;
            bench.Write(i);
            bench.Turn();
        }
        Assert.Equal([1, 2, 3, 4], PumpBench.Numbers(File.ReadAllText(Path.Combine(directory + ".old", "access.log"))));
        Assert.Single(bench.Errors.Split("keeping the old file")[1..]);
        Directory.CreateDirectory(directory);
        bench.NowMs += 1000;
        bench.Write(5);
        bench.Turn();
        Assert.Equal([5], PumpBench.Numbers(File.ReadAllText(path)));
        Assert.Single(bench.Errors.Split("the access log is open again")[1..]);
    }

    [Fact]
    public void A_full_disk_is_said_once_and_its_lines_are_written_when_there_is_room()
    {
        // The path is a link, so that "the disk is back" is a link to somewhere else.
        File.CreateSymbolicLink(Log, "/dev/full");
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(Log));
        bench.Write(1);
        PumpTurn turn = bench.Turn();
        Assert.Equal(new PumpTurn(false, IsEmpty: false, IsStuck: true, -1, -1, DueMs: 2000), turn);
        bench.Write(2);
        bench.NowMs = 1999;
        Assert.Equal(2000, bench.Turn().DueMs);
        bench.NowMs = 2000;
        Assert.Equal(3000, bench.Turn().DueMs);
        Assert.Single(bench.Errors.Split("error cannot write the access log")[1..]);
        Assert.Contains("No space left on device", bench.Errors, StringComparison.Ordinal);

        File.Delete(Log);
        bench.NowMs = 3000;
        Assert.True(bench.Turn().IsEmpty);
        Assert.Equal([1, 2], PumpBench.Numbers(File.ReadAllText(Log)));
        Assert.Single(bench.Errors.Split("info the access log is written again")[1..]);
        Assert.Equal(0, bench.Access.Dropped);
    }

    [Fact]
    public void Drops_on_a_full_disk_are_counted_exactly_and_said()
    {
        File.CreateSymbolicLink(Log, "/dev/full");
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(Log));
        for (int i = 0; i < 2000; i++)
        {
            bench.Write(i, pathBytes: 200);
        }
        bench.Turn();
        long dropped = bench.Access.Dropped;
        Assert.InRange(dropped, 1, 1999);
        Assert.Contains($"access log lines were dropped, the log is written too slowly dropped={dropped}\n",
            bench.Errors, StringComparison.Ordinal);
        File.Delete(Log);
        bench.NowMs += 1000;
        bench.Turn();
        // The newest are lost: what was promised a place keeps it.
        Assert.Equal(Enumerable.Range(0, 2000 - (int)dropped), PumpBench.Numbers(File.ReadAllText(Log)));
    }

    [Fact]
    public void What_is_left_at_the_end_counts_as_dropped()
    {
        File.CreateSymbolicLink(Log, "/dev/full");
        var bench = new PumpBench(_scratch, LogTarget.OpenFile(Log), lanes: 2);
        bench.Write(1);
        bench.Write(2, lane: 1);
        bench.Write(3, lane: 1);
        bench.Turn();
        bench.Dispose();
        Assert.Equal(3, bench.Access.Dropped);
        Assert.EndsWith("warn access log lines were never written dropped=3\n", bench.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_pipe_is_waited_for_and_no_line_is_torn()
    {
        string path = Pipes.MakeFifo(_scratch.Directory);
        int reader = Pipes.OpenReader(path);
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(path), lanes: 3);
        int written = 0;
        PumpTurn turn;
        do
        {
            bench.Write(written, written % 3, pathBytes: 300);
            written++;
            turn = bench.Turn();
        }
        while (turn.AccessFd < 0);
        Assert.True(turn.IsStuck);
        string text = "";
        int step = 0;
        while (written < 2000)
        {
            // A slow reader that takes odd amounts, while the lanes go on.
            text += Pipes.ReadNow(reader, 100 + step++ % 7 * 1111);
            for (int i = 0; i < 3; i++)
            {
                bench.Write(written, written % 3, pathBytes: 300);
                written++;
            }
            bench.Turn();
        }
        for (string more = "more"; more.Length != 0;)
        {
            more = Pipes.ReadNow(reader);
            text += more;
            bench.Turn();
        }
        List<(int Lane, int Number)> lines = PumpBench.Parse(text);
        Assert.Equal(written, lines.Count + bench.Access.Dropped);
        foreach (IGrouping<int, (int Lane, int Number)> lane in lines.GroupBy(l => l.Lane))
        {
            Assert.Equal(lane.Select(l => l.Number).Order(), lane.Select(l => l.Number));
        }
        Pipes.Close(reader);
    }

    [Fact]
    public void A_closed_pipe_is_an_error_like_any_other()
    {
        Posix.IgnoreBrokenPipes();
        string path = Pipes.MakeFifo(_scratch.Directory);
        int reader = Pipes.OpenReader(path);
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(path));
        Pipes.Close(reader);
        bench.Write(1);
        Assert.Equal(2000, bench.Turn().DueMs);
        Assert.Contains("Broken pipe", bench.Errors, StringComparison.Ordinal);
        reader = Pipes.OpenReader(path);
        bench.NowMs = 2000;
        Assert.True(bench.Turn().IsEmpty);
        Assert.Equal([1], PumpBench.Numbers(Pipes.ReadNow(reader)));
        Pipes.Close(reader);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Standard_output_that_could_wait_is_never_waited_for(bool isSocket)
    {
        (int writer, int reader) = isSocket ? Pipes.Sockets() : Pipes.Pipe();
        using var bench = new PumpBench(_scratch, LogTarget.ForDescriptor(writer, "standard output"));
        int written = 0;
        PumpTurn turn;
        do
        {
            bench.Write(written++, pathBytes: 2000);
            turn = bench.Turn();
        }
        while (turn.AccessFd < 0);
        Assert.False(Posix.IsNonBlocking(writer));
        string text = "";
        for (int i = 0; i < 10_000 && !(turn.IsEmpty && PumpBench.Parse(text).Count == written); i++)
        {
            text += Pipes.ReadNow(reader);
            turn = bench.Turn();
        }
        Assert.Equal(Enumerable.Range(0, written), PumpBench.Numbers(text));
        Pipes.Close(reader);
        bench.Write(1);
        Posix.IgnoreBrokenPipes();
        Assert.True(bench.Turn().DueMs > 0);
        Pipes.Close(writer);
    }

    [Fact]
    public void A_line_begun_in_the_old_file_is_ended_there_or_written_whole_in_the_new()
    {
        string fifo = Pipes.MakeFifo(_scratch.Directory);
        int reader = Pipes.OpenReader(fifo);
        File.CreateSymbolicLink(Log, fifo);
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(Log));
        int written = 0;
        PumpTurn turn;
        do
        {
            WriteUneven(bench.Access, ref written);
            turn = bench.Turn();
        }
        while (turn.AccessFd < 0);
        File.Delete(Log);
        bench.Pump.AskReopen();
        bench.Turn();
        string old = Pipes.ReadNow(reader);
        int whole = old.LastIndexOf('\n') + 1;
        Assert.True(whole < old.Length);
        List<int> numbers = [.. PumpBench.Numbers(old[..whole]), .. PumpBench.Numbers(File.ReadAllText(Log))];
        Assert.Equal(Enumerable.Range(0, written), numbers);
        Pipes.Close(reader);
    }

    [Fact]
    public void A_line_begun_in_the_old_file_is_ended_there_when_there_is_room()
    {
        string fifo = Pipes.MakeFifo(_scratch.Directory);
        int reader = Pipes.OpenReader(fifo);
        File.CreateSymbolicLink(Log, fifo);
        using var bench = new PumpBench(_scratch, LogTarget.OpenFile(Log));
        int written = 0;
        PumpTurn turn;
        do
        {
            WriteUneven(bench.Access, ref written);
            turn = bench.Turn();
        }
        while (turn.AccessFd < 0);
        string old = Pipes.ReadNow(reader);
        Assert.False(old.EndsWith('\n'));
        File.Delete(Log);
        bench.Pump.AskReopen();
        bench.Turn();
        old += Pipes.ReadNow(reader);
        List<int> numbers = [.. PumpBench.Numbers(old), .. PumpBench.Numbers(File.ReadAllText(Log))];
        Assert.Equal(Enumerable.Range(0, written), numbers);
        Pipes.Close(reader);
    }

    [Fact]
    public void A_message_does_not_land_in_an_access_line_when_both_go_to_one_pipe()
    {
        string fifo = Pipes.MakeFifo(_scratch.Directory);
        int reader = Pipes.OpenReader(fifo);
        var access = new AccessLog(AccessFormat.Json, 1, PumpBench.Limits, new WriterSignal());
        var process = new ProcessLog(LogLevel.Info, new HandClock());
        var pump = new LogPump(access, process, LogTarget.OpenFile(fifo), LogTarget.OpenFile(fifo), PumpBench.Limits);
        int written = 0;
        PumpTurn turn;
        do
        {
            WriteUneven(access, ref written);
            turn = pump.Turn(1000, final: false);
        }
        while (turn.AccessFd < 0);
        Assert.True(access.Rings[0].IsMidLine);
        // The reader goes and another comes: the line is retried in a second, the pipe has room at once.
        Posix.IgnoreBrokenPipes();
        Pipes.Close(reader);
        Assert.Equal(2000, pump.Turn(1000, final: false).DueMs);
        reader = Pipes.OpenReader(fifo);
        string text = Pipes.ReadNow(reader);
        process.Info("hello");
        pump.Turn(1500, final: false);
        Assert.Equal("", Pipes.ReadNow(reader));
        Assert.False(pump.IsUrgent, "it would be tried again and again");
        for (int i = 0; i < 100 && !text.Contains("hello", StringComparison.Ordinal); i++)
        {
            pump.Turn(2000 + i, final: false);
            text += Pipes.ReadNow(reader);
        }
        string[] lines = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains("2026-11-23T17:00:00.123Z info hello", lines);
        Assert.All(lines, l => Assert.True(
            l[0] == '{' && l[^1] == '}' || l.StartsWith("2026-11-23T17:00:00.123Z ", StringComparison.Ordinal)));
        pump.Close();
        Pipes.Close(reader);
    }

    [Fact]
    public void A_standard_error_that_fails_loses_its_lines_and_nothing_else()
    {
        var access = new AccessLog(AccessFormat.Json, 1, PumpBench.Limits, new WriterSignal());
        var process = new ProcessLog(LogLevel.Info);
        var pump = new LogPump(
            access, process, LogTarget.OpenFile(Log), LogTarget.OpenFile("/dev/full"), PumpBench.Limits);
        for (int i = 0; i < 3; i++)
        {
            process.Info("into the void");
            access.ForLane(0).Write(PumpBench.Record(i));
            Assert.True(pump.Turn(1000, final: false).IsEmpty);
        }
        Assert.Equal(3, process.Dropped);
        Assert.Equal([0, 1, 2], PumpBench.Numbers(File.ReadAllText(Log)));
        pump.Close();
    }

    [Fact]
    public void Access_off_still_serves_the_process_log()
    {
        var access = new AccessLog(AccessFormat.Off, 1, PumpBench.Limits, new WriterSignal());
        var process = new ProcessLog(LogLevel.Info, new HandClock());
        var pump = new LogPump(access, process, null, LogTarget.OpenFile(Log), PumpBench.Limits);
        Assert.False(access.ForLane(0).IsOn);
        access.ForLane(0).Write(PumpBench.Record(1));
        process.Info("here");
        Assert.Equal(new PumpTurn(false, IsEmpty: true, IsStuck: false, -1, -1, DueMs: -1),
            pump.Turn(1000, final: false));
        Assert.Equal("2026-11-23T17:00:00.123Z info here\n", File.ReadAllText(Log));
        pump.Close();
    }

    /// <summary>More than PIPE_BUF in one write, so that a full pipe takes a part of it and ends in the middle of a
    /// line.</summary>
    private static void WriteUneven(AccessLog access, ref int written)
    {
        for (int i = 0; i < 10; i++)
        {
            access.ForLane(0).Write(PumpBench.Record(written++, pathBytes: 1999));
        }
    }
}
