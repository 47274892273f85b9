using System.Globalization;
using System.Text;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

/// <summary>A pump without its thread: turns are made and time is moved by hand, and standard error is a
/// file.</summary>
internal sealed class PumpBench : IDisposable
{
    private readonly Scratch _scratch;
    private readonly LogTarget _target;

    public PumpBench(Scratch scratch, LogTarget target, int lanes = 1, AccessFormat format = AccessFormat.Json)
    {
        (_scratch, _target) = (scratch, target);
        Access = new AccessLog(format, lanes, Limits, new WriterSignal());
        Pump = new LogPump(Access, Process, target, LogTarget.OpenFile(ErrorPath), Limits);
    }

    /// <summary>The smallest rings there are.</summary>
    public static LogLimits Limits { get; } = new() { RingBytes = LogLimits.RingBytesMin };

    public AccessLog Access { get; }
    public ProcessLog Process { get; } = new(LogLevel.Info, new HandClock());
    public LogPump Pump { get; }
    public long NowMs { get; set; } = 1000;

    public string Errors => File.ReadAllText(ErrorPath);

    private string ErrorPath => _scratch.File("stderr");

    public PumpTurn Turn() => Pump.Turn(NowMs, final: false);

    public void Write(int number, int lane = 0, int pathBytes = 1) =>
        Access.ForLane(lane).Write(Record(number, lane, pathBytes));

    public static AccessRecord Record(int number, int lane = 0, int pathBytes = 1) => new()
    {
        Method = "GET"u8,
        Path = Paths.AsSpan(0, pathBytes),
        Route = Encoding.ASCII.GetBytes(lane.ToString(CultureInfo.InvariantCulture)),
        Status = 200,
        DurationUs = number,
    };

    private static byte[] Paths { get; } = Enumerable.Repeat((byte)'/', 2048).ToArray();

    /// <summary>Lane and number of each line; fails when one is torn.</summary>
    public static List<(int Lane, int Number)> Parse(string text)
    {
        var lines = new List<(int, int)>();
        Assert.True(text.Length == 0 || text.EndsWith('\n'));
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var json = System.Text.Json.JsonDocument.Parse(line);
            lines.Add((int.Parse(json.RootElement.GetProperty("route").GetString()!, CultureInfo.InvariantCulture),
                json.RootElement.GetProperty("duration_us").GetInt32()));
        }
        return lines;
    }

    public static List<int> Numbers(string text) => [.. Parse(text).Select(l => l.Number)];

    public void Dispose()
    {
        Pump.Close();
        _target.Close();
    }
}
