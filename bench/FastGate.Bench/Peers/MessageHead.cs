using System.Buffers.Text;
using System.Text;

namespace FastGate.Bench.Peers;

/// <summary>The little that load and upstream want to know of a head. Theirs alone, so that a mistake in the gate's own
/// parser cannot hide itself.</summary>
internal static class MessageHead
{
    /// <summary>The value of Content-Length, in whatever case its name is written; -1 without one.</summary>
    /// <param name="head">Without its empty line.</param>
    public static long ContentLength(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> name = "content-length:"u8;
        while (true)
        {
            int line = head.IndexOf((byte)'\n');
            if (line < 0)
            {
                return -1;
            }
            head = head[(line + 1)..];
            if (head.Length > name.Length && (head[0] | 0x20) == 'c'
                && Ascii.EqualsIgnoreCase(head[..name.Length], name))
            {
                return Utf8Parser.TryParse(head[name.Length..].TrimStart((byte)' '), out long length, out _)
                    ? length
                    : -1;
            }
        }
    }

    /// <summary>The status of an answer; -1 when it is none of HTTP/1.</summary>
    public static int Status(ReadOnlySpan<byte> head) =>
        head.StartsWith("HTTP/1."u8) && Utf8Parser.TryParse(head[9..], out int status, out int digits) && digits == 3
            ? status
            : -1;
}
