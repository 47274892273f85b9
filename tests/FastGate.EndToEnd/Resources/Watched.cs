using System.Globalization;
using System.Text.Json;
using FastGate.EndToEnd.Processes;

namespace FastGate.EndToEnd.Resources;

/// <summary>A gate in a process of its own, whose descriptors, memory and loops are watched.</summary>
internal sealed class Watched : IDisposable
{
    private const string Stall = "an event loop was busy for too long";

    /// <summary>What the process log tells of begins here.</summary>
    private const int LoggedMs = 100;

    /// <summary>A runtime that still compiles may take longer.</summary>
    private static readonly int s_lagMsMax = GateProcess.IsNative ? 50 : LoggedMs;

    private readonly Scratch _scratch = new();
    private readonly int _descriptors;
    private readonly long _waitedMs;

    public Watched(string toml)
    {
        Gate = GateProcess.Serve(_scratch, $"[log]\naccess = \"off\"\n{toml}", smallYouth: true);
        int sockets = ProcessState.Sockets(Gate.Id);
        // What the first connection brings along stays.
        for (int i = 0; i < 10; i++)
        {
            Gate.Get("/ping");
        }
        Expect.Await(() => ProcessState.Sockets(Gate.Id) == sockets, "a connection that ended stays open");
        _descriptors = SettledDescriptors();
        _waitedMs = ProcessState.WaitedForCoreMs(Gate.Id);
    }

    public GateProcess Gate { get; }

    /// <summary>Descriptors beyond those it had when it had started.</summary>
    public int MoreDescriptors => ProcessState.Descriptors(Gate.Id) - _descriptors;

    public long ResidentBytes => ProcessState.ResidentBytes(Gate.Id);

    /// <summary>Everybody has gone: every descriptor is given back, and no more than that. Who came and went may still
    /// wait to be accepted: a request that is answered came behind them, on whichever lane it is.</summary>
    public void AssertNothingIsOpen()
    {
        for (int i = 0; i < 10; i++)
        {
            Gate.Get("/ping");
        }
        Expect.Await(() => MoreDescriptors <= 0, "descriptors are left");
        Assert.Equal(0, MoreDescriptors);
    }

    /// <summary>No loop kept its connections waiting for longer, but for what the machine kept it waiting itself: of
    /// the last minute every turn is looked at, of the time before those that the process log tells of.</summary>
    public void AssertNoStall()
    {
        double lagMs = LoopLagUs() / 1000.0;
        long waitedMs = ProcessState.WaitedForCoreMs(Gate.Id) - _waitedMs;
        Assert.True(lagMs < s_lagMsMax + waitedMs, $"a turn of {lagMs} ms; waited {waitedMs} ms for a core in all");
        string[] stalls = [.. Gate.Error.Now.Where(line => line.Contains(Stall, StringComparison.Ordinal))];
        Assert.All(stalls, line => Assert.True(
            line.Contains("repeated=", StringComparison.Ordinal) || MillisecondsIn(line) < LoggedMs + waitedMs,
            $"{line}; waited {waitedMs} ms for a core in all"));
    }

    public void Dispose()
    {
        Gate.Dispose();
        _scratch.Dispose();
    }

    /// <summary>The longest turn of any loop within the last minute, as <c>/stats</c> says.</summary>
    private long LoopLagUs()
    {
        using var client = new HttpClient();
        using Stream answer = client.Send(new(HttpMethod.Get, $"http://127.0.0.1:{Gate.AdminPort}/stats"), Soon.Token)
            .Content.ReadAsStream(Soon.Token);
        using var stats = JsonDocument.Parse(answer);
        return stats.RootElement.GetProperty("lanes").EnumerateArray()
            .Max(lane => lane.GetProperty("loop_lag_us").GetProperty("max").GetInt64());
    }

    private int SettledDescriptors()
    {
        int seen = -1;
        int same = 0;
        Expect.Await(() =>
        {
            int now = ProcessState.Descriptors(Gate.Id);
            same = now == seen ? same + 1 : 0;
            seen = now;
            return same > 20;
        }, "its descriptors do not come to rest");
        return seen;
    }

    private static long MillisecondsIn(string line) => long.Parse(
        line[(line.LastIndexOf(" ms=", StringComparison.Ordinal) + 4)..].TakeWhile(char.IsAsciiDigit).ToArray(),
        CultureInfo.InvariantCulture);
}
