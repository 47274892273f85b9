using System.Globalization;
using FastGate.Http;
using FastGate.Tests.Http;
using FastGate.Tests.Routing;

namespace FastGate.EndToEnd.Differential;

/// <summary>A request of a client as the obvious twins of the parsers read it, and what must come of it.</summary>
internal sealed class PlainRequest
{
    /// <summary>Fields that never pass: they are the gate's own, or of one connection.</summary>
    private static readonly string[] s_stopped =
    [
        .. PlainFields.HopByHop, "host", "forwarded", "x-real-ip", "x-request-id",
    ];

    /// <summary>Those the gate writes; a client's Via stands before the gate's.</summary>
    private static readonly string[] s_own =
    [
        "Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-Id", "Transfer-Encoding",
        "Connection", "Upgrade",
    ];

    private readonly PlainParser _head;
    private readonly string[][] _fields;
    private readonly string _body;
    private readonly string[][] _trailers;
    /// <summary>HTTP/1.0, which has no expectations (RFC 9110 section 10.1.1).</summary>
    private readonly bool _isOld;

    /// <summary>No length and no coding: nothing to expect a word about.</summary>
    private readonly bool _isWithoutContent;

    private PlainRequest(PlainParser head, string body, string trailers, bool isOld)
    {
        _isWithoutContent = head.Framing == BodyFraming.None;
        _head = head;
        _isOld = isOld;
        _body = body;
        _trailers = PlainFields.Read(trailers);
        _fields = PlainFields.Read(head.Fields);
        (Method, string target) = (head.Start.Split(' ')[0], head.Start.Split(' ')[1]);
        int authority = target.StartsWith("http", StringComparison.OrdinalIgnoreCase)
            ? target.IndexOf("://", StringComparison.Ordinal) + 3
            : -1;
        int rest = authority < 0 ? 0 : target.IndexOfAny(['/', '?'], authority);
        Host = authority < 0 ? PlainFields.Values(_fields, "Host").FirstOrDefault()
            : rest < 0 ? target[authority..] : target[authority..rest];
        string origin = rest < 0 ? "" : target[rest..];
        int query = origin.IndexOf('?', StringComparison.Ordinal);
        string path = query < 0 ? origin : origin[..query];
        bool whole = target == "*" || (Method == "OPTIONS" && authority >= 0 && rest < 0);
        Path = whole ? "*" : PlainPath.Of(path.Length == 0 ? "/" : path);
        Query = query < 0 ? "" : origin[query..];
    }

    public string Method { get; }

    public bool KeepAlive => _head.KeepAlive && Method != "CONNECT";

    /// <summary>The status with which the gate refuses it; 0 when it goes on.</summary>
    public int Refusal => Method == "CONNECT" ? 405
        : Path is not { } path || path.Contains("%2F", StringComparison.Ordinal)
            || path.Contains("%5C", StringComparison.Ordinal) ? 400
        : Hops == 0 ? Method == "OPTIONS" ? 200 : 501
        : 0;

    /// <summary>How many hops it may take (RFC 9110 section 7.6.2); null for any number.</summary>
    private long? Hops => Method is "OPTIONS" or "TRACE" && PlainFields.Values(_fields, "Max-Forwards") is [var hops]
        ? Math.Min(long.TryParse(hops, CultureInfo.InvariantCulture, out long number) ? number : long.MaxValue,
            int.MaxValue)
        : null;

    private string? Host { get; }

    private string? Path { get; }

    private string Query { get; }

    /// <summary>The whole requests in the text, up to the first that is refused, not whole, or the last of its
    /// connection.</summary>
    /// <param name="text">What a client sends.</param>
    /// <param name="limits">Of heads and trailers.</param>
    /// <param name="rest">What is behind them.</param>
    public static List<PlainRequest> All(string text, HeadLimits limits, out string rest)
    {
        var all = new List<PlainRequest>();
        rest = text;
        while (rest.Length > 0 && (all.Count == 0 || all[^1].KeepAlive)
            && Next(rest, limits, out int length) is { } request)
        {
            all.Add(request);
            rest = rest[length..];
        }
        return all;
    }

    private static PlainRequest? Next(string text, HeadLimits limits, out int length)
    {
        length = 0;
        if (PlainParser.Request(text, limits) is not { } head)
        {
            return null;
        }
        bool isOld = text.TrimStart('\r', '\n').Split("\r\n")[0].EndsWith("/1.0", StringComparison.Ordinal);
        if (head.Framing != BodyFraming.Chunked)
        {
            if (head.Length > text.Length - head.Bytes)
            {
                return null;
            }
            length = head.Bytes + (int)head.Length;
            return new PlainRequest(head, text[head.Bytes..length], "", isOld);
        }
        if (PlainChunks.Read(text[head.Bytes..], limits) is not { } chunks)
        {
            return null;
        }
        length = head.Bytes + chunks.Bytes;
        return new PlainRequest(head, chunks.Data, chunks.Trailers, isOld);
    }

    /// <summary>Asserts that this is what was forwarded, and nothing else.</summary>
    /// <param name="captured">What the upstream got.</param>
    /// <param name="server">The upstream's own name, for a request without a Host.</param>
    public void AssertForwardedAs(Captured captured, string server)
    {
        Reading seen = captured.Reading;
        void Demand(bool good, string why) => StrictReader.Demand(good, why, captured.Bytes);
        Demand($"{Method} {Path}{Query}" == seen.Start, "another request went on");
        Demand(_body == seen.Body, "another body went on");
        Demand((Host ?? server) == seen.Values("Host")[0], "another host went on");
        Demand(_head.Framing == BodyFraming.Chunked == seen.Has("Transfer-Encoding"), "another framing went on");
        string[][] passed = seen.Without(s_own).Fields;
        if (Hops is { } hops)
        {
            Demand(seen.Values("Max-Forwards") is [var left] && left == $"{hops - 1}", "a hop is not counted");
            passed = seen.Without([.. s_own, "Max-Forwards"]).Fields;
        }
        Demand(passed is [.., ["Via", var via]] && via == (_isOld ? "1.0 fastgate" : "1.1 fastgate"), "no Via of ours");
        PlainFields.AssertPassed(_fields, passed[..^1], name => NeverPasses(name)
            || (name == "expect" && (_isOld || _isWithoutContent))
            || (name == "max-forwards" && Hops is not null), Demand);
        PlainFields.AssertTrailersPassed(_fields, _trailers, seen.Trailers, NeverPasses, Demand);
    }

    /// <summary>Whatever only a trusted proxy may say of a client does not pass either.</summary>
    private static bool NeverPasses(string name) => s_stopped.Contains(name) || name.Contains('_')
        || name.StartsWith("x-forwarded-", StringComparison.Ordinal);
}
