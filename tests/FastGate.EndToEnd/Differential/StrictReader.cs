using System.Globalization;
using System.Text.RegularExpressions;

namespace FastGate.EndToEnd.Differential;

/// <summary>Why bytes could be read in two ways, or break the plain grammar.</summary>
internal sealed class AmbiguousException(string why, string text) : Exception($"{why}: {Reading.Shown(text)}");

/// <summary>Reads messages in their plainest form: CRLF only, no control bytes, one framing, canonical chunks, no
/// extensions. Everything else is called ambiguous, however usual it is. Slow and obvious.</summary>
internal static partial class StrictReader
{
    private const string Token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

    /// <summary>The request at the beginning of the text; null while it is not whole.</summary>
    /// <exception cref="AmbiguousException">It can never be read in one way.</exception>
    public static Reading? Request(string text, out int length)
    {
        length = 0;
        if (Head(text, RequestLine()) is not { } head)
        {
            return null;
        }
        Demand(head.Values("Host") is [{ } host] && Host().IsMatch(host), "not one good Host", text);
        return head.Framing(text) switch
        {
            { } coding and "chunked" => Chunked(head, text, coding, ref length),
            { } bytes => Sized(head, text, long.Parse(bytes, CultureInfo.InvariantCulture), ref length),
            null => Sized(head, text, 0, ref length),
        };
    }

    /// <summary>The answer at the beginning of the text; null while it is not whole.</summary>
    /// <param name="text">What has come.</param>
    /// <param name="toHead">The request was HEAD.</param>
    /// <param name="ended">The connection came to an orderly end behind the text.</param>
    /// <param name="length">Of the answer.</param>
    /// <exception cref="AmbiguousException">It can never be read in one way.</exception>
    public static Reading? Answer(string text, bool toHead, bool ended, out int length)
    {
        length = 0;
        if (Head(text, StatusLine()) is not { } head)
        {
            return null;
        }
        string? framing = head.Framing(text);
        if (head.Start[0] == '1' || head.Start.StartsWith("204", StringComparison.Ordinal))
        {
            Demand(framing is null, "a body that must not be", text);
            return Sized(head, text, 0, ref length);
        }
        if (toHead || head.Start.StartsWith("304", StringComparison.Ordinal))
        {
            Demand(framing is not "chunked", "a coding of nothing", text);
            return Sized(head, text, 0, ref length);
        }
        if (framing is null)
        {
            Demand(head.Values("Connection") is ["close"], "no end", text);
            return ended ? Sized(head, text, text.Length - head.Bytes, ref length) : null;
        }
        return framing == "chunked"
            ? Chunked(head, text, framing, ref length)
            : Sized(head, text, long.Parse(framing, CultureInfo.InvariantCulture), ref length);
    }

    /// <exception cref="AmbiguousException">It is not so.</exception>
    public static void Demand(bool good, string why, string text)
    {
        if (!good)
        {
            throw new AmbiguousException(why, text);
        }
    }

    private static Plain? Head(string text, Regex startLine)
    {
        int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        string head = end < 0 ? text : text[..end];
        Demand(!OddByte().IsMatch(head), "a byte that has no place in a head", text);
        if (end < 0)
        {
            return null;
        }
        string[] lines = head.Split("\r\n");
        Match start = startLine.Match(lines[0]);
        Demand(start.Success, "not a start line", text);
        return new Plain(start.Groups["start"].Value, Fields(lines[1..], text), end + 4);
    }

    private static string[][] Fields(string[] lines, string text)
    {
        var fields = new List<string[]>();
        foreach (string line in lines)
        {
            Match field = FieldLine().Match(line);
            Demand(field.Success, "not a field line", text);
            fields.Add([field.Groups["name"].Value, field.Groups["value"].Value.Trim(' ', '\t')]);
        }
        return [.. fields];
    }

    private static Reading? Sized(Plain head, string text, long bytes, ref int length)
    {
        if (text.Length - head.Bytes < bytes)
        {
            return null;
        }
        length = head.Bytes + (int)bytes;
        return new Reading(head.Start, head.Fields, text[head.Bytes..length], []);
    }

    private static Reading? Chunked(Plain head, string text, string coding, ref int length)
    {
        Demand(coding == "chunked", "another coding", text);
        string body = "";
        int at = head.Bytes;
        while (true)
        {
            int end = text.IndexOf("\r\n", at, StringComparison.Ordinal);
            string line = end < 0 ? text[at..].TrimEnd('\r') : text[at..end];
            Demand(ChunkSize().IsMatch(line), "not a canonical size of a chunk", text);
            if (end < 0)
            {
                return null;
            }
            Demand(line.Length > 0, "no size of a chunk", text);
            int size = int.Parse(line, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            at = end + 2;
            if (size == 0)
            {
                break;
            }
            if (text.Length < at + size + 2)
            {
                return null;
            }
            Demand(text.AsSpan(at + size, 2).SequenceEqual("\r\n"), "a chunk without its end", text);
            body += text.Substring(at, size);
            at += size + 2;
        }
        // The line end before it is that of the last chunk, so that an empty section is found like any other.
        int sectionEnd = text.IndexOf("\r\n\r\n", at - 2, StringComparison.Ordinal);
        if (sectionEnd < 0)
        {
            return null;
        }
        string section = sectionEnd < at ? "" : text[at..sectionEnd];
        Demand(!OddByte().IsMatch(section), "a byte that has no place in trailers", text);
        length = sectionEnd + 4;
        return new Reading(head.Start, head.Fields, body,
            section.Length == 0 ? [] : Fields(section.Split("\r\n"), text));
    }

    private sealed record Plain(string Start, string[][] Fields, int Bytes)
    {
        public string[] Values(string name) =>
        [
            .. Fields.Where(field => field[0].Equals(name, StringComparison.OrdinalIgnoreCase))
                .Select(field => field[1])
        ];

        /// <summary><c>chunked</c>, digits, or null for neither.</summary>
        public string? Framing(string text)
        {
            string[] lengths = Values("Content-Length");
            string[] codings = Values("Transfer-Encoding");
            Demand(lengths.Length + codings.Length < 2, "two framings", text);
            Demand(lengths.Length == 0 || (Length().IsMatch(lengths[0]) && long.TryParse(lengths[0],
                CultureInfo.InvariantCulture, out _)), "a length that is not a plain one", text);
            Demand(codings.Length == 0 || codings[0] == "chunked", "another coding", text);
            return lengths.Length == 1 ? lengths[0] : codings.Length == 1 ? codings[0] : null;
        }
    }

    [GeneratedRegex(@$"\A(?<start>{Token} [!""$-\[\]-~]+) HTTP/1\.1\z")]
    private static partial Regex RequestLine();

    [GeneratedRegex(@"\AHTTP/1\.1 (?<start>[1-9][0-9][0-9] [\t\x20-\x7E\x80-\xFF]*)\z")]
    private static partial Regex StatusLine();

    [GeneratedRegex(@$"\A(?<name>{Token}):(?<value>[\t\x20-\x7E\x80-\xFF]*)\z")]
    private static partial Regex FieldLine();

    /// <summary>A control byte, a CR without its LF or an LF without its CR; a CR at the end may still get
    /// one.</summary>
    [GeneratedRegex(@"[^\t\r\n\x20-\x7E\x80-\xFF]|\r(?!\n|\z)|(?<!\r)\n")]
    private static partial Regex OddByte();

    [GeneratedRegex(@"\A([A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?\z")]
    private static partial Regex Host();

    [GeneratedRegex(@"\A(0|[1-9][0-9]*)\z")]
    private static partial Regex Length();

    [GeneratedRegex(@"\A(0|[1-9a-f][0-9a-f]{0,6})?\z")]
    private static partial Regex ChunkSize();
}
