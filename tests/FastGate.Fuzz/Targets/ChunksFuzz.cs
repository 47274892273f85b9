using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.Fuzz.Targets;

/// <summary>A chunked body with its trailers: decoded as its obvious twin decodes it, the same whole and in pieces, and
/// what is encoded of it again is the same body.</summary>
internal static class ChunksFuzz
{
    public static void Run(byte[] bytes)
    {
        ChunkedBytes whole = ChunkedBytes.Decode(bytes, int.MaxValue);
        if (bytes.Length <= ChunkedDecoder.ExtensionBytesTotalMax)
        {
            // The twin knows no bound for the extensions of a whole body.
            Demand.Same(PlainChunks.Read(Plain.Text(bytes))?.Data,
                whole.Status == ParseStatus.Complete ? whole.Data : null, "the twin");
        }
        foreach (Pieces pieces in Pieces.Of(bytes))
        {
            // The last way to cut has no steps; its first piece serves as one.
            ChunkedBytes other = ChunkedBytes.Decode(bytes, pieces.Step == int.MaxValue ? pieces.First : pieces.Step);
            // The bound of what is not whole yet is that of the trailers, which begin where decoding stopped.
            bool isWaiting = other.Status == ParseStatus.Incomplete;
            Pieces.Agree(whole.Status, other.Status, isWaiting ? bytes[other.Consumed..] : bytes);
            Demand.Same(whole.Data, other.Data, "the data");
            if (whole.Status == ParseStatus.Complete)
            {
                Demand.Same(whole.Consumed, other.Consumed, "the bytes that are done with");
                Demand.That(whole.Trailers.SequenceEqual(other.Trailers), "other trailers");
            }
        }
        if (whole.Status == ParseStatus.Complete)
        {
            Demand.Same(ParseStatus.Incomplete, ChunkedBytes.Decode(bytes[..(whole.Consumed - 1)], int.MaxValue).Status,
                "a body without its last byte");
            GoesOnUnchanged(bytes, whole);
        }
    }

    private static void GoesOnUnchanged(byte[] bytes, ChunkedBytes whole)
    {
        foreach (int step in (int[])[1, 7, int.MaxValue])
        {
            byte[] encoded = Encode(bytes.AsSpan(0, whole.Consumed), step);
            ChunkedBytes again = ChunkedBytes.Decode(encoded, int.MaxValue);
            Demand.Same((ParseStatus.Complete, encoded.Length, whole.Data),
                (again.Status, again.Consumed, again.Data), "the body encoded again");
            Demand.That(whole.Trailers.SequenceEqual(again.Trailers), "other trailers when encoded again");
        }
    }

    /// <summary>As the gateway passes a body on: each piece of data is a chunk, and the trailers go on that
    /// may.</summary>
    private static byte[] Encode(ReadOnlySpan<byte> body, int step)
    {
        var encoded = new List<byte>();
        var decoder = new ChunkedDecoder();
        Span<byte> line = stackalloc byte[ChunkedEncoder.SizeLineBytesMax];
        ChunkStep found;
        do
        {
            ReadOnlySpan<byte> piece = body[..Math.Min(step, body.Length)];
            found = decoder.Read(piece, out int consumed, out Slice data);
            body = body[consumed..];
            if (!data.IsEmpty)
            {
                encoded.AddRange(line[..ChunkedEncoder.WriteSizeLine(line, data.Length)]);
                encoded.AddRange(data.Of(piece));
                encoded.AddRange("\r\n"u8);
            }
        }
        while (found != ChunkStep.LastChunk);
        encoded.AddRange(ChunkedEncoder.LastChunk);
        var trailers = new HeaderTable();
        int scanned = 0;
        Demand.Same(ParseStatus.Complete, TrailerParser.Parse(body, MessageCases.Limits, trailers, ref scanned, out _),
            "the trailers");
        encoded.AddRange(TrailersFuzz.Forward(body, trailers));
        return [.. encoded];
    }
}
