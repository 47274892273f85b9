using BenchmarkDotNet.Attributes;
using FastGate.Gateway.Stats;

namespace FastGate.Bench;

/// <summary>What the access log costs a lane: one line formatted into its ring and published.</summary>
[MemoryDiagnoser]
public class AccessLogBench
{
    private readonly ByteRing _ring = new(1 << 20, LogLimits.AccessLineBytesMax);
    private readonly RequestIds _ids = new(0);
    private readonly WallClock _clock = new();
    private readonly byte[] _id = new byte[RequestIds.Length];
    private LaneLog _json = null!;
    private LaneLog _text = null!;

    [GlobalSetup]
    public void Setup()
    {
        var signal = new WriterSignal();
        _json = new LaneLog(AccessFormat.Json, _ring, signal);
        _text = new LaneLog(AccessFormat.Text, _ring, signal);
        _ids.Write(_id);
    }

    [Benchmark]
    public void JsonLine() => Write(_json, "/v1/orders/4711"u8, "page=2&size=50"u8);

    [Benchmark]
    public void TextLine() => Write(_text, "/v1/orders/4711"u8, "page=2&size=50"u8);

    /// <summary>A path that needs escaping and a query of UTF-8.</summary>
    [Benchmark]
    public void JsonLineEscaped() => Write(_json, "/v1/\"orders\"\\4711"u8, "name=J\u00f6rg&city=K\u00f6ln"u8);

    [Benchmark]
    public void RequestId() => _ids.Write(_id);

    [Benchmark]
    public long TimeOfDay() => _clock.UnixUs(System.Diagnostics.Stopwatch.GetTimestamp());

    private void Write(LaneLog lane, ReadOnlySpan<byte> path, ReadOnlySpan<byte> query)
    {
        lane.Write(new AccessRecord
        {
            StartUnixUs = 1_795_453_200_123_456,
            Method = "GET"u8,
            Path = path,
            Query = query,
            Authority = "api.example.com:8080"u8,
            UserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"u8,
            ClientAddress = "192.0.2.7"u8,
            RequestId = _id,
            MinorVersion = 1,
            Route = "orders"u8,
            Upstream = "orders_v2"u8,
            Server = "10.0.1.11:80"u8,
            Status = 200,
            ResponseBodyBytes = 5120,
            DurationUs = 1834,
            UpstreamUs = 1790,
            OverheadUs = 19,
        });
        // The writer's part, so that the ring never fills: no bytes are copied.
        _ring.Advance((int)(_ring.Head - _ring.Sent));
    }
}
