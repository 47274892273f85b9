using System.Text;

namespace FastGate.Tests.Routing;

/// <summary>The slow, obvious twin of the path normaliser: step by step, on strings.</summary>
internal static class PlainPath
{
    /// <summary>Each control byte and sign that means something in a path, in two, three and four bytes.</summary>
    private static readonly string[] s_overlong =
    [
        .. Enumerable.Range(0, 32).Concat([127, '.', '/', '\\', ';', '%']).SelectMany(c => new[]
        {
            $"%{0xC0 | (c >> 6):X2}%{0x80 | (c & 63):X2}",
            $"%E0%{0x80 | (c >> 6):X2}%{0x80 | (c & 63):X2}",
            $"%F0%80%{0x80 | (c >> 6):X2}%{0x80 | (c & 63):X2}",
        }),
    ];

    private const int OverlongMax = 12;

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
                if (c is '%' or >= '\x80' && IsOverlong(segment[i..Math.Min(i + OverlongMax, segment.Length)]))
                {
                    return null;
                }
                if (c == '%')
                {
                    if (i + 2 >= segment.Length || !char.IsAsciiHexDigit(segment[i + 1])
                        || !char.IsAsciiHexDigit(segment[i + 2]))
                    {
                        return null;
                    }
                    c = (char)Convert.ToInt32(segment.Substring(i + 1, 2), 16);
                    if (c < 32 || c == 127)
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

    private static bool IsOverlong(string text)
    {
        string escaped = string.Concat(text.Select(static c => c < '\x80' ? c.ToString() : $"%{(int)c:X2}"));
        return s_overlong.Any(each => escaped.StartsWith(each, StringComparison.OrdinalIgnoreCase));
    }
}
