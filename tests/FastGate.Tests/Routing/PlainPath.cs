using System.Text;
using System.Text.RegularExpressions;

namespace FastGate.Tests.Routing;

/// <summary>The slow, obvious twin of the path normaliser: step by step, on strings.</summary>
internal static partial class PlainPath
{
    /// <summary>The normal form; null for a path that is refused.</summary>
    public static string? Of(string path)
    {
        const string Unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
        List<string> segments = [];
        string[] sent = path[1..].Split('/');
        bool endsInSlash = false;
        foreach (string segment in sent)
        {
            StringBuilder decoded = new();
            for (int i = 0; i < segment.Length; i++)
            {
                char c = segment[i];
                if (c == '%')
                {
                    if (i + 2 >= segment.Length || !char.IsAsciiHexDigit(segment[i + 1])
                        || !char.IsAsciiHexDigit(segment[i + 2]))
                    {
                        return null;
                    }
                    c = (char)Convert.ToInt32(segment.Substring(i + 1, 2), 16);
                    string next = segment[(i + 3)..].ToUpperInvariant();
                    bool overlong = c switch
                    {
                        '\xC0' or '\xC1' => OverlongTwo().IsMatch(next),
                        '\xE0' => OverlongThree().IsMatch(next),
                        '\xF0' => OverlongFour().IsMatch(next),
                        _ => false,
                    };
                    if (c < 32 || c == 127 || overlong)
                    {
                        return null;
                    }
                    decoded.Append(Unreserved.Contains(c) ? c.ToString() : $"%{(int)c:X2}");
                    i += 2;
                }
                else if (c < 32 || c == 127 || "\\ ?#".Contains(c))
                {
                    return null;
                }
                else
                {
                    decoded.Append((Unreserved + "!$&'()*+,;=:@").Contains(c) ? c.ToString() : $"%{(int)c:X2}");
                }
            }
            string text = decoded.ToString();
            string[] parts = text.Split(["%2F", "%5C"], StringSplitOptions.None);
            string[] climbing = [".;", "..;", ".%3B", "..%3B"];
            if ((parts.Length > 1 && parts.Any(p => p is "." or ".."))
                || parts.Any(p => climbing.Any(c => p.StartsWith(c, StringComparison.Ordinal))))
            {
                return null;
            }
            endsInSlash = text is "" or "." or "..";
            if (text == "..")
            {
                if (segments.Count == 0)
                {
                    return null;
                }
                segments.RemoveAt(segments.Count - 1);
            }
            else if (!endsInSlash)
            {
                segments.Add(text);
            }
        }
        string joined = "/" + string.Join('/', segments);
        return endsInSlash && segments.Count > 0 ? joined + "/" : joined;
    }

    [GeneratedRegex(@"\A%[89AB][0-9A-F]")]
    private static partial Regex OverlongTwo();

    [GeneratedRegex(@"\A%[89][0-9A-F]")]
    private static partial Regex OverlongThree();

    [GeneratedRegex(@"\A%8[0-9A-F]")]
    private static partial Regex OverlongFour();
}
