using System.Text;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>A chunked body decoded from pieces, as a connection brings them.</summary>
/// <param name="Status">Complete, Incomplete, or the rule that is broken.</param>
/// <param name="Data">What was decoded by then.</param>
/// <param name="Trailers">Names of the trailers that go on.</param>
/// <param name="Consumed">Bytes of the body when complete.</param>
internal sealed record ChunkedBytes(ParseStatus Status, string Data, IReadOnlyList<string> Trailers, int Consumed)
{
    public static ChunkedBytes Decode(byte[] bytes, int step)
    {
        var decoder = new ChunkedDecoder();
        var data = new StringBuilder();
        int at = 0;
        int end = 0;
        while (true)
        {
            if (at == end)
            {
                if (end == bytes.Length)
                {
                    return new ChunkedBytes(ParseStatus.Incomplete, data.ToString(), [], at);
                }
                end = (int)Math.Min((long)end + step, bytes.Length);
            }
            ReadOnlySpan<byte> piece = bytes.AsSpan(at, end - at);
            ChunkStep read = decoder.Read(piece, out int consumed, out Slice found);
            data.Append(Encoding.Latin1.GetString(found.Of(piece)));
            at += consumed;
            if (read == ChunkStep.Broken)
            {
                return new ChunkedBytes(decoder.Error, data.ToString(), [], at);
            }
            if (read == ChunkStep.LastChunk)
            {
                break;
            }
        }
        var trailers = new HeaderTable();
        int scanned = 0;
        while (true)
        {
            ReadOnlySpan<byte> section = bytes.AsSpan(at, end - at);
            ParseStatus status = TrailerParser.Parse(section, MessageCases.Limits, trailers, ref scanned, out int used);
            if (status != ParseStatus.Incomplete || end == bytes.Length)
            {
                return new ChunkedBytes(status, data.ToString(), Names(trailers, section), at + used);
            }
            end = (int)Math.Min((long)end + step, bytes.Length);
        }
    }

    private static List<string> Names(HeaderTable trailers, ReadOnlySpan<byte> section)
    {
        var names = new List<string>();
        foreach (ref readonly Header trailer in trailers.Items)
        {
            if ((trailer.Flags & HeaderFlags.HopByHop) == 0)
            {
                names.Add(Encoding.Latin1.GetString(trailer.Name.Of(section)));
            }
        }
        return names;
    }
}
