using System.Buffers;
using BenchmarkDotNet.Attributes;
using FastGate.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core.Internal.Http;

namespace FastGate.Bench;

/// <summary>A request head parsed, against Kestrel's own parser on the same bytes. Ours derives framing, host and
/// connection options too; Kestrel's leaves them to its caller.</summary>
[MemoryDiagnoser]
public class ParserBench
{
    private const int LearningRounds = 20_000;

    private static readonly HeadLimits s_limits = new(32 * 1024, 100);

    private readonly RequestHead _head = new();
    private readonly HttpParser<Handler> _kestrel = new();
    private byte[] _bytes = [];
    private ReadOnlySequence<byte> _sequence;

    [ParamsSource(nameof(Messages))]
    public string Message { get; set; } = "";

    public static IEnumerable<string> Messages => Requests.Names;

    [GlobalSetup]
    public void Load()
    {
        // What the JIT learnt from one kind of message alone would make the others slow: both parsers meet all of them
        // before it decides.
        for (int i = 0; i < LearningRounds; i++)
        {
            foreach (string message in Messages)
            {
                Take(message);
            }
        }
        Take(Message);
    }

    private void Take(string message)
    {
        _bytes = Requests.Of(message);
        _sequence = new ReadOnlySequence<byte>(_bytes);
        if (FastGate() != ParseStatus.Complete || !Kestrel())
        {
            throw new InvalidOperationException("the message is not valid");
        }
    }

    [Benchmark(Baseline = true)]
    public bool Kestrel()
    {
        var reader = new SequenceReader<byte>(_sequence);
        var handler = default(Handler);
        return _kestrel.ParseRequestLine(handler, ref reader) && _kestrel.ParseHeaders(handler, ref reader);
    }

    [Benchmark]
    public ParseStatus FastGate()
    {
        int scanned = 0;
        return RequestParser.Parse(_bytes, s_limits, _head, ref scanned);
    }

    private readonly struct Handler : IHttpRequestLineHandler, IHttpHeadersHandler
    {
        public void OnStartLine(HttpVersionAndMethod versionAndMethod, TargetOffsetPathLength targetPath,
            Span<byte> startLine)
        {
        }

        public void OnHeader(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
        {
        }

        public void OnHeadersComplete(bool endStream)
        {
        }

        public void OnStaticIndexedHeader(int index)
        {
        }

        public void OnStaticIndexedHeader(int index, ReadOnlySpan<byte> value)
        {
        }
    }
}
