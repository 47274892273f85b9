using System.Text;
using CsCheck;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>The parsers accept exactly what their obvious twin accepts, and read the same out of it: on the cases cut
/// to pieces and put together at random.</summary>
public sealed class ParserTwinTests
{
    /// <summary>More by hand: FASTGATE_TWIN_ITERATIONS=5000000 dotnet test tests/FastGate.Tests --filter ...</summary>
    private static readonly int s_iterations = ByHand.Iterations("FASTGATE_TWIN_ITERATIONS", 20_000);

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
    }, iter: s_iterations);

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
    }, iter: s_iterations);

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
        }, iter: s_iterations);

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
            Assert.Equal(PlainChunks.Read(text)?.Data, whole.Status is ParseStatus.Complete ? whole.Data : null);
        }, iter: s_iterations);

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

    private static Gen<string> Mutations(IReadOnlyList<MessageCase> cases) => MessageMutations.Of(
        [.. cases.Select(each => Encoding.Latin1.GetString(each.Bytes)).Where(text => text.Length < 500)]);

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
