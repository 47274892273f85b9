using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>The slow, obvious twin of the chunked decoder: one pattern after the other over the whole text.</summary>
/// <param name="Data">What the chunks hold.</param>
/// <param name="Trailers">A line each, <c>name=value</c>.</param>
/// <param name="Bytes">Of the whole body with its trailers.</param>
internal sealed partial record PlainChunks(string Data, string Trailers, int Bytes)
{
    private const string Quoted = @"""([\t\x20\x21\x23-\x5B\x5D-\x7E\x80-\xFF]|\\[\t\x20-\x7E\x80-\xFF])*""";
    private const string White = @"[ \t]*";
    private const string Token = "[!#$%&'*+.^_`|~0-9A-Za-z-]";

    /// <summary>A whole body with its trailers; null for what is refused or not whole.</summary>
    public static PlainChunks? Read(string text) => Read(text, MessageCases.Limits);

    /// <inheritdoc cref="Read(string)"/>
    public static PlainChunks? Read(string text, HeadLimits limits)
    {
        int whole = text.Length;
        var data = new StringBuilder();
        while (true)
        {
            Match line = SizeLine().Match(text);
            if (!line.Success || line.Groups["extension"].Length > ExtensionBytesMax)
            {
                return null;
            }
            long size = long.Parse(line.Groups["size"].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            text = text[line.Length..];
            if (size == 0)
            {
                return Section(text, limits) is { } section
                    ? new PlainChunks(data.ToString(), section.Trailers, whole - text.Length + section.Bytes)
                    : null;
            }
            if (text.Length < size + 2 || text.Substring((int)size, 2) != "\r\n")
            {
                return null;
            }
            data.Append(text.AsSpan(0, (int)size));
            text = text[((int)size + 2)..];
        }
    }

    private const int ExtensionBytesMax = ChunkedDecoder.ExtensionBytesMax;

    private static (string Trailers, int Bytes)? Section(string text, HeadLimits limits)
    {
        var trailers = new List<string>();
        int bytes = 0;
        while (true)
        {
            int end = text.IndexOf("\r\n", StringComparison.Ordinal);
            bytes += end + 2;
            if (end < 0 || bytes > limits.HeadBytesMax)
            {
                return null;
            }
            if (end == 0)
            {
                return (string.Join('\n', trailers), bytes);
            }
            Match line = FieldLine().Match(text[..end]);
            if (!line.Success || trailers.Count == limits.HeadersMax)
            {
                return null;
            }
            if (PlainParser.IsDisguised(line.Groups["name"].Value))
            {
                return null;
            }
            trailers.Add($"{line.Groups["name"].Value}={line.Groups["value"].Value.Trim(' ', '\t')}");
            text = text[(end + 2)..];
        }
    }

    [GeneratedRegex(@$"\A(?<size>[0-9A-Fa-f]{{1,15}})(?<extension>({White};{White}{Token}+"
        + $@"({White}={White}({Token}+|{Quoted}))?)*)\r\n")]
    private static partial Regex SizeLine();

    [GeneratedRegex(@$"\A(?<name>{Token}+):(?<value>[\t\x20-\x7E\x80-\xFF]*)\z")]
    private static partial Regex FieldLine();
}
