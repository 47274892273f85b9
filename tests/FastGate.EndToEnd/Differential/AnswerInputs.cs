using System.Text;
using CsCheck;
using FastGate.Http;
using FastGate.Net.Buffers;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.Differential;

/// <summary>Who asks for an answer.</summary>
internal enum Asker : byte
{
    Get,
    Head,
    /// <summary>GET of HTTP/1.0.</summary>
    Old,
}

/// <summary>What an upstream does behind what it sent.</summary>
internal enum Afterwards : byte
{
    /// <summary>It keeps the connection and waits.</summary>
    Waits,
    Ends,
    Resets,
}

/// <summary>What an upstream sends, whatever it should have sent.</summary>
/// <param name="Text">All of it.</param>
/// <param name="Asker">To whom.</param>
/// <param name="Afterwards">What it does then.</param>
/// <param name="PieceBytes">In how large pieces, unless more stands behind it than was asked for: that comes at once,
/// for what comes later can be told from the next answer by nobody.</param>
internal sealed record AnswerInput(string Text, Asker Asker, Afterwards Afterwards, int PieceBytes = int.MaxValue)
{
    public string Method => Asker == Asker.Head ? "HEAD" : "GET";
}

/// <summary>Where the answers of the differential tests come from.</summary>
internal static class AnswerInputs
{
    /// <summary>In the head of answers that nobody asked for.</summary>
    public const string Marker = "X-Smuggled";

    private const string Chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    private const string Hidden = $"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n{Marker}: 1\r\n\r\nsmuggled";

    private static readonly string[] s_classics =
    [
        $"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello{Hidden}",
        $"HTTP/1.1 200 OK\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        $"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n{Hidden}",
        $"HTTP/1.1 204 No Content\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        $"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{Hidden}",
        $"HTTP/1.1 304 Not Modified\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        $"HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello{Hidden}",
        $"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\n{Hidden}",
        $"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n{Hidden}",
        $"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n{Hidden}",
        $"HTTP/1.1 200 OK\r\n\r\nto the end{Hidden}",
        $"HTTP/1.0 200 OK\r\n\r\nto the end{Hidden}",
        $"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello{Hidden}",
        $"HTTP/1.1 200 OK\r\nConnection: close, Content-Length\r\nContent-Length: 5\r\n\r\nhello",
        $"HTTP/1.1 200 OK\r\nContent-Length:\t5\t\r\nSet-Cookie: a=b\r\nSet-Cookie:\tc=d \r\n\r\nhello",
        $"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{Hidden}",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nA: b\r\nUpgrade: h2c\r\n"
            + $"Proxy-Connection: close\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\nhello{Hidden}",
        $"{Chunked}{Hidden.Length:x}\r\n{Hidden}\r\n0\r\n\r\n",
        $"{Chunked}0\r\n\r\n{Hidden}",
        $"{Chunked}5;a=\"b\"\r\nhello\r\n00\r\nX-Sum:\t1\r\nContent-Length: 4\r\n\r\n{Hidden}",
        $"{Chunked}5\r\nhello\r\n",
        $"{Chunked}5\r\nhelloXY0\r\n\r\n{Hidden}",
    ];

    /// <summary>The cases of the parsers that are accepted, with the bodies they announce, and the classics.</summary>
    public static IReadOnlyList<AnswerInput> Known { get; } =
    [
        .. MessageCases.Responses.SelectMany(each => ToAll(WithBody(each))),
        .. MessageCases.Chunks.SelectMany(each => ToAll(Chunked + Text(each))),
        .. s_classics.SelectMany(ToAll),
    ];

    /// <summary>All of those with changes at random, and at times more behind them.</summary>
    public static readonly Gen<AnswerInput> Mutated = Gen.Select(
        MessageMutations.Of([.. Known.Select(each => each.Text).Distinct().Where(text => text.Length < 500)]),
        Gen.Frequency((3, Gen.Const("")), (1, Gen.OneOfConst(Hidden, "x", "\r\n", "0\r\n\r\n", "HTTP/1.1 "))),
        Gen.Frequency((4, Gen.Const(Asker.Get)), (1, Gen.Const(Asker.Head)), (1, Gen.Const(Asker.Old))),
        Gen.OneOfConst(Enum.GetValues<Afterwards>()), Gen.Frequency((4, Gen.Const(int.MaxValue)), (1, Gen.Int[1, 60])),
        (text, behind, asker, afterwards, piece) => Of(text + behind, asker, afterwards, piece));

    /// <summary>Answers whose last byte is around the last byte of a buffer of the gate, with another one behind
    /// them.</summary>
    public static IEnumerable<AnswerInput> AroundBuffers() =>
        from buffer in (int[])[BufferPool.SmallBytes, BufferPool.LargeBytes]
        from more in (int[])[-2, -1, 0, 1, 2]
        let head = $"HTTP/1.1 200 OK\r\nContent-Length: {buffer - 100}\r\nX-Pad: "
        let text = head.PadRight(100 + more - 4, 'p') + "\r\n\r\n" + new string('b', buffer - 100)
        from asker in (Asker[])[Asker.Get, Asker.Old]
        select Of(text + Hidden, asker, Afterwards.Waits);

    private static IEnumerable<AnswerInput> ToAll(string text) =>
        from asker in Enum.GetValues<Asker>()
        from afterwards in Enum.GetValues<Afterwards>()
        select Of(text, asker, afterwards);

    /// <summary>Who is not whole must end, or everybody would wait; and who is broken in pieces, for a head that comes
    /// in pieces is looked at when its last one is there.</summary>
    private static AnswerInput Of(string text, Asker asker, Afterwards afterwards, int piece = int.MaxValue)
    {
        var input = new AnswerInput(text, asker, afterwards, piece);
        bool mustEnd = afterwards == Afterwards.Waits
            && (WantsMore(text, asker == Asker.Head) || (piece < text.Length && PlainAnswer.Of(input) is null));
        return mustEnd ? input with { Afterwards = Afterwards.Ends } : input;
    }

    /// <summary>Whether the gate would wait for more. Only to decide who ends: what is right is not asked
    /// here.</summary>
    private static bool WantsMore(string text, bool toHead)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var head = new ResponseHead();
        int at = 0;
        do
        {
            int scanned = 0;
            ParseStatus status = ResponseParser.Parse(
                bytes.AsSpan(at), MessageCases.Limits, toHead, head, ref scanned);
            if (status != ParseStatus.Complete)
            {
                return status == ParseStatus.Incomplete;
            }
            at += head.Length;
        }
        while (head.Status is < 200 and not 101);
        return head.Framing switch
        {
            BodyFraming.Length => bytes.Length - at < head.ContentLength,
            BodyFraming.Chunked => ChunkedBytes.Decode(bytes[at..], int.MaxValue).Status == ParseStatus.Incomplete,
            BodyFraming.UntilClose => true,
            _ => false,
        };
    }

    private static string WithBody(MessageCase each) => PlainParser.Response(Text(each)) switch
    {
        null => Text(each),
        { Framing: BodyFraming.Chunked } => Text(each) + "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
        { Framing: BodyFraming.UntilClose } => Text(each) + "to the end",
        { Start: "100" } => Text(each) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        { Framing: BodyFraming.Length } head => Text(each) + new string('x', (int)head.Length),
        _ => Text(each),
    };

    private static string Text(MessageCase each) => Encoding.Latin1.GetString(each.Bytes);
}
