using System.Buffers;

namespace FastGate.Gateway.Config;

/// <summary>Which header fields a configuration may write, and with what values.</summary>
internal static class FieldRules
{
    /// <summary>RFC 9110 section 5.6.2.</summary>
    private static readonly SearchValues<char> TokenChars = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Fields that say where a message ends or that concern one connection only (RFC 9110 section 7.6.1): the
    /// gate writes them itself, and two of them that disagree are how requests are smuggled.</summary>
    private static readonly HashSet<string> Refused = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE", "Trailer", "Upgrade",
        "Content-Length", "Proxy-Authenticate", "Proxy-Authorization", "HTTP2-Settings", "Expect",
    };

    /// <summary>Whether <paramref name="name"/> may be written; if not, what is wrong with it.</summary>
    public static bool IsName(string name, out string error, out string? hint)
    {
        (error, hint) = ("", null);
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(TokenChars))
            (error, hint) = ($"'{name}' is no header name", "letters, digits and !#$%&'*+-.^_`|~");
        else if (Refused.Contains(name))
            (error, hint) = ($"'{name}' may not be changed",
                "FastGate writes the fields of framing and of the connection itself");
        else if (name.Equals("Host", StringComparison.OrdinalIgnoreCase))
            (error, hint) = ("'Host' is no header to change", "write host = \"client\", \"upstream\" or a name");
        return error.Length == 0;
    }

    /// <summary>Values are visible ASCII with spaces and tabs between (RFC 9110 section 5.5, without obs-text). A line
    /// break would be the start of a field of somebody else's choice.</summary>
    public static bool IsValue(string value, out string error, out string? hint)
    {
        (error, hint) = ("", null);
        if (value.AsSpan().ContainsAny("\r\n\0"))
            (error, hint) = ("a header value holds no line break and no NUL", "write it in one line");
        else if (value.Any(c => c is (< ' ' and not '\t') or > '~'))
            (error, hint) = ("a header value is visible ASCII", null);
        else if (value.Length > 0 && (value[0] is ' ' or '\t' || value[^1] is ' ' or '\t'))
            (error, hint) = ("a header value neither begins nor ends with a space", null);
        return error.Length == 0;
    }
}
