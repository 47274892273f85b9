using System.Text;
using BenchmarkDotNet.Attributes;

namespace FastGate.Bench;

/// <summary>A whole exchange over the memory transport: client, gate and upstream on one thread.</summary>
[MemoryDiagnoser]
public class ExchangeBench : IDisposable
{
    internal static readonly byte[] Request =
        "GET /orders/7 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"u8.ToArray();
    internal static readonly byte[] Answer = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 128\r\n\r\n" + new string('x', 128));

    private readonly MemoryGate _gate = new(Request, Answer);

    [GlobalCleanup]
    public void Dispose()
    {
        _gate.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public int Exchange() => _gate.Exchange();
}
