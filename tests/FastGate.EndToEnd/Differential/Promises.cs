using System.Text.RegularExpressions;

namespace FastGate.EndToEnd.Differential;

/// <summary>What the gate promises of every message that leaves it, beyond the plain grammar that the strict reader has
/// seen already.</summary>
internal static partial class Promises
{
    /// <summary>Fields that concern one connection only (RFC 9110 section 7.6.1), but for those the gate writes
    /// itself.</summary>
    private static readonly string[] s_hopByHop =
        ["Keep-Alive", "Proxy-Connection", "TE", "Proxy-Authorization", "HTTP2-Settings"];

    /// <summary>Fields that would change how a message is framed, routed or trusted (RFC 9110 section 6.5.1).</summary>
    private static readonly string[] s_neverTrailers =
    [
        .. s_hopByHop, "Connection", "Upgrade", "Transfer-Encoding", "Content-Length", "Host", "Trailer", "Expect",
        "Authorization", "Cookie", "Set-Cookie", "Content-Type", "Content-Encoding", "Range", "Cache-Control",
        "Location", "Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP",
        "X-Request-Id",
    ];

    public static void OfRequest(Captured captured)
    {
        Reading reading = captured.Reading;
        void Demand(bool good, string why) => StrictReader.Demand(good, why, captured.Bytes);
        string target = reading.Target;
        Demand(target == "*" ? reading.Method == "OPTIONS" : NormalPath().IsMatch(target.Split('?')[0]),
            "a path that is not normal");
        OfFields(reading, Demand);
        Demand(Tame().IsMatch(captured.Bytes[..captured.Bytes.IndexOf("\r\n\r\n", StringComparison.Ordinal)]),
            "white space around a value that some take for a part of it");
        Demand(reading.Values("Expect") is [] || (reading.Values("Expect") is [{ } expect]
            && expect.Equals("100-continue", StringComparison.OrdinalIgnoreCase)), "an expectation nobody knows");
        Demand(reading.Values("Connection") is [] or ["upgrade"], "a Connection that is not ours");
        Demand(reading.Has("Connection") == reading.Has("Upgrade"), "half an upgrade");
        Demand(!reading.Fields.Concat(reading.Trailers).Any(field => field[0].Contains('_')),
            "a name that some take for another");
        foreach (string own in (string[])["X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id"])
        {
            Demand(reading.Values(own).Length == 1, $"not one {own}");
        }
        Demand(reading.Values("Via") is [.., "1.1 fastgate" or "1.0 fastgate"], "no Via of ours");
    }

    public static void OfAnswer(Reading reading, string bytes)
    {
        void Demand(bool good, string why) => StrictReader.Demand(good, why, bytes);
        OfFields(reading, Demand);
        Demand(reading.Status is >= 100 and not 101, "a switch that nobody asked for");
        // To HTTP/1.0 the gate says that it goes on.
        Demand(reading.Values("Connection") is [] or ["close"] or ["keep-alive"], "a Connection that is not ours");
        Demand(!reading.Has("Upgrade"), "an upgrade that nobody asked for");
        Demand(reading.Status < 200 || reading.Values("X-Request-Id").Length == 1, "not one X-Request-Id");
    }

    private static void OfFields(Reading reading, Action<bool, string> demand)
    {
        foreach (string name in s_hopByHop)
        {
            demand(!reading.Has(name), $"{name} goes on");
        }
        foreach (string[] trailer in reading.Trailers)
        {
            demand(
                !s_neverTrailers.Contains(trailer[0], StringComparer.OrdinalIgnoreCase), $"{trailer[0]} as a trailer");
        }
    }

    /// <summary>No empty segment but the last, no dot segment, no control byte, slash or backslash in an escape, none
    /// of an unreserved byte or in small letters.</summary>
    [GeneratedRegex(@"\A(/(?!\.{1,2}(/|\z))(?!/)([A-Za-z0-9._~!$&'()*+,;=:@-]|%(?!2D|2E|2F|3[0-9]|[46][1-9A-F]|5[0-9A]"
        + @"|7[0-9A]|5C|5F|7E|7F|0|1)[0-9A-F]{2})*)+\z")]
    private static partial Regex NormalPath();

    /// <summary>At most one space before a value and nothing behind it.</summary>
    [GeneratedRegex(@"\A[^\r\n]*(\r\n[^:\r\n]+:( ?[^ \t\r\n]([^\r\n]*[^ \t\r\n])?| ?))*\z")]
    private static partial Regex Tame();
}
