using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace FastGate.EndToEnd.Chaos;

/// <summary>One valid request to an <see cref="UnrulyUpstream"/>, and the judge of what comes of it.</summary>
internal sealed class ChaosRequest
{
    private const int SmallMax = 2_000;
    private const int MiddleMax = 200_000;
    private const int BigMax = 4 * 1024 * 1024;

    private static readonly int[] s_refusals = [408, 502, 503, 504];

    private readonly string _behaviour;
    private readonly ulong _id;
    private readonly string _method;
    private readonly int _answerLength;
    private readonly bool _mayBeAnswered;

    private ChaosRequest(string behaviour, ulong id, string method, int answerLength)
    {
        (_behaviour, _id, _method, _answerLength) = (behaviour, id, method, answerLength);
        // To HEAD a head is a whole answer. The others answer well, too, before they go wrong.
        _mayBeAnswered = UnrulyUpstream.Good.Contains(behaviour) || UnrulyUpstream.Stale.Contains(behaviour)
            || behaviour is "twice" or "deaf"
            || (IsHead && behaviour is "half-body" or "half-chunk" or "cut-body" or "cut-close" or "stall");
    }

    public string Head { get; private init; } = "";

    /// <summary>As it is sent, in its framing.</summary>
    public ReadOnlyMemory<byte> Body { get; private init; }

    public bool IsOld { get; private init; }

    private bool IsHead => _method == "HEAD";

    public bool ExpectsContinue => Head.Contains("\r\nExpect: ", StringComparison.Ordinal);

    public byte[] Bytes => [.. Encoding.Latin1.GetBytes(Head), .. Body.Span];

    public static ChaosRequest Next(Random random, string group, string[] behaviours, string kind)
    {
        bool brings = kind is "post" or "put" or "expect" or "upload";
        string method = kind switch
        {
            "put" => "PUT",
            _ when brings => "POST",
            _ => random.Next(8) == 0 ? "HEAD" : "GET",
        };
        int answerLength = kind switch
        {
            "pipelined" or "upload" => random.Next(SmallMax),
            "download" => random.Next(BigMax),
            _ => random.Next(random.Next(20) == 0 ? MiddleMax : SmallMax),
        };
        ReadOnlyMemory<byte> body = default;
        ulong id = (ulong)random.NextInt64();
        if (brings)
        {
            int length = random.Next(kind == "upload" ? BigMax : random.Next(10) == 0 ? MiddleMax : SmallMax);
            body = Content.Of(~id, length);
        }
        bool chunked = kind == "put" || (brings && random.Next(2) == 0);
        string behaviour = behaviours[random.Next(behaviours.Length)];
        bool old = kind == "old";
        var head = new StringBuilder();
        head.Append(CultureInfo.InvariantCulture, $"{method} /{group}/{behaviour}/{id:x16}/{answerLength} ");
        head.Append(old ? "HTTP/1.0\r\nHost: h\r\n" : "HTTP/1.1\r\nHost: h\r\n");
        if (method is "POST" or "PUT")
        {
            head.Append(CultureInfo.InvariantCulture, $"X-Sum: {Content.Sum(body.Span)}\r\n");
            head.Append(chunked ? "Transfer-Encoding: chunked\r\n" : $"Content-Length: {body.Length}\r\n");
        }
        if (kind == "expect")
        {
            head.Append("Expect: 100-continue\r\n");
        }
        return new ChaosRequest(behaviour, id, method, answerLength)
        {
            Head = head.Append("\r\n").ToString(),
            Body = chunked ? Chunked(body, random) : body,
            IsOld = old,
        };
    }

    private static byte[] Chunked(ReadOnlyMemory<byte> body, Random random)
    {
        using var framed = new MemoryStream(body.Length + 4096);
        int max = random.Next(2) == 0 ? 500 : 100_000;
        max = Math.Max(max, body.Length / 1000);
        while (!body.IsEmpty)
        {
            int length = Math.Min(random.Next(1, max), body.Length);
            framed.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{length:x}\r\n")));
            framed.Write(body.Span[..length]);
            framed.Write("\r\n"u8);
            body = body[length..];
        }
        framed.Write(random.Next(2) == 0 ? "0\r\n\r\n"u8 : "0\r\nX-Trailer: v\r\n\r\n"u8);
        return framed.ToArray();
    }

    /// <summary>Reads what comes of it.</summary>
    /// <param name="wire">Where it was sent.</param>
    /// <param name="mayBeBad">The client did something that deserves a 400.</param>
    public async Task<Verdict> JudgeAsync(AsyncWire wire, bool mayBeBad = false)
    {
        bool begun = false;
        try
        {
            string? head = await wire.ReadHeadAsync();
            while (head is not null && Wire.StatusOf(head) is 100 or 103)
            {
                begun = true;
                if (Wire.StatusOf(head!) == 100 ? !ExpectsContinue : _behaviour is not ("hints" or "many-hints"))
                {
                    return Wrong($"an interim answer that nobody sent: {head}");
                }
                head = await wire.ReadHeadAsync();
            }
            if (head is null)
            {
                return CutOff(begun, "an end");
            }
            begun = true;
            return Wire.StatusOf(head) == 200
                ? await JudgeAnswerAsync(wire, head)
                : await JudgeRefusalAsync(wire, head, mayBeBad);
        }
        catch (Exception exception) when (exception is SocketException or EndOfStreamException
            or ObjectDisposedException)
        {
            return CutOff(begun, exception.Message);
        }
    }

    /// <param name="begun">Something of an answer was there.</param>
    /// <param name="how">Its end.</param>
    private Verdict CutOff(bool begun, string how) =>
        Verdict.Unanswered($"{_behaviour}: {how}") with { IsUnanswered = !begun };

    private Verdict Wrong(string what) => new(Outcome.Wrong, false, $"{Head.Split('\r')[0]}: {what}");

    private async Task<Verdict> JudgeAnswerAsync(AsyncWire wire, string head)
    {
        if (UnrulyUpstream.FieldOf(head, "X-Id") != _id.ToString("x16", CultureInfo.InvariantCulture))
        {
            return Wrong($"another's answer: {head}");
        }
        var expected = new ExpectedBody(Content.Of(_id, _answerLength));
        bool keep = !IsOld && !head.Contains("\r\nConnection: close\r\n", StringComparison.Ordinal);
        if (IsHead)
        {
            return _mayBeAnswered ? new Verdict(Outcome.Right, keep) : Wrong($"answered: {head}");
        }
        bool ended;
        if (head.Contains("\r\nTransfer-Encoding: chunked\r\n", StringComparison.Ordinal))
        {
            ended = await expected.ReadChunksAsync(wire);
        }
        else if (head.Contains("\r\nContent-Length: ", StringComparison.Ordinal))
        {
            ended = await expected.ReadAsync(wire, (int)Wire.LengthOf(head));
        }
        else
        {
            ended = IsOld && await expected.ReadToEndAsync(wire);
        }
        if (!expected.IsRight)
        {
            return Wrong($"wrong bytes from {expected.Position} of {_answerLength} on: {head}");
        }
        if (!ended)
        {
            return Wrong($"no framing: {head}");
        }
        return expected.IsWhole && _mayBeAnswered
            ? new Verdict(Outcome.Right, keep)
            : Wrong($"it ended at {expected.Position} of {_answerLength} as if that were all: {head}");
    }

    private async Task<Verdict> JudgeRefusalAsync(AsyncWire wire, string head, bool mayBeBad)
    {
        int status = Wire.StatusOf(head);
        string reason = UnrulyUpstream.FieldOf(head, "Proxy-Status") ?? "";
        if (!(s_refusals.Contains(status) || (mayBeBad && status == 400))
            || !reason.StartsWith("fastgate; error=", StringComparison.Ordinal))
        {
            return Wrong($"an answer that nobody gave: {head}");
        }
        if (!IsHead)
        {
            using var problem = JsonDocument.Parse(await wire.ReadAsync((int)Wire.LengthOf(head)));
            if (problem.RootElement.GetProperty("status").GetInt32() != status)
            {
                return Wrong($"a problem of another status: {head}");
            }
        }
        bool keep = !IsOld && !head.Contains("\r\nConnection: close\r\n", StringComparison.Ordinal);
        return new Verdict(Outcome.Refused, keep, $"{status} {reason}");
    }
}

/// <param name="Outcome">What became of a request.</param>
/// <param name="GoesOn">Another may follow on the connection.</param>
/// <param name="Detail">For a complaint.</param>
internal sealed record Verdict(Outcome Outcome, bool GoesOn, string Detail = "")
{
    /// <summary>It was cut before a byte of an answer.</summary>
    public bool IsUnanswered { get; init; }

    public static Verdict Unanswered(string detail) => new(Outcome.Cut, false, detail) { IsUnanswered = true };
}
