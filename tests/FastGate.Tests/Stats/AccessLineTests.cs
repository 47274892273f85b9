using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using CsCheck;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

public sealed class AccessLineTests
{
    private const long Noon = 1_795_453_200_123_456;

    private static AccessRecord Typical => new()
    {
        StartUnixUs = Noon,
        Method = "GET"u8,
        Path = "/v1/orders/7"u8,
        Query = "v=2"u8,
        Authority = "api.example.com:8080"u8,
        UserAgent = "curl/8.5.0"u8,
        ClientAddress = "192.0.2.7"u8,
        RequestId = "0123456789abcdef0123456789abcdef"u8,
        MinorVersion = 1,
        Route = "orders"u8,
        Upstream = "orders_v2"u8,
        Server = "10.0.1.11:80"u8,
        Retries = 1,
        Status = 504,
        Reason = Reason.HttpResponseTimeout,
        RequestBodyBytes = 12,
        ResponseBodyBytes = 345,
        DurationUs = 30_001_234,
        UpstreamUs = 30_000_000,
        OverheadUs = 17,
    };

    [Fact]
    public void Json_is_this()
    {
        Assert.Equal("""
            {"time":"2026-11-23T17:00:00.123456Z","http.request.method":"GET","url.scheme":"http",
            "url.path":"/v1/orders/7","url.query":"v=2","server.address":"api.example.com","server.port":8080,
            "client.address":"192.0.2.7","user_agent.original":"curl/8.5.0","network.protocol.version":"1.1","http.response.status_code":504,
            "http.request.body.size":12,"http.response.body.size":345,"duration_us":30001234,"overhead_us":17,
            "upstream_us":30000000,"upstream":"orders_v2","server":"10.0.1.11:80","retries":1,
            "reason":"http_response_timeout","route":"orders","request_id":"0123456789abcdef0123456789abcdef"}
            """.ReplaceLineEndings("") + "\n", Json(Typical));
    }

    [Fact]
    public void Text_is_this()
    {
        Assert.Equal("""
            192.0.2.7 - - [23/Nov/2026:17:00:00 +0000] "GET /v1/orders/7?v=2 HTTP/1.1" 504 345 "-" "curl/8.5.0"
             host=api.example.com:8080 route=orders upstream=orders_v2 server=10.0.1.11:80 duration_us=30001234
             upstream_us=30000000 overhead_us=17 retries=1 reason=http_response_timeout
             request_id=0123456789abcdef0123456789abcdef
            """.ReplaceLineEndings("") + "\n", Text(Typical));
    }

    /// <summary>Between the reason and what follows it without a rule.</summary>
    [Fact]
    public void A_rule_that_was_broken_stands_behind_the_reason()
    {
        var record = new AccessRecord { Status = 400, Reason = Reason.BadRequest, Rule = "BareLf"u8 };
        Assert.Contains(",\"reason\":\"bad_request\",\"rule\":\"BareLf\",\"route\":", Json(record),
            StringComparison.Ordinal);
        Assert.Contains(" reason=bad_request rule=BareLf request_id=", Text(record), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_there_has_no_attribute()
    {
        string line = Json(new AccessRecord { StartUnixUs = Noon, Status = 400, Reason = Reason.BadRequest });
        using JsonDocument json = JsonDocument.Parse(line);
        string[] absent = ["url.query", "server.address", "server.port", "user_agent.original", "upstream", "server",
            "upstream_us", "retries", "rule"];
        Assert.All(absent, name => Assert.False(json.RootElement.TryGetProperty(name, out _), name));
        string text = Text(new AccessRecord { StartUnixUs = Noon, Status = 200 });
        Assert.Contains("- - - [", text, StringComparison.Ordinal);
        Assert.Contains(" host=- route=- upstream=- server=- ", text, StringComparison.Ordinal);
        Assert.Contains(" reason=- request_id=-\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("example.com", "example.com", -1)]
    [InlineData("example.com:80", "example.com", 80)]
    [InlineData("[::1]:8080", "::1", 8080)]
    [InlineData("[::1]", "::1", -1)]
    [InlineData("::1", "::1", -1)]
    [InlineData("example.com:", "example.com:", -1)]
    [InlineData("example.com:65536", "example.com:65536", -1)]
    [InlineData("example.com:8x", "example.com:8x", -1)]
    [InlineData(":80", ":80", -1)]
    [InlineData("[]", "[]", -1)]
    public void Host_and_port_are_told_apart(string authority, string host, int port)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(authority);
        using JsonDocument json = JsonDocument.Parse(Json(new AccessRecord { Authority = bytes }));
        Assert.Equal(host, json.RootElement.GetProperty("server.address").GetString());
        Assert.Equal(port, json.RootElement.TryGetProperty("server.port", out JsonElement p) ? p.GetInt32() : -1);
    }

    [Fact]
    public void Numbers_agree_with_the_slow_way()
    {
        Gen.OneOf(Gen.Long, Gen.Long[-200, 200], Gen.Long[0, 100_000]).Sample(number =>
        {
            var room = new byte[20];
            var line = new LineWriter(room);
            line.Number(number);
            Assert.Equal(number.ToString(CultureInfo.InvariantCulture), Encoding.ASCII.GetString(room, 0, line.Length));
        });
        Assert.Contains($"\"duration_us\":{long.MinValue},", Json(new AccessRecord { DurationUs = long.MinValue }),
            StringComparison.Ordinal);
    }

    /// <summary>Bytes as clients send them at their worst: random, of UTF-8 and of things that break lines.</summary>
    private static readonly Gen<byte[]> s_hostile = Gen.OneOf(
        Gen.Byte.Array[0, 60],
        Gen.Char[' ', '~'].Array[0, 60].Select(c => Encoding.ASCII.GetBytes(c)),
        Gen.String[0, 30].Select(s => Encoding.UTF8.GetBytes(s)),
        Gen.OneOfConst("\n", "\r\n", "\"", "\\", "\\u0022", "\u2028", "\u2029", "\u0085", "\x1b[2J", "\u00e9",
            "\U0001F600", "\0", "\x7f", "}", "',").Array[0, 8].Select(s => Encoding.UTF8.GetBytes(string.Concat(s))),
        Gen.OneOfConst(new byte[] { 0xE2, 0x82 }, [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
            [0xE2, 0x82, 0xAC], [(byte)'a']).Array[0, 8].Select(parts => parts.SelectMany(p => p).ToArray()),
        Gen.Select(Gen.Int[2000, 9000], Gen.Byte, Gen.String[0, 5]).Select((n, b, s) =>
            Encoding.UTF8.GetBytes(s).Concat(Enumerable.Repeat(b, n)).ToArray()));

    [Fact]
    public void Whatever_is_sent_the_line_is_json_with_the_same_values()
    {
        Gen.Select(s_hostile, s_hostile, s_hostile, s_hostile, s_hostile).Sample((method, path, query, agent, id) =>
        {
            string line = Json(new AccessRecord
            {
                Method = method,
                Path = path,
                Query = query,
                UserAgent = agent,
                RequestId = id,
                Route = "r"u8,
            });
            Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
            Assert.DoesNotContain(line[..^1], c => char.IsControl(c) || c is '\u2028' or '\u2029');
            using JsonDocument json = JsonDocument.Parse(line);
            JsonElement root = json.RootElement;
            Assert.Equal(SlowValue(method, 256), root.GetProperty("http.request.method").GetString());
            Assert.Equal(SlowValue(path, 2048), root.GetProperty("url.path").GetString());
            Assert.Equal(SlowValue(query, 2048),
                root.TryGetProperty("url.query", out JsonElement q) ? q.GetString() : "");
            Assert.Equal(SlowValue(agent, 2048),
                root.TryGetProperty("user_agent.original", out JsonElement a) ? a.GetString() : "");
            Assert.Equal(SlowValue(id, 256), root.GetProperty("request_id").GetString());
            Assert.Equal("r", root.GetProperty("route").GetString());
        });
    }

    [Fact]
    public void Whatever_is_sent_the_text_has_the_same_fields()
    {
        Gen.Select(s_hostile, s_hostile, s_hostile).Sample((path, agent, host) =>
        {
            string line = Text(new AccessRecord { Method = "GET"u8, Path = path, UserAgent = agent, Authority = host });
            Assert.All(line[..^1], c => Assert.InRange(c, ' ', '~'));
            Assert.Equal(6, line.Count(c => c == '"'));
            string tail = line[(line.LastIndexOf('"') + 1)..^1];
            Assert.Equal(10, tail.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length);
        });
    }

    [Fact]
    public void The_longest_line_fits_its_bound()
    {
        // Each byte of it becomes six, and what is over the limits is marked.
        byte[] worst = new byte[70_000];
        var record = new AccessRecord
        {
            StartUnixUs = Noon,
            Method = worst,
            Path = worst,
            Query = worst,
            Authority = worst,
            UserAgent = worst,
            ClientAddress = worst,
            RequestId = worst,
            MinorVersion = int.MinValue,
            IsTls = true,
            Route = worst,
            Upstream = worst,
            Server = worst,
            Retries = int.MinValue,
            Status = int.MinValue,
            Reason = Reason.ConnectionLimitReached,
            Rule = "TransferEncodingDuplicate"u8,
            RequestBodyBytes = long.MinValue,
            ResponseBodyBytes = long.MinValue,
            DurationUs = long.MinValue,
            UpstreamUs = long.MinValue,
            OverheadUs = long.MinValue,
        };
        int bound = AccessLine.BytesMax(record);
        Assert.True(bound <= LogLimits.AccessLineBytesMax);
        Assert.True(Json(record).Length <= bound - 256, "room for keys is short");
        Assert.True(Text(record).Length <= bound - 256, "room for keys is short");
        using JsonDocument json = JsonDocument.Parse(Json(record));
        Assert.EndsWith("...[+67952]", json.RootElement.GetProperty("url.path").GetString(), StringComparison.Ordinal);
    }

    /// <summary>The obvious way: cut before a character that does not fit, decode, and take bytes that are not UTF-8
    /// for Latin-1.</summary>
    private static string SlowValue(byte[] value, int max)
    {
        int keep = Math.Min(value.Length, max);
        if (value.Length > max)
        {
            for (int back = 0; back < 3 && (value[keep] & 0xC0) == 0x80; back++)
            {
                keep--;
            }
        }
        var text = new StringBuilder();
        for (int i = 0; i < keep;)
        {
            int length = Enumerable.Range(1, 4).FirstOrDefault(n => i + n <= keep
                && Utf8.IsValid(value.AsSpan(i, n))
                && Encoding.UTF8.GetString(value, i, n).EnumerateRunes().Count() == 1);
            text.Append(length == 0 ? ((char)value[i]).ToString() : Encoding.UTF8.GetString(value, i, length));
            i += Math.Max(1, length);
        }
        return keep == value.Length ? text.ToString() : text.Append($"...[+{value.Length - keep}]").ToString();
    }

    private static string Json(in AccessRecord record)
    {
        var room = new byte[LogLimits.AccessLineBytesMax];
        var line = new LineWriter(room);
        AccessLine.WriteJson(ref line, record, new TimeText());
        return Encoding.UTF8.GetString(room, 0, line.Length);
    }

    private static string Text(in AccessRecord record)
    {
        var room = new byte[LogLimits.AccessLineBytesMax];
        var line = new LineWriter(room);
        AccessLine.WriteText(ref line, record, new TimeText());
        return Encoding.UTF8.GetString(room, 0, line.Length);
    }
}
