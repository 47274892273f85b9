using System.Buffers.Text;
using System.Net;
using System.Text;

namespace FastGate.Http;

/// <summary>The one spelling of an IPv6 address (RFC 5952), which is how .NET writes it. Allocates nothing, as parsing
/// into an <see cref="IPAddress"/> would.</summary>
internal static class Ipv6Text
{
    private const int Groups = 8;
    /// <summary>Six groups and an IPv4 address.</summary>
    private const int TextBytesMax = 45;

    /// <summary>Whether an address is written so, letters of either case.</summary>
    /// <param name="text">A valid address, without brackets and zone.</param>
    public static bool IsCanonical(ReadOnlySpan<byte> text)
    {
        Span<ushort> groups = stackalloc ushort[Groups];
        Span<byte> room = stackalloc byte[TextBytesMax];
        return TryRead(text, groups) && Ascii.EqualsIgnoreCase(text, room[..Write(groups, room)]);
    }

    /// <summary>Lenient: what it misreads is written otherwise.</summary>
    private static bool TryRead(ReadOnlySpan<byte> text, Span<ushort> groups)
    {
        groups.Clear();
        int count = 0;
        int gap = -1;
        while (!text.IsEmpty)
        {
            if (text.StartsWith("::"u8))
            {
                gap = count;
                text = text[2..];
                continue;
            }
            text = text[0] == (byte)':' ? text[1..] : text;
            int end = text.IndexOf((byte)':');
            ReadOnlySpan<byte> group = end < 0 ? text : text[..end];
            bool isV4 = group.Contains((byte)'.');
            if (count + (isV4 ? 2 : 1) > Groups || !(isV4 ? TryReadV4(group, groups[count..])
                : Utf8Parser.TryParse(group, out groups[count], out _, 'x')))
            {
                return false;
            }
            count += isV4 ? 2 : 1;
            text = text[group.Length..];
        }
        if (gap >= 0)
        {
            int behind = count - gap;
            groups[gap..count].CopyTo(groups[(Groups - behind)..]);
            groups[gap..(Groups - behind)].Clear();
        }
        return true;
    }

    private static bool TryReadV4(ReadOnlySpan<byte> text, Span<ushort> groups)
    {
        for (int i = 0; i < 4; i++)
        {
            if (!Utf8Parser.TryParse(text, out byte part, out int used))
            {
                return false;
            }
            groups[i / 2] = (ushort)((groups[i / 2] << 8) | part);
            text = text[Math.Min(used + 1, text.Length)..];
        }
        return true;
    }

    private static int Write(ReadOnlySpan<ushort> groups, Span<byte> room)
    {
        bool endsInV4 = EndsInV4(groups);
        int sections = endsInV4 ? 6 : Groups;
        (int start, int length) = LongestZeros(groups[..sections]);
        int at = 0;
        for (int i = 0; i < sections; i++)
        {
            if (i == start)
            {
                "::"u8.CopyTo(room[at..]);
                at += 2;
                i += length - 1;
                continue;
            }
            Separate(room, ref at);
            Utf8Formatter.TryFormat(groups[i], room[at..], out int written, 'x');
            at += written;
        }
        if (endsInV4)
        {
            Separate(room, ref at);
            for (int i = 0; i < 4; i++)
            {
                int part = (i & 1) == 0 ? groups[6 + (i / 2)] >> 8 : groups[6 + (i / 2)] & 0xFF;
                Utf8Formatter.TryFormat((byte)part, room[at..], out int written);
                at += written;
                room[at] = (byte)'.';
                at += i < 3 ? 1 : 0;
            }
        }
        return at;
    }

    private static void Separate(Span<byte> room, ref int at)
    {
        if (at > 0 && room[at - 1] != (byte)':')
        {
            room[at++] = (byte)':';
        }
    }

    /// <summary>Section 5: addresses that hold one of IPv4 by their prefix (compatible, mapped, translated, ISATAP) are
    /// written with it.</summary>
    private static bool EndsInV4(ReadOnlySpan<ushort> groups) => (groups[4], groups[5]) switch
    {
        (0, 0x5EFE) => true,
        (0, 0 or 0xFFFF) or (0xFFFF, 0) => groups[6] != 0 && !groups[..4].ContainsAnyExcept((ushort)0),
        _ => false,
    };

    /// <summary>The first of the longest runs, of two groups at least; -1 and 0 for none.</summary>
    private static (int Start, int Length) LongestZeros(ReadOnlySpan<ushort> groups)
    {
        (int Start, int Length) longest = (-1, 0);
        int length = 0;
        for (int i = 0; i < groups.Length; i++)
        {
            length = groups[i] == 0 ? length + 1 : 0;
            if (length > Math.Max(longest.Length, 1))
            {
                longest = (i - length + 1, length);
            }
        }
        return longest;
    }
}
