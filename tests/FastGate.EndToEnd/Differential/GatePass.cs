using System.Globalization;
using System.Net;
using System.Text;
using FastGate.Http;

namespace FastGate.EndToEnd.Differential;

/// <summary>An answer that a client got.</summary>
/// <param name="Status">Its status.</param>
/// <param name="Seen">Which captured request it answers; 0 for one of the gate's own.</param>
/// <param name="Ends">It says that the connection ends.</param>
internal readonly record struct Received(int Status, int Seen, bool Ends);

/// <summary>Sends what a client sends through a gate, and holds what comes out on either side against the obvious
/// twins.</summary>
internal sealed class GatePass(GateOnLoopback gate, CapturingUpstream upstream, HeadLimits limits)
{
    private int _inputs;

    /// <summary>What came of an input.</summary>
    /// <param name="Asked">The whole requests in it, as the twins read them.</param>
    /// <param name="Rest">What is behind them.</param>
    /// <param name="Received">The answers, in order.</param>
    /// <param name="Forwarded">What the upstream got, in order.</param>
    public sealed record Passage(IReadOnlyList<PlainRequest> Asked, string Rest, IReadOnlyList<Received> Received,
        IReadOnlyList<Captured> Forwarded);

    /// <summary>One connection: everything at once, or in pieces, then the end.</summary>
    public Passage Send(string input, int pieceBytes = int.MaxValue)
    {
        // Whoever's requests these are can be told apart by the address, whatever else is in them.
        int n = ++_inputs;
        var source = new IPAddress([127, (byte)(1 + ((n >> 16) % 200)), (byte)(n >> 8), (byte)n]);
        List<PlainRequest> asked = PlainRequest.All(input, limits, out string rest);
        string answers = "";
        try
        {
            answers = Talk(source, Encoding.Latin1.GetBytes(input), pieceBytes);
            List<Received> received = Read(answers, asked);
            Captured[] forwarded = upstream.Take(source.ToString());
            Assert.True(upstream.Complaints.Count == 0, string.Join('\n', upstream.Complaints));
            AssertEach(asked, received, forwarded);
            return new Passage(asked, rest, received, forwarded);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"{exception.Message}\ninput: {Reading.Shown(input)}\nanswers: {Reading.Shown(answers)}", exception);
        }
    }

    private string Talk(IPAddress source, byte[] bytes, int pieceBytes)
    {
        var address = new IPEndPoint(IPAddress.Loopback, gate.Port);
        using var wire = new Wire(Wire.NewSocket(address));
        wire.Socket.Bind(new IPEndPoint(source, 0));
        wire.Socket.Connect(address);
        for (int at = 0; at < bytes.Length; at += Math.Min(pieceBytes, bytes.Length - at))
        {
            if (!wire.TrySend(bytes.AsSpan(at, Math.Min(pieceBytes, bytes.Length - at))))
            {
                break;
            }
        }
        wire.Fin();
        string answers = wire.ReadToEnd(out bool reset);
        StrictReader.Demand(!reset, "the connection was reset", answers);
        return answers;
    }

    private static List<Received> Read(string answers, List<PlainRequest> asked)
    {
        var received = new List<Received>();
        while (answers.Length > 0)
        {
            // To what was refused before it was understood there is one answer, the last.
            bool toHead = received.Count < asked.Count && asked[received.Count].Method == "HEAD";
            Reading? answer = StrictReader.Answer(answers, toHead, ended: true, out int length);
            if (answer is null && received.Count == asked.Count)
            {
                answer = StrictReader.Answer(answers, toHead: true, ended: true, out length);
            }
            Assert.True(answer is not null, "half an answer");
            Promises.OfAnswer(answer, answers);
            bool own = !answer.Has(CapturingUpstream.SeenField);
            received.Add(new Received(answer.Status,
                own ? 0 : int.Parse(answer.Value(CapturingUpstream.SeenField)!, CultureInfo.InvariantCulture),
                answer.Value("Connection") == "close"));
            answers = answers[length..];
        }
        return received;
    }

    /// <summary>Every whole request was forwarded as it was meant and answered, or refused by the gate for a rule of
    /// its own; in order; nothing else was forwarded.</summary>
    private void AssertEach(List<PlainRequest> asked, List<Received> received, Captured[] forwarded)
    {
        int next = 0;
        for (int i = 0; i < received.Count; i++)
        {
            Assert.True(i == received.Count - 1 || !received[i].Ends, "an answer behind the last one");
            if (i == asked.Count)
            {
                Assert.True(received[i] is { Status: >= 400, Seen: 0, Ends: true }, "what is broken was answered");
                continue;
            }
            Assert.True(asked[i].Refusal == (received[i].Seen == 0 ? received[i].Status : 0),
                $"request {i}: {received[i].Status} instead of {asked[i].Refusal}");
            if (received[i].Seen > 0)
            {
                Assert.True(next < forwarded.Length && forwarded[next].Number == received[i].Seen,
                    $"request {i} got another's answer");
                asked[i].AssertForwardedAs(forwarded[next], upstream.Address);
                Promises.OfRequest(forwarded[next]);
                next++;
            }
        }
        StrictReader.Demand(next == forwarded.Length, "nobody asked for this", forwarded.LastOrDefault()?.Bytes ?? "");
        Assert.True(received.Count >= asked.Count || received is [.., { Ends: true }], "an answer is missing");
        Assert.True(received.Count <= asked.Count + 1, "more answers than requests");
    }
}
