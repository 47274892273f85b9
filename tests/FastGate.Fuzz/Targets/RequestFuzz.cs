using System.Text.RegularExpressions;
using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.Fuzz.Targets;

/// <summary>A request head: read as its obvious twin reads it, the same whole and in pieces, and what is written of it
/// for the next hop is read as the same request there.</summary>
internal static class RequestFuzz
{
    private static readonly HeadLimits s_wide = new(64 * 1024, 1000);

    private const string Token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
    private const string Protocol = $@"(?!(?:h2c?|http|tls)(?:[-/,\s]|\z)){Token}(?:/{Token})?";
    private static readonly Regex s_protocols = new($@"\A{Protocol}(?:[ \t]*,[ \t]*{Protocol})*\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));

    /// <summary>A head that leaves something in every property, for the next one to overwrite.</summary>
    private static readonly byte[] s_dirt = Pad("""
        OPTIONS http://dirty:1/p?q HTTP/1.1
        Host: d
        Transfer-Encoding: chunked
        Connection: upgrade, x_y
        Upgrade: websocket
        Expect: 100-continue
        Max-Forwards: 3
        X_Y: 1
        X_Y: 2
        """);

    public static void Run(byte[] bytes)
    {
        var head = new RequestHead();
        ParseStatus whole = Parse(bytes, MessageCases.Limits, head);
        AgreesWithTwin(bytes, whole, head);
        foreach (Pieces pieces in Pieces.Of(bytes))
        {
            RequestHead dirty = Dirty();
            ParseStatus status = pieces.Feed(bytes, (ReadOnlySpan<byte> data, ref int scanned) =>
                RequestParser.Parse(data, MessageCases.Limits, dirty, ref scanned), out int end);
            Pieces.Agree(whole, status, bytes);
            if (whole == ParseStatus.Complete)
            {
                AreSame(head, dirty);
                Demand.That(end >= head.Length, "complete before its end");
                Demand.That(end < head.Length + (long)pieces.Step || end == pieces.First, "complete after its end");
            }
        }
        foreach (byte fill in Surroundings.Fills)
        {
            RequestHead dirty = Dirty();
            Demand.Same(whole, Parse(Surroundings.Of(bytes, fill), MessageCases.Limits, dirty), "within other bytes");
            if (whole == ParseStatus.Complete)
            {
                AreSame(head, dirty);
            }
        }
        if (whole != ParseStatus.Complete)
        {
            return;
        }
        IsSound(bytes, head);
        EndsWhereItEnds(bytes, head);
        GoesOnUnchanged(bytes, head);
    }

    private static void AgreesWithTwin(byte[] bytes, ParseStatus status, RequestHead head)
    {
        PlainParser? twin = PlainParser.Request(Plain.Text(bytes));
        Demand.That(status == ParseStatus.Complete == twin is not null, $"{status}, the twin: {twin}");
        if (twin is not null)
        {
            string start = $"{Plain.Text(bytes, head.MethodName)} {Plain.Text(bytes, head.Target)}";
            Demand.Same(twin, new PlainParser(start, Plain.Fields(bytes, head.Headers), head.Framing,
                head.ContentLength, head.KeepAlive, head.Length), "the twin");
        }
    }

    private static void IsSound(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        int lineEnd = head.Target.End + " HTTP/1.x\r\n".Length;
        Fields.AreSound(bytes, head.Headers, lineEnd, head.Length);
        string target = Plain.Text(bytes, head.Target);
        string path = Plain.Text(bytes, head.Path);
        string authority = Plain.Text(bytes, head.Authority);
        string query = head.HasQuery ? $"?{Plain.Text(bytes, head.Query)}" : "";
        Demand.That(head.HasQuery || head.Query.IsEmpty, "a query without its mark");
        Demand.That(path.Length == 0 || path[0] == '/', "a path that does not begin with a slash");
        int host = head.Headers.IndexOf(HeaderId.Host);
        Slice named = host < 0 ? default : head.Headers[host].Value;
        switch (head.Form)
        {
            case TargetForm.Origin:
                Demand.Same(target, path + query, "origin-form");
                Demand.Same(named, head.Authority, "the authority");
                break;
            case TargetForm.Asterisk:
                Demand.Same(("*", ""), (target, path + query), "asterisk-form");
                Demand.Same(named, head.Authority, "the authority");
                break;
            case TargetForm.Authority:
                Demand.Same((target, ""), (authority, path + query), "authority-form");
                break;
            default:
                Demand.Same(target[(target.IndexOf(':', StringComparison.Ordinal) + 3)..], authority + path + query,
                    "absolute-form");
                break;
        }
        Demand.Same(MethodNames.Of(head.MethodName.Of(bytes)), head.Method, "the method");
        SaysWhatConnectionSays(bytes, head);
    }

    private static void SaysWhatConnectionSays(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        HashSet<string> options = Fields.Options(bytes, head.Headers);
        Fields.StopWhereTheyMust(bytes, head.Headers, options);
        bool current = head.MinorVersion > 0;
        bool waits = current && head.Framing != BodyFraming.None;
        Demand.Same(waits && head.Headers.Has(HeaderId.Expect), head.ExpectContinue, "it expects 100");
        foreach (ref readonly Header header in head.Headers.Items)
        {
            // HTTP/1.0 has no expectations: whatever stands there must not become one of HTTP/1.1. Nor may one go on
            // where there is nothing to wait for.
            Demand.That(header.Id != HeaderId.Expect || (header.Flags & HeaderFlags.HopByHop) != 0 != waits,
                "an expectation");
        }
        bool upgrade = current && options.Contains("upgrade") && head.Headers.Has(HeaderId.Upgrade)
            && AsksForProtocols(bytes, head.Headers);
        Demand.Same(upgrade, head.Upgrade, "it upgrades");
    }

    /// <summary>Every element is a protocol, and none that HTTP would go on in.</summary>
    private static bool AsksForProtocols(ReadOnlySpan<byte> bytes, HeaderTable headers)
    {
        int protocols = 0;
        foreach (ref readonly Header header in headers.Items)
        {
            if (header.Id == HeaderId.Upgrade)
            {
                string value = System.Text.Encoding.Latin1.GetString(header.Value.Of(bytes));
                protocols += value.Split(',').Length;
                if (protocols > 16 || !s_protocols.IsMatch(value))
                {
                    return false;
                }
            }
        }
        return true;
    }

    /// <summary>What lies behind the head does not matter, and a beginning of it is neither whole nor wrong.</summary>
    private static void EndsWhereItEnds(byte[] bytes, RequestHead head)
    {
        byte[] alone = bytes[..head.Length];
        var other = new RequestHead();
        Demand.Same(ParseStatus.Complete, Parse(alone, MessageCases.Limits, other), "without what follows");
        AreSame(head, other);
        byte[] longer = [.. alone, 0, (byte)'\n', 0xFF];
        Demand.Same(ParseStatus.Complete, Parse(longer, MessageCases.Limits, other), "with other bytes behind it");
        AreSame(head, other);
        int cut = Pieces.Of(bytes)[^1].First % head.Length;
        Demand.Same(ParseStatus.Incomplete, Parse(alone.AsSpan(0, cut), MessageCases.Limits, other), "its beginning");
    }

    private static void GoesOnUnchanged(byte[] bytes, RequestHead head)
    {
        byte[] forwarded = Forward(bytes, head);
        var next = new RequestHead();
        ParseStatus status = Parse(forwarded, s_wide, next);
        Demand.Same(ParseStatus.Complete, status, "as the next hop reads it");
        Demand.Same(forwarded.Length, next.Length, "as the next hop ends it");
        Demand.SameBytes(head.MethodName.Of(bytes), next.MethodName.Of(forwarded), "the forwarded method");
        Demand.SameBytes(Target(bytes, head), next.Target.Of(forwarded), "the forwarded target");
        Demand.SameBytes(Authority(bytes, head), next.Authority.Of(forwarded), "the forwarded authority");
        Demand.Same((head.Method, head.Framing, head.ContentLength, head.ExpectContinue),
            (next.Method, next.Framing, next.ContentLength, next.ExpectContinue), "the forwarded framing");
        Demand.Same((true, false), (next.KeepAlive, next.Upgrade), "the forwarded connection");
        Demand.Same(Fields.Passed(bytes, head.Headers, HeaderId.Host),
            Fields.Passed(forwarded, next.Headers, HeaderId.Host), "the forwarded fields");
        Demand.SameBytes(forwarded, Forward(forwarded, next), "what is forwarded twice");
    }

    /// <summary>As the gateway writes it, without the fields that it adds of its own.</summary>
    private static byte[] Forward(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        var writer = new HeadWriter(new byte[(2 * head.Length) + 128]);
        Span<byte> all = writer.Free;
        writer.Raw(head.MethodName.Of(bytes));
        writer.Raw(" "u8);
        writer.Raw(Target(bytes, head));
        writer.Raw(" HTTP/1.1\r\n"u8);
        writer.Field("Host"u8, Authority(bytes, head));
        writer.CopyFields(bytes, head.Headers, 1UL << (int)HeaderId.Host);
        if (head.Framing == BodyFraming.Chunked)
        {
            writer.Raw("Transfer-Encoding: chunked\r\n"u8);
        }
        writer.Raw("\r\n"u8);
        return all[..writer.Length].ToArray();
    }

    private static byte[] Target(ReadOnlySpan<byte> bytes, RequestHead head) =>
        head.Form is TargetForm.Authority or TargetForm.Asterisk
            ? head.Target.Of(bytes).ToArray()
            :
            [
                .. head.Path.IsEmpty ? "/"u8 : head.Path.Of(bytes),
                .. head.HasQuery ? "?"u8 : default,
                .. head.Query.Of(bytes),
            ];

    private static byte[] Authority(ReadOnlySpan<byte> bytes, RequestHead head) =>
        head.Authority.IsEmpty ? "h"u8.ToArray() : head.Authority.Of(bytes).ToArray();

    private static void AreSame(RequestHead one, RequestHead other)
    {
        Demand.Same((one.Method, one.MethodName, one.Target, one.Form, one.Path, one.Query, one.HasQuery),
            (other.Method, other.MethodName, other.Target, other.Form, other.Path, other.Query, other.HasQuery),
            "the request line");
        Demand.Same((one.Authority, one.MinorVersion, one.Framing, one.ContentLength, one.Length),
            (other.Authority, other.MinorVersion, other.Framing, other.ContentLength, other.Length), "the framing");
        Demand.Same((one.KeepAlive, one.ExpectContinue, one.Upgrade, one.MaxForwards),
            (other.KeepAlive, other.ExpectContinue, other.Upgrade, other.MaxForwards), "the connection");
        Fields.AreSame(one.Headers, other.Headers);
    }

    private static RequestHead Dirty()
    {
        var head = new RequestHead();
        Demand.Same(ParseStatus.Complete, Parse(s_dirt, s_wide, head), "the head before");
        return head;
    }

    private static ParseStatus Parse(ReadOnlySpan<byte> bytes, in HeadLimits limits, RequestHead head)
    {
        int scanned = 0;
        return RequestParser.Parse(bytes, limits, head, ref scanned);
    }

    private static byte[] Pad(string lines) =>
        System.Text.Encoding.ASCII.GetBytes(lines.Replace("\n", "\r\n", StringComparison.Ordinal) + "\r\n\r\n");
}
