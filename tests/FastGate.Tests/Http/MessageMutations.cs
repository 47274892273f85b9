using CsCheck;

namespace FastGate.Tests.Http;

/// <summary>Messages cut to pieces and put together at random, with what matters to a parser put in between.</summary>
internal static class MessageMutations
{
    private static readonly string[] s_pieces =
    [
        "\r\n", "\r\n\r\n", "\r", "\n", " ", "\t", ":", ",", ";", "/", "?", "#", "*", "@", "[", "]", "\\", "\0", "\x7F",
        "\x80", "\xFF", "0", "1", "9", "A", "a: b\r\n", "HTTP/1.1", "HTTP/1.0", "GET", "OPTIONS", "CONNECT", "http://",
        "https://h:1", "Host: h\r\n", "Host:\r\n", "Content-Length: 1\r\n", "Content-Length: 0\r\n", "content-length:",
        "Transfer-Encoding: chunked\r\n", "chunked", "Connection: close\r\n", "Connection: keep-alive\r\n", "close",
        "keep-alive", "Expect: 100-continue\r\n", "200", "204", "304", "101", "HTTP/1.1 200 OK\r\n",
        "0\r\n\r\n", "5\r\nhello\r\n", "Upgrade: x\r\n", "upgrade", ": \t", " \r\n", "\t\r\n", "%2e", "..", "//", "_",
        "TE: trailers\r\n", "Connection: a\r\n", "Keep-Alive: 5\r\n",
    ];

    /// <summary>One of the texts with up to three changes.</summary>
    public static Gen<string> Of(string[] texts)
    {
        var cut = Gen.Select(Gen.Int[0, 200], Gen.Int[0, 12], Gen.Int[-2, s_pieces.Length - 1]);
        return Gen.Select(Gen.Int[0, texts.Length - 1], cut.Array[0, 3], (index, cuts) =>
        {
            string text = texts[index];
            foreach ((int at, int length, int piece) in cuts)
            {
                int from = Math.Min(at, text.Length);
                int to = Math.Min(from + length, text.Length);
                string put = piece >= 0 ? s_pieces[piece] : piece == -1 ? "" : text[from..to];
                // Put between, or instead of one to six bytes.
                int instead = Math.Min(from + Math.Max(length - 6, 0), text.Length);
                text = string.Concat(text.AsSpan(0, from), put, text.AsSpan(instead));
            }
            return text;
        });
    }
}
