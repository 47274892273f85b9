using System.Globalization;
using System.Text;

namespace FastGate.Gateway.Stats;

/// <summary>One line of the process log: <c>2026-11-23T17:00:00.123Z warn cannot connect server=10.0.0.1:80</c>.
/// Values come from peers and files, so nothing in them may end the line, start another, or drive a terminal.</summary>
internal static class ProcessLine
{
    private static ReadOnlySpan<byte> CutMark => "...\n"u8;

    public static byte[] Format(
        DateTimeOffset time, LogLevel level, string message, ReadOnlySpan<LogValue> values, LogValue last = default)
    {
        var text = new StringBuilder(128);
        text.Append(time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        text.Append(' ').Append(WordOf(level)).Append(' ');
        AppendEscaped(text, message, quoted: false);
        foreach (LogValue value in values)
        {
            AppendValue(text, value);
        }
        if (last.Key is not null)
        {
            AppendValue(text, last);
        }
        text.Append('\n');
        return Encode(text);
    }

    private static string WordOf(LogLevel level) => level switch
    {
        LogLevel.Debug => "debug",
        LogLevel.Info => "info",
        LogLevel.Warn => "warn",
        _ => "error",
    };

    private static void AppendValue(StringBuilder text, LogValue value)
    {
        text.Append(' ').Append(value.Key).Append('=');
        string content = value.Text ?? "";
        if (content.Length != 0 && content.AsSpan().IndexOfAny(" \"=\\") < 0)
        {
            AppendEscaped(text, content, quoted: false);
            return;
        }
        text.Append('"');
        AppendEscaped(text, content, quoted: true);
        text.Append('"');
    }

    private static void AppendEscaped(StringBuilder text, string value, bool quoted)
    {
        foreach (Rune rune in value.EnumerateRunes())
        {
            // What does not fit will be cut; a value of megabytes is not walked to its end.
            if (text.Length > LogLimits.ProcessLineBytesMax)
            {
                return;
            }
            if (quoted && rune.Value is '"' or '\\')
            {
                text.Append('\\').Append((char)rune.Value);
            }
            else if (rune.Value == '\n')
            {
                text.Append("\\n");
            }
            else if (IsInvisible(rune))
            {
                text.Append(rune.IsBmp ? "\\u" : "\\U")
                    .Append(rune.Value.ToString(rune.IsBmp ? "x4" : "x8", CultureInfo.InvariantCulture));
            }
            else
            {
                text.Append(rune.ToString());
            }
        }
    }

    // Controls, line and paragraph separators, and the formatting characters that reorder what a reader sees.
    private static bool IsInvisible(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control
        or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static byte[] Encode(StringBuilder text)
    {
        byte[] line = Encoding.UTF8.GetBytes(text.ToString());
        if (line.Length <= LogLimits.ProcessLineBytesMax)
        {
            return line;
        }
        int keep = LogLimits.ProcessLineBytesMax - CutMark.Length;
        while ((line[keep] & 0xC0) == 0x80)
        {
            keep--;
        }
        return [.. line.AsSpan(0, keep), .. CutMark];
    }
}
