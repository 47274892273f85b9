using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace FastGate.EndToEnd.Differential;

/// <summary>A request as it came from the gate, byte for byte.</summary>
/// <param name="Number">Of all.</param>
/// <param name="Bytes">One character each.</param>
/// <param name="Reading">What the strict reader makes of it.</param>
internal sealed record Captured(int Number, string Bytes, Reading Reading);

/// <summary>An upstream that reads strictly, keeps what it read, answers and keeps the connection. It knows by
/// <c>X-Forwarded-For</c> for whom a request came: each input has a source address of its own.</summary>
internal sealed class CapturingUpstream : ThreadServer
{
    /// <summary>The field of an answer that says which captured request it answers.</summary>
    public const string SeenField = "X-Seen";

    private readonly bool _tells;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Captured>> _bySource = new();
    private readonly ConcurrentQueue<string> _complaints = new();
    private int _count;

    /// <param name="address">Where it listens; port 0 for a free one.</param>
    /// <param name="tells">Its answers tell what it read, and nothing is kept: a reader behind another proxy.</param>
    public CapturingUpstream(EndPoint address, bool tells = false)
        : base(address)
    {
        _tells = tells;
        Start();
    }

    /// <summary>What was not one request after the other in its plainest form.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    /// <summary>What came and was not taken, in no order.</summary>
    public IReadOnlyList<Captured> Left => [.. _bySource.Values.SelectMany(captured => captured)];

    /// <summary>What came for that source and was not taken yet, in order.</summary>
    public Captured[] Take(string source) => _bySource.TryRemove(source, out ConcurrentQueue<Captured>? captured)
        ? [.. captured]
        : [];

    protected override void Serve(Wire wire)
    {
        byte[] block = new byte[64 * 1024];
        string text = "";
        try
        {
            int count;
            while ((count = wire.Socket.Receive(block)) > 0)
            {
                text += Encoding.Latin1.GetString(block, 0, count);
                if (StrictReader.Request(text, out int length) is not { } reading)
                {
                    continue;
                }
                StrictReader.Demand(length == text.Length, "more than a request", text);
                int number = Interlocked.Increment(ref _count);
                if (!_tells)
                {
                    StrictReader.Demand(reading.Values("X-Forwarded-For").Length == 1, "not one source", text);
                    _bySource.GetOrAdd(reading.Values("X-Forwarded-For")[0], _ => new ConcurrentQueue<Captured>())
                        .Enqueue(new Captured(number, text, reading));
                }
                text = "";
                wire.Send(Answer(number, reading));
            }
        }
        catch (AmbiguousException ambiguous)
        {
            _complaints.Enqueue(ambiguous.Message);
        }
    }

    private string Answer(int number, Reading reading)
    {
        string telling = _tells ? $"{reading.Telling()}\r\n" : "";
        return $"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n{SeenField}: {number}\r\n{telling}\r\n"
            + (reading.Method == "HEAD" ? "" : "seen");
    }
}
