using System.Text;
using CsCheck;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>The parsers accept exactly what their obvious twin accepts, and read the same out of it: on the cases cut
/// to pieces and put together at random.</summary>
public sealed class ParserTwinTests
{
    private static readonly string[] s_pieces =
    [
        "\r\n", "\r\n\r\n", "\r", "\n", " ", "\t", ":", ",", ";", "/", "?", "#", "*", "@", "[", "]", "\\", "\0", "\x7F",
        "\x80", "\xFF", "0", "1", "9", "A", "a: b\r\n", "HTTP/1.1", "HTTP/1.0", "GET", "OPTIONS", "CONNECT", "http://",
        "https://h:1", "Host: h\r\n", "Host:\r\n", "Content-Length: 1\r\n", "Content-Length: 0\r\n", "content-length:",
        "Transfer-Encoding: chunked\r\n", "chunked", "Connection: close\r\n", "Connection: keep-alive\r\n", "close",
        "keep-alive", "Expect: 100-continue\r\n", "200", "204", "304", "101", "HTTP/1.1 200 OK\r\n",
    ];

    [Fact]
    public void Requests() => Mutations(MessageCases.Requests).Sample(text =>
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var head = new RequestHead();
        int scanned = 0;
        ParseStatus status = RequestParser.Parse(bytes, MessageCases.Limits, head, ref scanned);
        PlainParser? twin = PlainParser.Request(text);
        Assert.Equal(twin is not null, status == ParseStatus.Complete);
        if (twin is not null)
        {
            string start = $"{Text(bytes, head.MethodName)} {Text(bytes, head.Target)}";
            Assert.Equal(twin, new PlainParser(start, Fields(bytes, head.Headers), head.Framing, head.ContentLength,
                head.KeepAlive, head.Length));
        }
    }, iter: 20_000);

    [Fact]
    public void Responses() => Mutations(MessageCases.Responses).Sample(text =>
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var head = new ResponseHead();
        int scanned = 0;
        ParseStatus status = ResponseParser.Parse(
            bytes, MessageCases.Limits, answersHead: false, head, ref scanned);
        PlainParser? twin = PlainParser.Response(text);
        Assert.Equal(twin is not null, status == ParseStatus.Complete);
        if (twin is not null)
        {
            Assert.Equal(twin, new PlainParser($"{head.Status}", Fields(bytes, head.Headers), head.Framing,
                head.ContentLength, head.KeepAlive, head.Length));
        }
    }, iter: 20_000);

    /// <summary>However a message is cut, it is read the same. Only, one that comes in pieces is not looked at for most
    /// rules before its empty line is there.</summary>
    [Fact]
    public void Requests_in_pieces() => Gen.Select(Mutations(MessageCases.Requests), Gen.Int[1, 40]).Sample(
        (text, step) =>
        {
            byte[] bytes = Encoding.Latin1.GetBytes(text);
            var head = new RequestHead();
            int scanned = 0;
            ParseStatus whole = RequestParser.Parse(bytes, MessageCases.Limits, head, ref scanned);
            scanned = 0;
            ParseStatus status = ParseStatus.Incomplete;
            for (int end = 0; status == ParseStatus.Incomplete && end < bytes.Length;)
            {
                end = Math.Min(end + step, bytes.Length);
                status = RequestParser.Parse(bytes.AsSpan(0, end), MessageCases.Limits, head, ref scanned);
            }
            AssertSame(whole, status, text);
        }, iter: 20_000);

    /// <summary>Whatever comes as chunks, in whatever pieces: the same data, the same end, the same refusal.</summary>
    [Fact]
    public void Chunks_in_pieces() => Gen.Select(Mutations(MessageCases.Chunks), Gen.Int[1, 40]).Sample(
        (text, step) =>
        {
            byte[] bytes = Encoding.Latin1.GetBytes(text);
            ChunkedBytes whole = ChunkedBytes.Decode(bytes, int.MaxValue);
            ChunkedBytes pieces = ChunkedBytes.Decode(bytes, step);
            Assert.Equal(whole.Data, pieces.Data);
            AssertSame(whole.Status, pieces.Status, text);
            Assert.Equal(PlainChunks.Data(text), whole.Status is ParseStatus.Complete ? whole.Data : null);
        }, iter: 20_000);

    private static void AssertSame(ParseStatus whole, ParseStatus pieces, string text)
    {
        Assert.Equal(whole is ParseStatus.Complete, pieces is ParseStatus.Complete);
        if (whole is ParseStatus.Incomplete)
        {
            Assert.Equal(ParseStatus.Incomplete, pieces);
        }
        else if (pieces is ParseStatus.Incomplete)
        {
            Assert.False(text.EndsWith("\r\n\r\n", StringComparison.Ordinal));
            Assert.InRange(text.Length, 0, MessageCases.Limits.HeadBytesMax);
        }
    }

    private static Gen<string> Mutations(IReadOnlyList<MessageCase> cases)
    {
        string[] seeds = [.. cases.Select(each => Encoding.Latin1.GetString(each.Bytes)).Where(text => text.Length < 500)];
        var cut = Gen.Select(Gen.Int[0, 200], Gen.Int[0, 12], Gen.Int[-2, s_pieces.Length - 1]);
        return Gen.Select(Gen.Int[0, seeds.Length - 1], cut.Array[0, 3], (seed, cuts) =>
        {
            string text = seeds[seed];
            foreach ((int at, int length, int piece) in cuts)
            {
                int from = Math.Min(at, text.Length);
                int to = Math.Min(from + length, text.Length);
                string put = piece >= 0 ? s_pieces[piece] : piece == -1 ? "" : text[from..to] + text[from..to];
                // Mostly put between, sometimes instead.
                text = string.Concat(text.AsSpan(0, from), put, text.AsSpan(length > 6 ? to : from));
            }
            return text;
        });
    }

    private static string Fields(byte[] bytes, HeaderTable headers)
    {
        var fields = new List<string>();
        foreach (ref readonly Header header in headers.Items)
        {
            fields.Add($"{Text(bytes, header.Name)}={Text(bytes, header.Value)}");
        }
        return string.Join('\n', fields);
    }

    private static string Text(byte[] bytes, Slice slice) => Encoding.Latin1.GetString(slice.Of(bytes));
}
