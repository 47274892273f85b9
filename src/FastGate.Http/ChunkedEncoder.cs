using System.Buffers.Text;

namespace FastGate.Http;

/// <summary>Writes the chunked coding (RFC 9112 section 7.1).</summary>
public static class ChunkedEncoder
{
    /// <summary>Sixteen digits and CRLF.</summary>
    public const int SizeLineBytesMax = 18;

    /// <summary>The last chunk's line; the trailer section with its empty line follows.</summary>
    public static ReadOnlySpan<byte> LastChunk => "0\r\n"u8;

    /// <returns>Bytes written.</returns>
    public static int WriteSizeLine(Span<byte> target, long size)
    {
        Utf8Formatter.TryFormat(size, target, out int written, 'x');
        target[written] = (byte)'\r';
        target[written + 1] = (byte)'\n';
        return written + 2;
    }
}
