using System.Globalization;
using System.Text.Json;
using FastGate.Tests.Stats;

namespace FastGate.Tests.Proxy;

/// <summary>The wall clock is set, forwards and backwards: Date and the log follow it, and nothing else does.</summary>
public sealed class ClockJumpTests : IDisposable
{
    private const string Ping = "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n";
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"fastgate-{Guid.NewGuid():N}.log");

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(24 * 365)]
    [InlineData(-24 * 365)]
    [InlineData(-1)]
    public void Date_and_the_log_s_times_follow_it(int hours)
    {
        var clock = new SetClock();
        using (GateInMemory gate = Open(clock))
        {
            Peer client = gate.Connect();
            client.Send(Ping);
            Assert.Contains(Date(clock.Utc), client.Received, StringComparison.Ordinal);
            clock.Utc += TimeSpan.FromHours(hours);
            client.Forget();
            gate.Advance(1_000);
            client.Send(Ping);
            Assert.Contains(Date(clock.Utc), client.Received, StringComparison.Ordinal);
        }
        JsonElement[] lines = [.. File.ReadLines(_path).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(2, lines.Length);
        AssertNear(clock.Utc - TimeSpan.FromHours(hours), lines[0]);
        AssertNear(clock.Utc, lines[1]);
        Assert.All(lines, line => Assert.InRange(line.GetProperty("duration_us").GetInt64(), 0, 10_000_000));
    }

    [Theory]
    [InlineData(24 * 365)]
    [InlineData(-24 * 365)]
    public void No_deadline_is_missed_or_comes_early(int hours)
    {
        var clock = new SetClock();
        using GateInMemory gate = Open(clock);
        Peer idle = gate.Connect();
        Peer half = gate.Connect();
        half.Send("GET / HT");
        Peer waiting = gate.Connect();
        waiting.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        clock.Utc += TimeSpan.FromHours(hours);
        gate.Advance(4_900);
        Assert.False(idle.Ended);
        Assert.Equal((0, 0), (half.ReceivedBytes, waiting.ReceivedBytes));
        gate.Advance(200);
        Assert.True(idle.Ended);
        Assert.StartsWith("HTTP/1.1 408 ", half.Received, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 504 ", waiting.Received, StringComparison.Ordinal);
    }

    private GateInMemory Open(SetClock clock) => new($$"""
        version = 1
        [log]
        access = "json"
        to = "{{_path}}"
        [client]
        head_timeout = "5s"
        keep_alive = "5s"
        [[listener]]
        name = "web"
        bind = "127.0.0.1:8080"
        [upstream.u]
        servers = ["demo:"]
        [[route]]
        name = "ping"
        match = "/ping"
        respond = { status = 200, body = "pong" }
        [[route]]
        name = "all"
        match = "/*"
        upstream = "u"
        timeout = { first_byte = "5s" }
        """, clock);

    private static string Date(DateTimeOffset time) =>
        $"\r\nDate: {time.ToString("r", CultureInfo.InvariantCulture)}\r\n";

    private static void AssertNear(DateTimeOffset expected, JsonElement line)
    {
        var time = DateTimeOffset.ParseExact(line.GetProperty("time").GetString()!, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'",
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        Assert.InRange(time - expected, TimeSpan.FromSeconds(-5), TimeSpan.FromSeconds(5));
    }

    /// <summary>A time of day that is set by hand. Its timestamps lag two seconds behind those of an exchange, so that
    /// each exchange looks at it anew, which otherwise happens once a second.</summary>
    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Utc { get; set; } = new(2026, 11, 23, 17, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Utc;

        public override long GetTimestamp() => base.GetTimestamp() - (2 * TimestampFrequency);
    }
}
