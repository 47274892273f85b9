using System.Text;
using BenchmarkDotNet.Attributes;
using FastGate.Gateway.Routing;
using FastGate.Http;

namespace FastGate.Bench;

/// <summary>Finding a route among few and many, against looking at every route in turn. The requests go round a ring of
/// targets spread over the table, so that no branch and no cache line is learnt by heart.</summary>
[MemoryDiagnoser]
public class TrieBench
{
    private const int Targets = 64;

    private readonly RequestHead _head = new();
    private readonly byte[][] _hosts = new byte[Targets][];
    private readonly byte[][] _paths = new byte[Targets][];
    private readonly byte[] _buffer = new byte[1024];
    private RouteTrie<RoutePattern> _trie = null!;
    private RoutePattern[] _patterns = null!;
    private int _next;

    [Params(1, 100, 10_000)]
    public int Routes { get; set; }

    [GlobalSetup]
    public void Build()
    {
        RouteTrieBuilder<RoutePattern> builder = new();
        _patterns = new RoutePattern[Routes];
        for (int i = 0; i < Routes; i++)
        {
            // Half of the table behind sixteen hosts, half without one: both kinds of walk.
            string host = i % 2 == 0 ? $"api{i % 32}.example.com" : "";
            _patterns[i] = RoutePattern.Parse($"GET,POST {host}/v1/service-{i}/orders/{{id}}", [])!;
            builder.Add(new RouteDefinition<RoutePattern>($"r{i}", _patterns[i]) { Patterns = [_patterns[i]] });
        }
        _trie = builder.Build([]);
        for (int i = 0; i < Targets; i++)
        {
            int route = (int)((long)i * (Routes - 1) / (Targets - 1));
            _hosts[i] = Encoding.ASCII.GetBytes(route % 2 == 0 ? $"api{route % 32}.example.com" : "www.example.com");
            _paths[i] = Encoding.ASCII.GetBytes($"/v1/service-{route}/orders/{i * 7919}");
            if (MatchLinear(i) != _patterns[route] || MatchTrie(i) != _patterns[route])
            {
                throw new InvalidOperationException("the trie and the scan disagree");
            }
        }
    }

    [Benchmark(Baseline = true)]
    public object? Linear() => MatchLinear(_next++ % Targets);

    [Benchmark]
    public object? Trie() => MatchTrie(_next++ % Targets);

    [Benchmark]
    public int NormalPath() =>
        PathNormalizer.Normalize(_paths[_next++ % Targets], _buffer, PathPolicy.Normalize).Length;

    private RoutePattern? MatchTrie(int at)
    {
        RouteRequest request = new()
        {
            Listener = 0,
            Host = _hosts[at],
            Path = _paths[at],
            Method = Method.Get,
            MethodName = default,
            Head = _head,
            HeadBytes = default,
        };
        _trie.Match(request, out RouteMatch<RoutePattern> match);
        return match.Value;
    }

    private RoutePattern? MatchLinear(int at)
    {
        foreach (RoutePattern pattern in _patterns)
        {
            if ((pattern.Host is null || Ascii.EqualsIgnoreCase(pattern.Host.Key, _hosts[at]))
                && Fits(pattern, _paths[at]))
            {
                return pattern;
            }
        }
        return null;
    }

    private static bool Fits(RoutePattern pattern, ReadOnlySpan<byte> path)
    {
        foreach (ref readonly PatternSegment segment in pattern.Segments)
        {
            if (path.IsEmpty)
            {
                return false;
            }
            path = path[1..];
            int end = path.IndexOf((byte)'/');
            ReadOnlySpan<byte> sent = end < 0 ? path : path[..end];
            if (segment.Kind == SegmentKind.Name ? sent.IsEmpty : !sent.SequenceEqual(segment.Literal))
            {
                return false;
            }
            path = path[sent.Length..];
        }
        return path.IsEmpty;
    }
}
