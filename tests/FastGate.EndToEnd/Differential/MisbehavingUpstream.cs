using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace FastGate.EndToEnd.Differential;

/// <summary>An upstream that sends what it was told to for <c>/number</c>, and a good answer for <c>/after/number</c>.
/// It watches over which of its connections are used again.</summary>
internal sealed class MisbehavingUpstream : ThreadServer
{
    private readonly ConcurrentDictionary<int, AnswerInput> _answers = new();
    private readonly ConcurrentQueue<string> _complaints = new();

    public MisbehavingUpstream()
        : base(new IPEndPoint(IPAddress.Loopback, 0)) => Start();

    /// <summary>Connections that were used again although they must not be.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    /// <summary>What it will send for this number.</summary>
    public void Tell(int number, AnswerInput answer) => _answers[number] = answer;

    public void Forget(int number) => _answers.TryRemove(number, out _);

    protected override void Serve(Wire wire)
    {
        string? spoiledBy = null;
        while (wire.TryReadHead(out string head))
        {
            if (spoiledBy is not null)
            {
                _complaints.Enqueue($"used again behind {Reading.Shown(spoiledBy)}");
                return;
            }
            string[] path = head.Split(' ')[1].Split('/');
            int number = int.Parse(path[^1], CultureInfo.InvariantCulture);
            if (path.Length > 2)
            {
                wire.Send(
                    $"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n{CapturingUpstream.SeenField}: {number}\r\n\r\nseen");
                continue;
            }
            AnswerInput answer = _answers[number];
            PlainAnswer? meant = PlainAnswer.Of(answer);
            SendInPieces(wire, answer.Text, meant is { KeepsConnection: false } ? int.MaxValue : answer.PieceBytes);
            spoiledBy = meant is { KeepsConnection: true } ? null : answer.Text;
            switch (answer.Afterwards)
            {
                case Afterwards.Resets:
                    wire.Reset();
                    return;
                case Afterwards.Ends:
                    wire.Fin();
                    if (spoiledBy is null)
                    {
                        // A request may have met the end on its way; the gate sends it again.
                        return;
                    }
                    break;
            }
        }
    }

    private static void SendInPieces(Wire wire, string text, int pieceBytes)
    {
        for (int at = 0; at < text.Length;)
        {
            int piece = Math.Min(pieceBytes, text.Length - at);
            wire.Send(text.Substring(at, piece));
            at += piece;
        }
    }
}
