using System.Text;
using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.Fuzz;

/// <summary>What the fuzzer begins with: the cases of the tests.</summary>
internal static class Seeds
{
    private static readonly string[] s_paths =
    [
        "/", "/a", "/a/b/", "/.well-known/acme", "/...", "/..a/.b", "/~user/a-b_c;v=1/x,y@z:(1)!$&'*+=",
        "/%20%C3%A9%25", "/%252e%252e/%252F", "/a%2Fb", "/a-path-that-is-longer/than-one-vector/of-sixteen-bytes",
        "/a/..", "/a/./b", "/a/b/../c", "/a//../b", "///a", "/a/%2e/b", "/a/%2E%2e/b", "/a/.%2e/b", "/%41%7E%2d%5F",
        "/a{b}|c", "/a/\u00e9", "/one/segment/after/another/and/then/../x", "a/b", "/a\\b", "/a%0d%0Ab", "/%7F", "/a b",
        "/a?b#c", "/%4/1", "/%u0041", "/../a", "/a/../..", "/a/%2e%2e%2fb", "/a/b%5c.%5cc", "/a%2F/../b",
    ];

    public static IEnumerable<byte[]> Of(string target) => target switch
    {
        "request" => MessageCases.Requests.Select(each => each.Bytes),
        "response" => MessageCases.Responses.Select(each => each.Bytes),
        "chunks" => MessageCases.Chunks.Select(each => each.Bytes),
        "trailers" => MessageCases.Chunks.Select(each => Trailers(each.Bytes)).Where(bytes => bytes.Length > 0),
        _ => s_paths.Select(Encoding.Latin1.GetBytes),
    };

    /// <summary>What stands behind the last chunk, if there is one.</summary>
    private static byte[] Trailers(byte[] body)
    {
        var decoder = new ChunkedDecoder();
        int at = 0;
        while (at < body.Length)
        {
            ChunkStep step = decoder.Read(body.AsSpan(at), out int consumed, out _);
            at += consumed;
            switch (step)
            {
                case ChunkStep.LastChunk:
                    return body[at..];
                case ChunkStep.Broken:
                    return [];
            }
        }
        return [];
    }
}
