using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastGate.Gateway;

/// <summary>The grammar that addresses to bind and addresses to connect to share.</summary>
internal static class AddressText
{
    /// <summary>The room for a path in sockaddr_un (108 bytes), less the final NUL.</summary>
    private const int UnixPathBytesMax = 107;

    /// <summary>Splits "host:port", ":port" and "[v6]:port"; the host comes without brackets and may be
    /// empty.</summary>
    public static bool TrySplit(string text, out string host, out int port, out string error, out string? hint)
    {
        (host, port, error, hint) = ("", 0, "", null);
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0)
        {
            var rest = text[(scheme + 3)..].TrimEnd('/');
            var address = rest.Contains(':', StringComparison.Ordinal) ? rest : rest + ":80";
            (error, hint) = ("an address has no scheme", $"write \"{address}\"");
            return false;
        }
        var colon = text.LastIndexOf(':');
        if (text.StartsWith('['))
        {
            var close = text.IndexOf(']', StringComparison.Ordinal);
            if (close < 0)
            {
                (error, hint) = ("the '[' is not closed", "write \"[::1]:8080\"");
                return false;
            }
            if (close + 1 >= text.Length || text[close + 1] != ':')
                return NoPort(text, out error, out hint);
            colon = close + 1;
            host = text[1..close];
            if (!IsIpv6(host))
            {
                (error, hint) = ("'" + host + "' is no IPv6 address", "only IPv6 addresses stand in brackets");
                return false;
            }
        }
        else if (colon < 0)
        {
            return NoPort(text, out error, out hint);
        }
        else
        {
            host = text[..colon];
            if (host.Contains(':', StringComparison.Ordinal))
            {
                (error, hint) = ("an IPv6 address needs brackets", "write \"[::1]:8080\"");
                return false;
            }
        }
        var digits = text[(colon + 1)..];
        if (digits.Length is 0 or > 5
            || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out port) || port > 65535)
        {
            (error, hint) = ("'" + digits + "' is no port", "ports are 1 to 65535");
            return false;
        }
        return true;
    }

    /// <summary>The absolute path of "unix:/path".</summary>
    public static bool TryUnixPath(string text, out string path, out string error, out string? hint)
    {
        path = text["unix:".Length..];
        (error, hint) = ("", null);
        if (!path.StartsWith('/'))
            (error, hint) = ("a socket's path is absolute", "write \"unix:/run/fastgate.sock\"");
        else if (path.Contains('\0', StringComparison.Ordinal))
            (error, hint) = ("a path holds no NUL", null);
        else if (Encoding.UTF8.GetByteCount(path) > UnixPathBytesMax)
            (error, hint) = ("the socket's path is too long", "at most 107 bytes");
        return error.Length == 0;
    }

    /// <summary>Strict: what .NET also takes for an address ("1", "0x7f.1", "127.1") is a name or a mistake
    /// here.</summary>
    public static bool TryIp(string host, out IPAddress address)
    {
        address = IPAddress.None;
        if (!IPAddress.TryParse(host, out var ip))
            return false;
        address = ip;
        return ip.AddressFamily == AddressFamily.InterNetworkV6 || ip.ToString() == host;
    }

    /// <summary>A DNS name (RFC 1123, and '_' because container names have it): labels of 1 to 63, 253 in all. A name
    /// of digits and dots only is a mistyped IPv4 address.</summary>
    public static bool IsHostName(string host)
    {
        if (host.EndsWith('.'))
            host = host[..^1];
        if (host.Length is 0 or > 253)
            return false;
        var labels = host.Split('.');
        foreach (var label in labels)
        {
            if (label.Length is 0 or > 63 || label[0] == '-' || label[^1] == '-')
                return false;
            foreach (var c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
                    return false;
            }
        }
        return !labels[^1].All(char.IsAsciiDigit);
    }

    /// <summary>A value of Host: a name or an address, IPv6 in brackets, and perhaps a port.</summary>
    public static bool IsAuthority(string text)
    {
        var host = text;
        var colon = text.LastIndexOf(':');
        if (colon > text.LastIndexOf(']'))
        {
            if (!ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                || port == 0)
                return false;
            host = text[..colon];
        }
        if (host.StartsWith('[') && host.EndsWith(']'))
            return !host.Contains('%', StringComparison.Ordinal) && IsIpv6(host[1..^1]);
        return !host.Contains(':', StringComparison.Ordinal) && (TryIp(host, out _) || IsHostName(host));
    }

    private static bool IsIpv6(string text) =>
        !text.StartsWith('[') && IPAddress.TryParse(text, out var ip)
        && ip.AddressFamily == AddressFamily.InterNetworkV6;

    private static bool NoPort(string text, out string error, out string? hint)
    {
        var isPort = text.Length is > 0 and <= 5 && text.All(char.IsAsciiDigit);
        (error, hint) = isPort
            ? ("the address has no host", $"write \"127.0.0.1:{text}\"")
            : ("the address has no port", $"write \"{text}:80\"");
        return false;
    }
}
