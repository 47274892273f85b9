using System.Text;
using FastGate.Http;

namespace FastGate.EndToEnd.Differential;

/// <summary>Which fields of a message go through the gate, by name.</summary>
internal static class PlainFields
{
    /// <summary>Of one connection (RFC 9110 section 7.6.1): they never pass.</summary>
    public static readonly string[] HopByHop =
    [
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "proxy-authorization",
        "http2-settings",
    ];

    /// <summary>Named by Connection, they still pass.</summary>
    private static readonly string[] s_kept =
        ["content-length", "cookie", "authorization", "content-type", "set-cookie"];

    /// <summary>As the twins write them, one line each.</summary>
    public static string[][] Read(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=', 2))];

    public static string[] Values(string[][] fields, string name) =>
    [
        .. fields.Where(field => field[0].Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field[1])
    ];

    /// <summary>Asserts that what was sent, without what never passes, is what passed; only what Connection names may
    /// be missing.</summary>
    public static void AssertPassed(
        string[][] sent, string[][] passed, Predicate<string> neverPasses, Action<bool, string> demand)
    {
        string[] options = [.. Values(sent, "Connection").SelectMany(value => value.Split(',')).Select(
            option => option.Trim(' ', '\t').ToLowerInvariant())];
        AssertPassed(sent, passed, neverPasses, name => options.Contains(name) && !s_kept.Contains(name), demand);
    }

    /// <summary>The same of trailers: those with a known name may be missing, and what speaks of a client.</summary>
    public static void AssertTrailersPassed(string[][] head, string[][] sent, string[][] passed,
        Predicate<string> neverPasses, Action<bool, string> demand)
    {
        bool namesOthers = Values(head, "Connection")
            .SelectMany(value => value.ToLowerInvariant().Split(','))
            .Select(option => option.Trim(' ', '\t'))
            .Any(option => option is not ("" or "close" or "keep-alive" or "upgrade" or "te"));
        AssertPassed(sent, passed, name => namesOthers || neverPasses(name), IsKnown, demand);
    }

    private static void AssertPassed(string[][] sent, string[][] passed, Predicate<string> neverPasses,
        Predicate<string> mayBeMissing, Action<bool, string> demand)
    {
        int at = 0;
        foreach (string[] field in sent)
        {
            string name = field[0].ToLowerInvariant();
            if (neverPasses(name))
            {
                continue;
            }
            if (at < passed.Length && field.SequenceEqual(passed[at]))
            {
                at++;
                continue;
            }
            demand(mayBeMissing(name), $"{name} is missing");
        }
        demand(at == passed.Length, $"{passed.ElementAtOrDefault(at)?[0]} is new");
    }

    /// <summary>What must not come so late.</summary>
    private static readonly string[] s_kinds =
    [
        "if-", "sec-", "proxy-", "content-", "www-", "access-control-", "strict-transport-", "x-http-method",
        "x-method-override", "x-original-", "x-rewrite-",
    ];

    private static bool IsKnown(string name)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(name);
        return s_kinds.Any(kind => name.StartsWith(kind, StringComparison.Ordinal))
            || HeaderNames.IdOf(bytes, 0, bytes.Length) != HeaderId.Unknown
            || HeaderNames.SpeaksOfClient(bytes);
    }
}
