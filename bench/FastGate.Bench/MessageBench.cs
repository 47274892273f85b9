using System.Text;
using BenchmarkDotNet.Attributes;
using FastGate.Http;

namespace FastGate.Bench;

/// <summary>The other hot pieces of the codec, each against a plain pass over the same bytes.</summary>
[MemoryDiagnoser]
public class MessageBench
{
    private static readonly HeadLimits s_limits = new(32 * 1024, 100);

    private readonly byte[] _request = Requests.Of("browser");
    private readonly byte[] _chunked = Chunked();
    private readonly byte[] _copy = new byte[64 * 1024];
    private readonly RequestHead _head = new();
    private readonly ResponseHead _answer = new();

    public MessageBench()
    {
        int scanned = 0;
        RequestParser.Parse(_request, s_limits, _head, ref scanned);
    }

    /// <summary>The yardstick: every byte of the browser's head compared once and copied once.</summary>
    [Benchmark(Baseline = true)]
    public int Pass()
    {
        int sum = 0;
        foreach (byte b in _request)
        {
            sum += b == (byte)':' ? 1 : 0;
        }
        _request.CopyTo(_copy, 0);
        return sum;
    }

    [Benchmark]
    public ParseStatus Response()
    {
        int scanned = 0;
        return ResponseParser.Parse(Requests.Answer, s_limits, false, _answer, ref scanned);
    }

    [Benchmark]
    public int CopyFields()
    {
        var writer = new HeadWriter(_copy);
        writer.CopyFields(_request, _head.Headers, 1UL << (int)HeaderId.Host);
        writer.Field("Host"u8, "upstream"u8);
        return writer.Length;
    }

    [Benchmark]
    public long DecodeChunks()
    {
        var decoder = new ChunkedDecoder();
        long data = 0;
        ReadOnlySpan<byte> rest = _chunked;
        while (decoder.Read(rest, out int consumed, out Slice piece) == ChunkStep.Data)
        {
            data += piece.Length;
            rest = rest[consumed..];
        }
        return data;
    }

    /// <summary>Sixteen chunks of 1 KiB.</summary>
    private static byte[] Chunked() => Encoding.ASCII.GetBytes(
        string.Concat(Enumerable.Repeat("400\r\n" + new string('x', 1024) + "\r\n", 16)) + "0\r\n");
}
