using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>One message, or the beginning of one, and what must come of it.</summary>
/// <param name="Title">Its name, unique in its file.</param>
/// <param name="Expected">The rule it breaks, or Complete.</param>
/// <param name="Bytes">The message.</param>
/// <param name="Checks">What must have been read, as <c>key=value</c>.</param>
internal sealed record MessageCase(
    string Title, ParseStatus Expected, byte[] Bytes, IReadOnlyList<(string Key, string Value)> Checks);

/// <summary>Reads the files in <c>Cases</c>. A case begins with <c>=== Status: title</c>; its lines follow, put together
/// without the file's own line ends: <c>\r \n \t \0 \\ \x7F</c> are bytes, <c>\(text*9)</c> is a text nine times. Behind
/// <c>---</c> stand checks with spaces between.</summary>
internal static partial class MessageCases
{
    public static readonly HeadLimits Limits = new(HeadBytesMax: 1024, HeadersMax: 8);

    public static readonly IReadOnlyList<MessageCase> Requests = Read("requests.txt");
    public static readonly IReadOnlyList<MessageCase> Responses = Read("responses.txt");
    public static readonly IReadOnlyList<MessageCase> Chunks = Read("chunks.txt");

    public static MessageCase Of(IReadOnlyList<MessageCase> cases, string title) =>
        cases.Single(each => each.Title == title);

    private static List<MessageCase> Read(string file)
    {
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Http", "Cases", file));
        var cases = new List<MessageCase>();
        foreach (string part in text.Split("=== ")[1..])
        {
            string[] lines = part.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            int checks = Array.IndexOf(lines, "---");
            string[] message = checks < 0 ? lines[1..] : lines[1..checks];
            cases.Add(new MessageCase(lines[0], Enum.Parse<ParseStatus>(lines[0].Split(':')[0]),
                Unescape(string.Concat(message)), checks < 0 ? [] : Checks(lines[checks + 1])));
        }
        return cases.DistinctBy(each => each.Title).Count() == cases.Count
            ? cases
            : throw new InvalidDataException($"{file} has a title twice");
    }

    private static List<(string Key, string Value)> Checks(string line) =>
    [
        .. line.Split(' ').Select(check => check.Split('=', 2))
            .Select(pair => (pair[0], Encoding.Latin1.GetString(Unescape(pair[1]))))
    ];

    private static byte[] Unescape(string text)
    {
        string repeated = Repeat().Replace(text, match => string.Concat(Enumerable.Repeat(
            match.Groups["text"].Value, int.Parse(match.Groups["times"].Value, CultureInfo.InvariantCulture))));
        return Encoding.Latin1.GetBytes(Escape().Replace(repeated, match => match.Value[1] switch
        {
            'r' => "\r",
            'n' => "\n",
            't' => "\t",
            '0' => "\0",
            'x' => $"{(char)int.Parse(match.Value[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)}",
            _ => "\\",
        }));
    }

    [GeneratedRegex(@"\\\((?<text>.*?)\*(?<times>\d+)\)")]
    private static partial Regex Repeat();

    [GeneratedRegex(@"\\(x[0-9A-F]{2}|[rnt0\\])")]
    private static partial Regex Escape();
}
