using System.Globalization;
using System.Net;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FastGate.Http;

/// <summary>uri-host [":" port], not empty (RFC 9110 section 7.2). A name has no empty label but behind a last dot and
/// no escape of what needs none, an IPv6 address is spelt as in RFC 5952: others could take it for another host than
/// the one that was routed.</summary>
internal static class Authority
{
    private enum NamePart : byte
    {
        None = 0,
        Plain,
        Dot,
        Escape,
        Port,
    }

    private static readonly NamePart[] s_nameParts =
    [
        .. Enumerable.Range(0, 256).Select(static b => b switch
        {
            '.' => NamePart.Dot,
            '%' => NamePart.Escape,
            ':' => NamePart.Port,
            _ => Syntax.HostName.Contains((byte)b) ? NamePart.Plain : NamePart.None,
        })
    ];

    /// <param name="data">What it stands in: a vector is loaded from around it, never beyond this.</param>
    /// <param name="where">Its place in there.</param>
    public static bool IsValid(ReadOnlySpan<byte> data, Slice where)
    {
        ReadOnlySpan<byte> text = where.Of(data);
        if (!text.IsEmpty && text[0] == (byte)'[')
        {
            return IsIpv6(text);
        }
        int length = PlainNameLength(data, where);
        length = length > 0 ? length : NameLength(text);
        return length > 0 && (length == text.Length || IsPort(text[(length + 1)..]));
    }

    private static bool IsIpv6(ReadOnlySpan<byte> text)
    {
        int close = text.IndexOf((byte)']');
        if (close < 3 || text[1..close].ContainsAnyExcept(Syntax.Ipv6) || !text[1..close].Contains((byte)':')
            || !IPAddress.IsValidUtf8(text[1..close]) || !Ipv6Text.IsCanonical(text[1..close]))
        {
            return false;
        }
        ReadOnlySpan<byte> port = text[(close + 1)..];
        return port.IsEmpty || (port[0] == (byte)':' && IsPort(port[1..]));
    }

    /// <summary>Bytes of the name up to the colon or the end, at one look: that of up to 32 bytes, letters, digits, '-'
    /// and dots, which nearly every request has. 0 where that does not hold, and <see cref="NameLength"/> decides.
    /// </summary>
    private static int PlainNameLength(ReadOnlySpan<byte> data, Slice where)
    {
        // A vector that ends with the host, for there is more in front of one than behind; or from the very start.
        int start = Math.Max(where.End - Vector256<byte>.Count, 0);
        if (!Vector256.IsHardwareAccelerated || where.Length is 0 or > 32
            || data.Length - start < Vector256<byte>.Count)
        {
            return 0;
        }
        Vector256<byte> bytes = Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(data), (nuint)start);
        // An unsigned byte is in a range of n when, less its first, it is the smaller of itself and n - 1.
        Vector256<byte> letter = (bytes | Vector256.Create((byte)0x20)) - Vector256.Create((byte)'a');
        Vector256<byte> isLetter = Vector256.Equals(Vector256.Min(letter, Vector256.Create((byte)25)), letter);
        Vector256<byte> other = bytes - Vector256.Create((byte)'-');
        // '-', '.', '/', digits and ':' follow each other.
        Vector256<byte> isOther = Vector256.Equals(Vector256.Min(other, Vector256.Create((byte)(':' - '-'))), other);
        Vector256<byte> isSlash = Vector256.Equals(bytes, Vector256.Create((byte)'/'));
        int shift = where.Offset - start;
        uint whole = uint.MaxValue >> (32 - where.Length);
        uint known = Vector256.AndNot(isLetter | isOther, isSlash).ExtractMostSignificantBits() >> shift;
        if ((known & whole) != whole)
        {
            return 0;
        }
        uint colons = Vector256.Equals(bytes, Vector256.Create((byte)':')).ExtractMostSignificantBits() >> shift;
        uint dots = Vector256.Equals(bytes, Vector256.Create((byte)'.')).ExtractMostSignificantBits() >> shift;
        int length = Math.Min(BitOperations.TrailingZeroCount(colons), where.Length);
        // A dot in front, or behind another one, ends an empty label.
        uint empty = dots & ((dots << 1) | 1) & (uint)((1UL << length) - 1);
        return empty == 0 ? length : 0;
    }

    /// <summary>Bytes of the name up to the colon or the end; 0 where it is none.</summary>
    private static int NameLength(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<NamePart> parts = s_nameParts;
        bool hasEscapes = false;
        int length = 0;
        for (; length < text.Length; length++)
        {
            NamePart part = parts[text[length]];
            if (part == NamePart.Plain)
            {
                continue;
            }
            if (part == NamePart.Port)
            {
                break;
            }
            if (part == NamePart.None || (part == NamePart.Dot && (length == 0 || text[length - 1] == (byte)'.')))
            {
                return 0;
            }
            hasEscapes |= part == NamePart.Escape;
        }
        return hasEscapes && !HasNeededEscapes(text[..length]) ? 0 : length;
    }

    /// <summary>All whole, none of an unreserved byte (RFC 3986 section 6.2.2.2) or a control.</summary>
    private static bool HasNeededEscapes(ReadOnlySpan<byte> text)
    {
        for (int at = text.IndexOf((byte)'%'); at >= 0; at = text.IndexOf((byte)'%'))
        {
            if (text.Length - at < 3 || !byte.TryParse(text.Slice(at + 1, 2), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out byte escaped))
            {
                return false;
            }
            if (escaped is < 0x20 or 0x7F or (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~'
                || char.IsAsciiLetterOrDigit((char)escaped))
            {
                return false;
            }
            text = text[(at + 3)..];
        }
        return true;
    }

    private static bool IsPort(ReadOnlySpan<byte> text)
    {
        int port = 0;
        foreach (byte one in text)
        {
            uint digit = (uint)(one - '0');
            if (digit > 9)
            {
                return false;
            }
            port = (port * 10) + (int)digit;
        }
        return text.Length <= 5 && port <= 65535;
    }
}
