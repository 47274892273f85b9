using System.Buffers;
using System.Globalization;
using System.Net;

namespace FastGate.Http;

/// <summary>The character classes of the grammar (RFC 9110 section 5.6, RFC 3986).</summary>
internal static class Syntax
{
    private const string TokenChars =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public static readonly SearchValues<byte> Token =
        SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(TokenChars));

    /// <summary>Every byte that may not stand in a line: controls but HTAB, and DEL. CR and LF are among
    /// them.</summary>
    public static readonly SearchValues<byte> Control = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Where(static b => b != '\t').Select(static b => (byte)b), 0x7F]);

    /// <summary>What may stand in a request target: visible ASCII but <c>#</c>, <c>"</c>, <c>&lt;</c>, <c>&gt;</c>,
    /// <c>\</c>, <c>^</c>, <c>`</c>, <c>{</c>, <c>|</c>, <c>}</c>; those of the last group that clients send raw all
    /// the same (<c>"&lt;&gt;^`{|}</c>) are let through, for they have one reading only.</summary>
    public static readonly SearchValues<byte> Target = SearchValues.Create(
        [.. Enumerable.Range(0x21, 0x7E - 0x20).Where(static b => b is not ('#' or '\\')).Select(static b => (byte)b)]);

    /// <summary>reg-name and port, without brackets; not the comma, which would make two hosts of it.</summary>
    public static readonly SearchValues<byte> HostName = SearchValues.Create(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~!$&'()*+;=%"u8);

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
            _ => HostName.Contains((byte)b) ? NamePart.Plain : NamePart.None,
        })
    ];

    public static readonly SearchValues<byte> Ipv6 = SearchValues.Create("0123456789ABCDEFabcdef:."u8);

    public static bool IsToken(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(Token);

    /// <summary>uri-host [":" port], not empty (RFC 9110 section 7.2). A name has no empty label but behind a last dot
    /// and no escape of what needs none, an IPv6 address is spelt as in RFC 5952: others could take it for another host
    /// than the one that was routed.</summary>
    public static bool IsAuthority(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> port;
        if (!text.IsEmpty && text[0] == (byte)'[')
        {
            int close = text.IndexOf((byte)']');
            if (close < 3 || text[1..close].ContainsAnyExcept(Ipv6) || !text[1..close].Contains((byte)':')
                || !IPAddress.IsValidUtf8(text[1..close]) || !Ipv6Text.IsCanonical(text[1..close]))
            {
                return false;
            }
            port = text[(close + 1)..];
            return port.IsEmpty || (port[0] == (byte)':' && IsPort(port[1..]));
        }
        int length = NameLength(text);
        return length > 0 && (length == text.Length || IsPort(text[(length + 1)..]));
    }

    /// <summary>Bytes of the name up to the colon or the end; 0 where it is none. One pass with a table: nearly every
    /// request has a name of ten to twenty bytes to be looked at, for which a vector's set-up costs more than it
    /// spares.</summary>
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

    /// <summary>The list element at the start of <paramref name="list"/>, trimmed; the list moves on behind
    /// it.</summary>
    public static ReadOnlySpan<byte> NextElement(ref ReadOnlySpan<byte> list)
    {
        int comma = list.IndexOf((byte)',');
        ReadOnlySpan<byte> element = comma < 0 ? list : list[..comma];
        list = comma < 0 ? default : list[(comma + 1)..];
        return element.Trim(" \t"u8);
    }
}
