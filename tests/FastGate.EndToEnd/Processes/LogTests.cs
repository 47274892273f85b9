using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FastGate.EndToEnd.Processes;

/// <summary>The access log of the whole process: what a line holds, and that no request ever waits for one.</summary>
public sealed class LogTests : IDisposable
{
    /// <summary>More than the rings of one lane and a pipe hold, at over 2 KiB a line.</summary>
    private const int MoreThanFits = 1_000;

    private static readonly string s_longPath = "/" + new string('a', 2_000);

    private static readonly string[] s_always =
    [
        "time", "http.request.method", "url.scheme", "url.path", "client.address", "network.protocol.version",
        "http.response.status_code", "http.request.body.size", "http.response.body.size", "duration_us", "overhead_us",
        "route", "request_id",
    ];

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_full_disk_costs_lines_and_no_answer()
    {
        using GateProcess gate = GateProcess.Serve(_scratch,
            GateProcess.Pong("[server]\nworkers = 1\n[log]\nto = \"/dev/full\"\n"));
        SendMoreThanFits(gate);
        long dropped = NumberIn(gate.Error.WaitFor("warn access log lines were dropped"), "dropped");
        Assert.InRange(dropped, 1, MoreThanFits - 1);
        string stats = gate.Get("/stats", gate.AdminPort);
        Assert.InRange(long.Parse(Regex.Match(stats, "\"log_dropped\":(\\d+),").Groups[1].ValueSpan), dropped, MoreThanFits);
        Assert.EndsWith("pong", gate.Get(), StringComparison.Ordinal);
        gate.End();
        string[] said = gate.Error.WaitForEnd();
        Assert.Contains("to=/dev/full error=\"No space left on device\"",
            Assert.Single(said, line => line.Contains("cannot write the access log", StringComparison.Ordinal)),
            StringComparison.Ordinal);
        Assert.Equal(MoreThanFits + 1, NumberIn(said[^1], "dropped"));
    }

    [Fact]
    public void A_disk_that_has_room_again_gets_the_lines_that_waited()
    {
        string path = _scratch.Path("access.log");
        File.CreateSymbolicLink(path, "/dev/full");
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong("[log]\nto = \"access.log\"\n"));
        gate.Get("/waited");
        gate.Error.WaitFor("error cannot write the access log");
        File.Delete(path);
        gate.Signal(GateProcess.User1);
        gate.Error.WaitFor("info the access log is written again");
        gate.End();
        Assert.Contains("\"/waited\"", Assert.Single(File.ReadAllLines(path)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("json")]
    [InlineData("text")]
    public void A_pipe_that_nobody_reads_costs_lines_and_no_answer(string access)
    {
        using GateProcess gate = GateProcess.Serve(_scratch,
            GateProcess.Pong($"[server]\nworkers = 1\n[log]\naccess = \"{access}\"\n"), leaveOut: true);
        SendMoreThanFits(gate);
        gate.Error.WaitFor("warn access log lines were dropped");
        Assert.EndsWith("pong", gate.Get(), StringComparison.Ordinal);
        // Its end waits for a reader, but not for ever.
        gate.End();
        Assert.InRange(NumberIn(gate.Error.WaitForEnd()[^1], "dropped"), 1, MoreThanFits);
    }

    [Fact]
    public void A_pipe_whose_reader_is_gone_costs_lines_and_no_answer()
    {
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong(), leaveOut: true);
        gate.CloseOut();
        Assert.EndsWith("pong", gate.Get(), StringComparison.Ordinal);
        Assert.Contains("to=\"standard output\" error=\"Broken pipe\"",
            gate.Error.WaitFor("cannot write the access log"), StringComparison.Ordinal);
        Assert.EndsWith("pong", gate.Get(), StringComparison.Ordinal);
        gate.End();
    }

    [Fact]
    public void A_forwarded_request_has_these_fields_and_no_other()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("POST /a/b?x=1&y HTTP/1.1\r\nHost: api.example:8080\r\nUser-Agent: test/1\r\nContent-Length: 5\r\n"
            + "\r\nhello");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.ReadExactly(5);
        connection.Send("HTTP/1.1 201 Created\r\nContent-Length: 7\r\n\r\ncreated");
        (string head, _) = client.ReadMessage();
        client.Dispose();
        gate.End();
        JsonElement line = OnlyLine(gate);
        AssertFields(line, [.. s_always, "url.query", "server.address", "server.port", "user_agent.original",
            "upstream_us", "upstream", "server"]);
        AssertValues(line, "POST /a/b x=1&y http 1.1", "http.request.method", "url.path", "url.query", "url.scheme",
            "network.protocol.version");
        AssertValues(line, "api.example 8080 127.0.0.1 test/1", "server.address", "server.port", "client.address",
            "user_agent.original");
        AssertValues(line, "201 5 7", "http.response.status_code", "http.request.body.size", "http.response.body.size");
        AssertValues(line, $"all u {upstream.Address}", "route", "upstream", "server");
        Assert.Contains($"\r\nX-Request-Id: {line.GetProperty("request_id")}\r\n", head, StringComparison.Ordinal);
        long duration = line.GetProperty("duration_us").GetInt64();
        Assert.InRange(line.GetProperty("upstream_us").GetInt64(), 0, duration);
        Assert.InRange(line.GetProperty("overhead_us").GetInt64(), 0, duration);
        var time = DateTimeOffset.ParseExact(line.GetProperty("time").GetString()!, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'",
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        Assert.InRange(DateTimeOffset.UtcNow - time, TimeSpan.Zero, TimeSpan.FromMilliseconds(3 * Wire.BoundMs));
    }

    [Fact]
    public void A_request_that_no_server_answered_has_a_reason_too()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("nonsense\r\n\r\n");
        client.Problem(502, "http_protocol_error");
        client.Dispose();
        gate.End();
        JsonElement line = OnlyLine(gate);
        AssertFields(line, [.. s_always, "server.address", "upstream_us", "upstream", "server", "reason", "rule"]);
        AssertValues(line, "502 http_protocol_error StatusLineMalformed", "http.response.status_code", "reason",
            "rule");
    }

    [Fact]
    public void A_request_that_was_refused_unread_has_these_fields_and_no_other()
    {
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong());
        using Wire client = gate.Connect();
        client.Send("GET /secret HTTP/1.1\r\nHost : h\r\n\r\n");
        (string head, string body) = client.ReadMessage();
        client.AssertEnded();
        client.Dispose();
        gate.End();
        JsonElement line = OnlyLine(gate);
        AssertFields(line, [.. s_always, "reason", "rule"]);
        AssertValues(line, $"400 bad_request SpaceBeforeColon {body.Length}", "http.response.status_code", "reason",
            "rule", "http.response.body.size");
        // Nothing of a head that breaks the rules is taken for what it seems to say.
        AssertValues(line, "  ", "http.request.method", "url.path", "route");
        Assert.Contains($"\r\nX-Request-Id: {line.GetProperty("request_id")}\r\n", head, StringComparison.Ordinal);
    }

    [Fact]
    public void A_request_that_no_route_matches_has_these_fields_and_no_other()
    {
        using GateProcess gate = GateProcess.Serve(_scratch,
            GateProcess.Pong().Replace("\"/*\"", "\"/known\"", StringComparison.Ordinal));
        gate.Get("/unknown");
        gate.End();
        JsonElement line = OnlyLine(gate);
        AssertFields(line, [.. s_always, "server.address", "reason"]);
        AssertValues(line, "GET /unknown 404 no_route ", "http.request.method", "url.path", "http.response.status_code",
            "reason", "route");
    }

    private static void SendMoreThanFits(GateProcess gate)
    {
        using Wire client = gate.Connect();
        for (int i = 0; i < MoreThanFits; i++)
        {
            client.Send($"GET {s_longPath} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            Assert.Equal("pong", client.ReadMessage().Body);
        }
    }

    private static JsonElement OnlyLine(GateProcess gate)
    {
        using JsonDocument document = JsonDocument.Parse(Assert.Single(gate.Out.WaitForEnd()));
        return document.RootElement.Clone();
    }

    private static void AssertFields(JsonElement line, string[] names) => Assert.Equal(
        names.Order(StringComparer.Ordinal),
        line.EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal));

    private static void AssertValues(JsonElement line, string values, params string[] names) =>
        Assert.Equal(values, string.Join(' ', names.Select(name => line.GetProperty(name).ToString())));

    private static long NumberIn(string line, string key)
    {
        Assert.Contains($" {key}=", line, StringComparison.Ordinal);
        string rest = line[(line.LastIndexOf($" {key}=", StringComparison.Ordinal) + key.Length + 2)..];
        return long.Parse(rest.TakeWhile(char.IsAsciiDigit).ToArray(), CultureInfo.InvariantCulture);
    }
}
