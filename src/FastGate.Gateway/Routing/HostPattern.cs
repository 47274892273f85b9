using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Unicode;

namespace FastGate.Gateway.Routing;

/// <summary>The host of a pattern: one name or address, or every name below a suffix. <c>*.example.com</c> takes
/// <c>a.example.com</c> and <c>a.b.example.com</c>, never <c>example.com</c> itself. Compared without regard to case; a
/// request's port and trailing dot do not count.</summary>
internal sealed class HostPattern
{
    private HostPattern(string text, bool isWildcard, byte[] key)
    {
        Text = text;
        IsWildcard = isWildcard;
        Key = key;
    }

    public string Text { get; }
    public bool IsWildcard { get; }
    /// <summary>Lower case; of a wildcard the suffix with its first dot.</summary>
    public byte[] Key { get; }

    /// <summary>Room for a name that <see cref="NameOf"/> writes anew: <c>[::ffff:c000:201]</c> with all its
    /// digits.</summary>
    public const int WrittenBytesMax = 18;

    /// <summary>The name in an authority: without port and one trailing dot, and an IPv6 address in the one of its
    /// spellings that is compared. Anything may be shown; what is no name matches no pattern.</summary>
    /// <param name="authority">As the client sent it.</param>
    /// <param name="room">Of <see cref="WrittenBytesMax"/>, for a name that does not stand there so.</param>
    public static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> authority, Span<byte> room)
    {
        if (authority.IsEmpty)
        {
            return authority;
        }
        if (authority[0] == (byte)'[')
        {
            int close = authority.IndexOf((byte)']');
            ReadOnlySpan<byte> address = close < 0 ? authority : authority[..(close + 1)];
            return address.Contains((byte)'.') && TryWriteMapped(address, room, out int written)
                ? room[..written]
                : address;
        }
        int colon = authority.IndexOf((byte)':');
        ReadOnlySpan<byte> name = colon < 0 ? authority : authority[..colon];
        return name.Length > 1 && name[^1] == (byte)'.' ? name[..^1] : name;
    }

    /// <summary>Parses the host part of a pattern; null and a problem when it is none. The offset is where the text
    /// stands in the whole pattern.</summary>
    public static HostPattern? Parse(string text, int offset, List<RoutingProblem> problems)
    {
        string? wrong = null;
        string? hint = null;
        HostPattern? host = text[0] == '['
            ? ParseV6(text, ref wrong, ref hint)
            : ParseName(text, ref wrong, ref hint);
        if (host is null)
        {
            problems.Add(new RoutingProblem(offset, text.Length, wrong!, hint));
        }
        return host;
    }

    private static HostPattern? ParseV6(string text, ref string? wrong, ref string? hint)
    {
        int close = text.IndexOf(']', StringComparison.Ordinal);
        if (close > 0 && close < text.Length - 1)
        {
            wrong = $"'{text}': a pattern's host has no port";
            hint = "a request's port is ignored; bind decides where to listen";
            return null;
        }
        if (close < 0 || text.Contains('%', StringComparison.Ordinal)
            || !IPAddress.TryParse(text.AsSpan(1, close - 1), out IPAddress? address)
            || address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            wrong = $"'{text}' is not an IPv6 address in brackets";
            hint = "write it as in [2001:db8::1]";
            return null;
        }
        return new HostPattern(text, false, Encoding.ASCII.GetBytes($"[{Hexadecimal(address)}]"));
    }

    /// <summary>As section 4 of RFC 5952 wants it, and browsers send it. .NET writes some addresses with one of IPv4 at
    /// their end.</summary>
    private static string Hexadecimal(IPAddress address)
    {
        byte[] bytes = address.GetAddressBytes();
        string text = string.Concat(
            Enumerable.Range(0, 8).Select(i => $":{(bytes[2 * i] << 8) | bytes[(2 * i) + 1]:x}")) + ":";
        for (int count = 8; count > 1; count--)
        {
            string zeros = string.Concat(Enumerable.Repeat(":0", count)) + ":";
            int at = text.IndexOf(zeros, StringComparison.Ordinal);
            if (at >= 0)
            {
                text = $"{text[..at]}::{text[(at + zeros.Length)..]}";
                break;
            }
        }
        // The colons around it are not its own, but for a gap's.
        int start = text.StartsWith("::", StringComparison.Ordinal) ? 0 : 1;
        int end = text.EndsWith("::", StringComparison.Ordinal) ? 0 : 1;
        return text[start..^end];
    }

    /// <summary>The one address that has a second spelling, <c>[::ffff:192.0.2.1]</c>, as hexadecimal.</summary>
    private static bool TryWriteMapped(ReadOnlySpan<byte> address, Span<byte> room, out int written)
    {
        const int Prefix = 8;
        written = 0;
        if (!Ascii.EqualsIgnoreCase(address[..Math.Min(Prefix, address.Length)], "[::ffff:"u8))
        {
            return false;
        }
        ReadOnlySpan<byte> text = address[Prefix..];
        Span<byte> parts = stackalloc byte[4];
        foreach (ref byte part in parts)
        {
            if (!Utf8Parser.TryParse(text, out part, out int used) || used == text.Length)
            {
                return false;
            }
            text = text[(used + 1)..];
        }
        return Utf8.TryWrite(room, CultureInfo.InvariantCulture,
            $"[::ffff:{(parts[0] << 8) | parts[1]:x}:{(parts[2] << 8) | parts[3]:x}]", out written);
    }

    private static HostPattern? ParseName(string text, ref string? wrong, ref string? hint)
    {
        bool wildcard = text.StartsWith("*.", StringComparison.Ordinal);
        string name = wildcard ? text[2..] : text;
        if (text == "*")
        {
            wrong = "'*' is not a host";
            hint = "leave the host out to match every host";
        }
        else if (name.Contains('*', StringComparison.Ordinal))
        {
            wrong = $"'{text}': '*' stands only for everything before the first dot";
            hint = "write *.example.com";
        }
        else if (name.Contains(':', StringComparison.Ordinal))
        {
            wrong = $"'{text}': a pattern's host has no port";
            hint = "a request's port is ignored; an IPv6 address stands in brackets";
        }
        else if (name.EndsWith('.'))
        {
            wrong = $"'{text}' ends in a dot";
            hint = "leave the dot out; a request's trailing dot is ignored";
        }
        else if (!Ascii.IsValid(name))
        {
            wrong = $"'{text}' has letters beyond ASCII";
            hint = "write the name as clients send it, in its xn-- form";
        }
        else if (name.Length is 0 or > RoutingLimits.HostBytesMax)
        {
            wrong = $"'{text}' is not a host name of 1 to {RoutingLimits.HostBytesMax} characters";
        }
        else if (!AreLabels(name))
        {
            wrong = $"'{text}' is not a host name";
            hint = "labels of 1 to 63 letters, digits, '-' or '_', separated by single dots";
        }
        else if (EndsInNumber(name) && (wildcard || !IsV4(name)))
        {
            wrong = wildcard ? $"'{text}': an address has no subdomains" : $"'{text}' is not an IPv4 address";
            hint = "four numbers from 0 to 255";
        }
        if (wrong is not null)
        {
            return null;
        }
        return new HostPattern(text, wildcard, Encoding.ASCII.GetBytes(wildcard ? "." + Lower(name) : Lower(name)));
    }

    private static string Lower(string name) =>
        string.Create(name.Length, name, static (chars, from) => Ascii.ToLower(from, chars, out _));

    private static bool AreLabels(string name)
    {
        foreach (string label in name.Split('.'))
        {
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }
            foreach (char c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
                {
                    return false;
                }
            }
        }
        return true;
    }

    // A name whose last label is a number can only be meant as an address (WHATWG URL, "ends in a number").
    private static bool EndsInNumber(string name) =>
        !name.AsSpan(name.LastIndexOf('.') + 1).ContainsAnyExceptInRange('0', '9');

    private static bool IsV4(string name)
    {
        string[] parts = name.Split('.');
        return parts.Length == 4
            && Array.TrueForAll(parts, static p => byte.TryParse(p, out byte b) && b.ToString() == p);
    }
}
