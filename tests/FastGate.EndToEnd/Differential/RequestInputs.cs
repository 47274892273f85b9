using System.Globalization;
using System.Text;
using CsCheck;
using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.Differential;

/// <summary>A request that nobody can misread, with what it says.</summary>
internal sealed record GoodRequest(string Text, string Target, string Body);

/// <summary>What a client sends on one connection.</summary>
/// <param name="Before">Good requests.</param>
/// <param name="Odd">A request with changes at random, behind them; perhaps still a good one.</param>
/// <param name="After">Good requests that may or may not be reached.</param>
/// <param name="PieceBytes">In how large pieces it comes.</param>
internal sealed record Pipeline(GoodRequest[] Before, string Odd, GoodRequest[] After, int PieceBytes)
{
    public string Text => string.Concat(Before.Select(each => each.Text)) + Odd
        + string.Concat(After.Select(each => each.Text));
}

/// <summary>Where the requests of the differential tests come from.</summary>
internal static class RequestInputs
{
    /// <summary>In the target of requests that stand in bodies only.</summary>
    public const string Marker = "/smuggled";

    private const string Chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    private const string Hidden = $"GET {Marker} HTTP/1.1\r\nHost: h\r\n\r\n";

    /// <summary>Both framings in one request, in the ways that have divided servers, each with a request in its
    /// body.</summary>
    private static readonly string[] s_classics =
    [
        $"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        $"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        $"POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        $"{Chunked}{Hidden.Length:x}\r\n{Hidden}\r\n0\r\n\r\n",
        $"{Chunked}1;a\r\nG\r\n{Hidden.Length - 1:X}\r\n{Hidden[1..]}\r\n0\r\nA: b\r\n\r\n",
        $"{Chunked}0\r\n\r\n{Hidden}",
        $"{Chunked}5\r\nhelloXY0\r\n\r\n{Hidden}",
        $"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{Hidden}",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
            + $"Content-Length: 4\r\n\r\n{Hidden.Length:x}\r\n{Hidden}\r\n0\r\n\r\n",
        $"POST / HTTP/1.1\r\nHost: h\r\nTransfer_Encoding: chunked\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        $"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\t{Hidden.Length} \r\n\r\n{Hidden}",
        $"POST / HTTP/1.1\r\nHost: h\r\nA:\tb\t\r\nContent-Length: 0{Hidden.Length}\r\n\r\n{Hidden}",
        $"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\tchunked\r\n\r\n{Hidden.Length:x}\r\n{Hidden}\r\n0\r\n\r\n",
        $"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + $"Content-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        "POST / HTTP/1.1\r\nHost: h\r\nConnection: close, Content-Length, Cookie\r\nCookie: a=b\r\n"
            + $"Content-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        $"HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: {Hidden.Length}\r\n\r\n{Hidden}",
        "GET / HTTP/1.1\r\nHost: h\r\nKeep-Alive: 5\r\nTE: trailers\r\nProxy-Connection: keep-alive\r\nA: b\r\n"
            + "Proxy-Authorization: me\r\nHTTP2-Settings: AAMAAABkAAQAAP\r\n\r\n",
        $"GET /a/../b//c%2e/{Marker} HTTP/1.1\r\nHost: h\r\n\r\n",
        $"GET http://h/a?b HTTP/1.1\r\nHost: i\r\nX-Forwarded-For: 1.2.3.4\r\nX-Request-Id: x\r\n\r\n",
    ];

    /// <summary>The cases of the parsers that are accepted, with the bodies they announce.</summary>
    public static IReadOnlyList<string> Accepted { get; } =
    [
        .. MessageCases.Requests.Where(each => each.Expected == ParseStatus.Complete).Select(WithBody),
        .. MessageCases.Chunks.Where(each => each.Expected == ParseStatus.Complete)
            .Select(each => Chunked + Text(each)),
        .. s_classics,
    ];

    private static readonly string[] s_texts =
    [
        .. Accepted,
        .. MessageCases.Requests.Where(each => each.Expected != ParseStatus.Complete).Select(Text),
        .. MessageCases.Chunks.Where(each => each.Expected != ParseStatus.Complete)
            .Select(each => Chunked + Text(each)),
    ];

    private static readonly Gen<string> s_body = Gen.OneOfConst(
            Hidden, Hidden, "\r\n", "0\r\n\r\n", "5\r\nhello\r\n", "\n", "\0", "\r\n\r\n", "x", "\xFF",
            "HTTP/1.1 200 OK\r\n\r\n")
        .Array[0, 4].Select(string.Concat);

    private static readonly Gen<GoodRequest> s_good = Gen.Select(
        Gen.OneOfConst("POST", "PUT", "GET", "PROPFIND", "DELETE"), Gen.Int[0, 1_000_000], Gen.Int[0, 2], s_body,
        Gen.Int[1, 40], (method, number, framing, body, chunk) =>
        {
            string target = $"/good/{number}";
            string head = $"{method} {target} HTTP/1.1\r\nHost: h\r\n";
            return framing switch
            {
                0 => new GoodRequest($"{head}\r\n", target, ""),
                1 => new GoodRequest($"{head}Content-Length: {body.Length}\r\n\r\n{body}", target, body),
                _ => new GoodRequest($"{head}Transfer-Encoding: chunked\r\n\r\n{Chunks(body, chunk)}", target, body),
            };
        });

    private static readonly Gen<int> s_piece =
        Gen.Frequency((4, Gen.Const(int.MaxValue)), (1, Gen.Int[1, 60]));

    /// <summary>A mutated request between good ones, every one with more requests in its body.</summary>
    public static readonly Gen<Pipeline> Pipelines = Gen.Select(
        s_good.Array[0, 2], MessageMutations.Of([.. s_texts.Where(text => text.Length < 500)]), s_good.Array[0, 2],
        s_piece, (before, odd, after, piece) => new Pipeline(before, odd, after, piece));

    /// <summary>Good ones only.</summary>
    public static readonly Gen<Pipeline> GoodPipelines = Gen.Select(
        s_good.Array[1, 6], s_piece, (before, piece) => new Pipeline(before, "", [], piece));

    private static string Chunks(string body, int size)
    {
        var chunks = new StringBuilder();
        for (int at = 0; at < body.Length; at += size)
        {
            string chunk = body.Substring(at, Math.Min(size, body.Length - at));
            chunks.Append(CultureInfo.InvariantCulture, $"{chunk.Length:x}\r\n{chunk}\r\n");
        }
        return $"{chunks}0\r\n\r\n";
    }

    private static string WithBody(MessageCase each) => PlainParser.Request(Text(each)) switch
    {
        { Framing: BodyFraming.Chunked } => Text(each) + "5\r\nhello\r\n0\r\n\r\n",
        { Framing: BodyFraming.Length, Length: < 1000 } head => Text(each) + new string('x', (int)head.Length),
        _ => Text(each),
    };

    private static string Text(MessageCase each) => Encoding.Latin1.GetString(each.Bytes);
}
