using System.Globalization;

namespace FastGate.EndToEnd.Differential;

/// <summary>How an answer's bytes ended at the client.</summary>
internal enum AnswerEnd : byte
{
    /// <summary>Whole, and the connection went on.</summary>
    Kept,
    /// <summary>Whole, and the connection came to an orderly end.</summary>
    Ended,
    /// <summary>Not whole: the connection broke.</summary>
    Cut,
}

/// <summary>What a client got for one request, byte for byte.</summary>
/// <param name="Method">It asked with.</param>
/// <param name="IsOld">In HTTP/1.0.</param>
/// <param name="Bytes">One character each, interim answers before the final one too.</param>
/// <param name="End">How they ended.</param>
/// <param name="Reading">What the strict reader makes of the final answer; null when it was cut.</param>
internal sealed record CapturedAnswer(string Method, bool IsOld, string Bytes, AnswerEnd End, Reading? Reading);

/// <summary>Lets a client ask through a gate for what a misbehaving upstream sends, and holds what it gets against the
/// obvious twins.</summary>
internal sealed class AnswerPass(GateOnLoopback gate, MisbehavingUpstream upstream)
{
    private int _inputs;

    /// <summary>Asks for the answer, and for a good one behind it on the same connection.</summary>
    public CapturedAnswer Send(AnswerInput input)
    {
        int number = ++_inputs;
        upstream.Tell(number, input);
        string got = "";
        try
        {
            got = Talk(number, input, out bool reset);
            CapturedAnswer captured = Read(number, input, got, reset);
            StrictReader.Demand(upstream.Complaints.Count == 0, string.Join('\n', upstream.Complaints), "");
            return captured;
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"{exception.Message}\nto {input.Asker}, then {input.Afterwards}: {Reading.Shown(input.Text)}\n"
                + $"got: {Reading.Shown(got)}", exception);
        }
        finally
        {
            upstream.Forget(number);
        }
    }

    private string Talk(int number, AnswerInput input, out bool reset)
    {
        using Wire wire = gate.Connect();
        wire.Send(input.Asker == Asker.Old
            ? $"GET /{number} HTTP/1.0\r\n\r\n"
            : $"{input.Method} /{number} HTTP/1.1\r\nHost: h\r\n\r\n"
                + $"GET /after/{number} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        return wire.ReadToEnd(out reset);
    }

    private static CapturedAnswer Read(int number, AnswerInput input, string got, bool reset)
    {
        PlainAnswer? meant = PlainAnswer.Of(input);
        int at = 0;
        int interims = 0;
        Reading? answer;
        while ((answer = StrictReader.Answer(got[at..], input.Method == "HEAD", !reset, out int length)) is not null)
        {
            Promises.OfAnswer(answer, got);
            at += length;
            if (answer.Status >= 200)
            {
                break;
            }
            interims++;
        }
        // What is whole may be lost in a reset that comes behind it.
        bool mayBeLost = meant is null || input.Afterwards == Afterwards.Resets;
        int interimsMeant = input.Asker == Asker.Old ? 0 : meant?.Interims ?? int.MaxValue;
        StrictReader.Demand(mayBeLost ? interims <= interimsMeant : interims == interimsMeant,
            "interim answers are missing or new", got);
        if (answer is null)
        {
            StrictReader.Demand(reset && mayBeLost, "an answer that was whole was cut, or a cut one ended", got);
            return new CapturedAnswer(input.Method, input.Asker == Asker.Old, got, AnswerEnd.Cut, null);
        }
        bool failed = answer.Status == 502 && answer.Has("Proxy-Status");
        StrictReader.Demand(failed ? mayBeLost : meant is not null, "a broken answer was passed on, or a good one not",
            got);
        if (!failed)
        {
            meant!.AssertReceivedAs(answer, got);
        }
        StrictReader.Demand(!reset, "a reset behind a whole answer", got);
        if (input.Asker == Asker.Old)
        {
            StrictReader.Demand(at == got.Length, "more than an answer", got);
            return new CapturedAnswer(input.Method, input.Asker == Asker.Old, got, AnswerEnd.Ended, answer);
        }
        StrictReader.Demand(answer.Value("Connection") is null, "the connection does not go on", got);
        Reading? after = StrictReader.Answer(got[at..], toHead: false, ended: true, out int afterLength);
        StrictReader.Demand(after is not null && at + afterLength == got.Length, "not one more answer", got);
        StrictReader.Demand(
            after!.Value(CapturingUpstream.SeenField) == number.ToString(CultureInfo.InvariantCulture)
                && after.Body == "seen" && !after.Has(AnswerInputs.Marker), "another's answer", got);
        return new CapturedAnswer(input.Method, input.Asker == Asker.Old, got[..at], AnswerEnd.Kept, answer);
    }
}
