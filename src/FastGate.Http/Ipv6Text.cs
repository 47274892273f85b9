using System.Text;

namespace FastGate.Http;

/// <summary>The one spelling of an IPv6 address (RFC 5952 section 4), letters of either case; of one that stands for an
/// IPv4 address (<c>::ffff:c000:201</c>, as browsers write it) also that of section 5 (<c>::ffff:192.0.2.1</c>). Looked
/// at as it stands: an <see cref="System.Net.IPAddress"/> would be allocated.</summary>
internal static class Ipv6Text
{
    private const int Groups = 8;

    /// <param name="text">A valid address, without brackets and zone.</param>
    public static bool IsCanonical(ReadOnlySpan<byte> text)
    {
        foreach (Range range in text.SplitAny(":."u8))
        {
            if (text[range] is [(byte)'0', _, ..])
            {
                return false;
            }
        }
        return text.Contains((byte)'.')
            ? Ascii.EqualsIgnoreCase(text[..(text.LastIndexOf((byte)':') + 1)], "::ffff:"u8)
            : IsShortest(text);
    }

    /// <summary>The first of the longest runs of zeros is left out, if it has two groups at least.</summary>
    private static bool IsShortest(ReadOnlySpan<byte> text)
    {
        int at = text.IndexOf("::"u8);
        if (at < 0)
        {
            return LongestZeros(text) < 2;
        }
        ReadOnlySpan<byte> front = text[..at];
        ReadOnlySpan<byte> back = text[(at + 2)..];
        int left = Groups - CountOf(front) - CountOf(back);
        bool isWholeRun = !front.SequenceEqual("0"u8) && !front.EndsWith(":0"u8) && !back.StartsWith("0"u8);
        return left >= 2 && isWholeRun && LongestZeros(front) < left && LongestZeros(back) <= left;
    }

    private static int CountOf(ReadOnlySpan<byte> groups) => groups.IsEmpty ? 0 : groups.Count((byte)':') + 1;

    private static int LongestZeros(ReadOnlySpan<byte> groups)
    {
        int longest = 0;
        int length = 0;
        foreach (Range range in groups.Split((byte)':'))
        {
            length = groups[range] is [(byte)'0'] ? length + 1 : 0;
            longest = Math.Max(longest, length);
        }
        return longest;
    }
}
