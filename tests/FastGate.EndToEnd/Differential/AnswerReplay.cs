using System.Collections.Concurrent;
using System.Globalization;
using System.Net;

namespace FastGate.EndToEnd.Differential;

/// <summary>A server that gives clients of others the very bytes that a client got from the gate: those with the number
/// in the path, ended as they ended.</summary>
internal sealed class AnswerReplay : ThreadServer
{
    private readonly ConcurrentDictionary<int, CapturedAnswer> _answers = new();
    private int _count;

    public AnswerReplay()
        : base(new IPEndPoint(IPAddress.Loopback, 0)) => Start();

    /// <summary>The path of an answer that is added.</summary>
    public string Add(CapturedAnswer answer)
    {
        _answers[++_count] = answer;
        return $"/{_count}";
    }

    public void Clear() => _answers.Clear();

    protected override void Serve(Wire wire)
    {
        while (wire.TryReadHead(out string head))
        {
            CapturedAnswer answer = _answers[int.Parse(head.Split(' ')[1][1..], CultureInfo.InvariantCulture)];
            wire.Send(answer.Bytes);
            if (answer.End == AnswerEnd.Cut)
            {
                wire.Reset();
            }
            if (answer.End != AnswerEnd.Kept)
            {
                return;
            }
        }
    }
}
