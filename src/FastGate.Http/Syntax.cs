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
        int colon = text.IndexOf((byte)':');
        ReadOnlySpan<byte> host = colon < 0 ? text : text[..colon];
        return !host.IsEmpty && !host.ContainsAnyExcept(HostName) && (colon < 0 || IsPort(text[(colon + 1)..]))
            && host[0] != (byte)'.' && host.IndexOf(".."u8) < 0
            && (!host.Contains((byte)'%') || HasNeededEscapes(host));
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
        if (text.Length > 5 || text.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return false;
        }
        int port = 0;
        foreach (byte digit in text)
        {
            port = (port * 10) + digit - '0';
        }
        return port <= 65535;
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
