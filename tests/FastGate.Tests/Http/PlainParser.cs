using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>The slow, obvious twin of the parsers: the grammar of RFC 9112 as patterns over text. It says of a message
/// whether it is whole and good, and then what it says; not which rule is broken.</summary>
internal sealed partial record PlainParser(
    string Start, string Fields, BodyFraming Framing, long Length, bool KeepAlive, int Bytes)
{
    private static readonly string[] s_singletons =
    [
        "Authorization", "Content-Type", "Content-Range", "Range", "If-Range", "If-Modified-Since",
        "If-Unmodified-Since", "Origin", "Max-Forwards", "Sec-WebSocket-Key",
    ];

    private const string Token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

    /// <summary>Null for what is refused or not whole.</summary>
    public static PlainParser? Request(string text) => Request(text, MessageCases.Limits);

    /// <inheritdoc cref="Request(string)"/>
    public static PlainParser? Request(string text, HeadLimits limits)
    {
        int offset = text.StartsWith("\r\n", StringComparison.Ordinal) ? 2 : 0;
        if (Split(text[offset..], RequestLine(), limits) is not { } head)
        {
            return null;
        }
        string method = head.Start.Groups["method"].Value;
        string target = head.Start.Groups["target"].Value;
        bool old = head.Start.Groups["minor"].Value == "0";
        bool goodTarget = method == "CONNECT" ? IsAuthority(target)
            : target == "*" ? method == "OPTIONS"
            : target[0] == '/' || (Absolute().Match(target) is { Success: true } absolute
                && IsAuthority(absolute.Groups["authority"].Value));
        string[] hosts = head.Values("Host");
        bool goodHost = hosts.Length == 0 ? old : hosts.Length == 1 && IsAuthority(hosts[0]);
        string[] expects = head.Values("Expect");
        bool goodExpect = old || expects.Length == 0 || (expects.Length == 1
            && expects[0].Equals("100-continue", StringComparison.OrdinalIgnoreCase));
        string[] hops = head.Values("Max-Forwards");
        bool goodHops = method is not ("OPTIONS" or "TRACE") || hops.Length == 0 || Digits().IsMatch(hops[0]);
        bool single = s_singletons.All(name => head.Values(name).Length < 2);
        return goodTarget && goodHost && goodExpect && goodHops && single && method.Length <= 64
            && Frame(head, $"{method} {target}", old, offset) is { } framed
            && (method != "TRACE" || framed.Framing == BodyFraming.None) ? framed : null;
    }

    /// <summary>Null for what is refused or not whole.</summary>
    public static PlainParser? Response(string text)
    {
        if (Split(text, StatusLine(), MessageCases.Limits) is not { } head || Frame(head, "", old: false, 0) is null)
        {
            return null;
        }
        bool old = head.Start.Groups["minor"].Value == "0";
        if (Frame(head, head.Start.Groups["status"].Value, old, 0) is not { } framed)
        {
            return null;
        }
        int status = int.Parse(framed.Start, CultureInfo.InvariantCulture);
        bool unframed = head.Values("Content-Length").Length + head.Values("Transfer-Encoding").Length == 0;
        if (status < 200 && framed.Framing != BodyFraming.None)
        {
            return null;
        }
        bool promises = (status is 204 or 205 && framed.Framing != BodyFraming.None) || (status == 205 && unframed);
        BodyFraming framing = status is < 200 or 204 or 205 or 304 ? BodyFraming.None
            : unframed ? BodyFraming.UntilClose
            : framed.Framing;
        bool goesOn = framed.KeepAlive && framing != BodyFraming.UntilClose && !promises;
        return framed with { Framing = framing, KeepAlive = goesOn };
    }

    /// <summary>uri-host [":" port], not empty.</summary>
    public static bool IsAuthority(string text) => Authority().Match(text) is { Success: true } match
        && (match.Groups["six"].Value is not { Length: > 0 } address || (IPAddress.TryParse(address, out IPAddress? six)
            && PlainIpv6.Spellings(six).Contains(address, StringComparer.OrdinalIgnoreCase)))
        && !match.Groups["name"].Value.StartsWith('.') && !match.Groups["name"].Value.Contains("..")
        && Escapes().Matches(match.Groups["name"].Value).All(escape => IsNeeded(escape.Value[1..]))
        && (match.Groups["port"].Value is not { Length: > 0 } port
            || int.Parse(port, CultureInfo.InvariantCulture) <= 65535);

    private static bool IsNeeded(string hex) => Convert.ToChar(Convert.ToInt32(hex, 16)) is var c && !char.IsControl(c)
        ? !char.IsAsciiLetterOrDigit(c) && !"-._~".Contains(c)
        : c > '\x7F';

    private static PlainParser? Frame(Head head, string start, bool old, int offset)
    {
        string[] lengths = head.Values("Content-Length");
        string[] codings = head.Values("Transfer-Encoding");
        long length = 0;
        bool good = lengths.Length + codings.Length <= 1
            && (lengths.Length == 0
                || (Digits().IsMatch(lengths[0])
                    && long.TryParse(lengths[0], CultureInfo.InvariantCulture, out length)))
            && (codings.Length == 0
                || (!old && codings[0].Equals("chunked", StringComparison.OrdinalIgnoreCase)))
            && head.Values("Connection").Sum(value =>
                value.Count(c => c == ',') + (value.Length == 0 || value.EndsWith(',') ? 0 : 1)) <= 64;
        if (!good)
        {
            return null;
        }
        string[] options =
        [
            .. head.Values("Connection").SelectMany(value => value.Split(','))
                .Select(option => option.Trim(' ', '\t').ToUpperInvariant())
        ];
        // Leading zeros of a length do not go on.
        string fields = string.Join('\n', head.Fields.Select(field => lengths.Length == 1
            && field.Name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
            ? $"{field.Name}={length}" : $"{field.Name}={field.Value}"));
        return new PlainParser(start, fields,
            codings.Length == 1 ? BodyFraming.Chunked : length > 0 ? BodyFraming.Length : BodyFraming.None, length,
            !options.Contains("CLOSE") && (!old || options.Contains("KEEP-ALIVE")), offset + head.Bytes);
    }

    private static Head? Split(string text, Regex startLine, HeadLimits limits)
    {
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0 || end + 4 > limits.HeadBytesMax)
        {
            return null;
        }
        string[] lines = text[..end].Split("\r\n");
        Match start = startLine.Match(lines[0]);
        var fields = new List<(string Name, string Value)>();
        foreach (string line in lines[1..])
        {
            Match field = FieldLine().Match(line);
            if (!field.Success || IsDisguised(field.Groups["name"].Value))
            {
                return null;
            }
            fields.Add((field.Groups["name"].Value, field.Groups["value"].Value.Trim(' ', '\t')));
        }
        return start.Success && fields.Count <= limits.HeadersMax
            ? new Head(start, fields, end + 4)
            : null;
    }

    /// <summary>Framing or Host but for signs; an underscore for the dash is another matter.</summary>
    public static bool IsDisguised(string name) => ((string[])["host", "content-length", "transfer-encoding"]).Any(
        known => Signs().Replace(name, "").Equals(Signs().Replace(known, ""), StringComparison.OrdinalIgnoreCase)
            && !name.Equals(known, StringComparison.OrdinalIgnoreCase)
            && !name.Replace('_', '-').Equals(known, StringComparison.OrdinalIgnoreCase));

    private sealed record Head(Match Start, List<(string Name, string Value)> Fields, int Bytes)
    {
        public string[] Values(string name) =>
        [
            .. Fields.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                .Select(field => field.Value)
        ];
    }

    [GeneratedRegex(@$"\A(?<method>{Token}) (?<target>[!""$-\[\]-~]+) HTTP/1\.(?<minor>[01])\z")]
    private static partial Regex RequestLine();

    [GeneratedRegex(@"\AHTTP/1\.(?<minor>[01]) (?<status>[1-9][0-9][0-9])( [\t\x20-\x7E\x80-\xFF]*)?\z")]
    private static partial Regex StatusLine();

    [GeneratedRegex(@$"\A(?<name>{Token}):(?<value>[\t\x20-\x7E\x80-\xFF]*)\z")]
    private static partial Regex FieldLine();

    [GeneratedRegex(@"\A(?i:https?)://(?<authority>[^/?@]*)([/?].*)?\z")]
    private static partial Regex Absolute();

    [GeneratedRegex(@"\A((?<name>([A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+)|"
        + @"\[(?<six>(?=[^\]]*:)[0-9A-Fa-f:.]{2,})\])(:(?<port>[0-9]{0,5}))?\z")]
    private static partial Regex Authority();

    [GeneratedRegex("%[0-9A-Fa-f]{2}")]
    private static partial Regex Escapes();

    [GeneratedRegex("[^A-Za-z0-9]")]
    private static partial Regex Signs();

    [GeneratedRegex(@"\A[0-9]+\z")]
    private static partial Regex Digits();
}
