using System.Globalization;
using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.Fuzz.Targets;

/// <summary>The head of an answer: read as its obvious twin reads it, the same whole and in pieces, to GET and to HEAD,
/// and what is written of it for the client is read as the same answer there.</summary>
internal static class ResponseFuzz
{
    private static readonly HeadLimits s_wide = new(64 * 1024, 1000);

    public static void Run(byte[] bytes)
    {
        var head = new ResponseHead();
        ParseStatus whole = Parse(bytes, MessageCases.Limits, answersHead: false, head);
        AgreesWithTwin(bytes, whole, head);
        var toHead = new ResponseHead();
        Demand.Same(whole, Parse(bytes, MessageCases.Limits, answersHead: true, toHead), "the answer to HEAD");
        foreach (Pieces pieces in Pieces.Of(bytes))
        {
            ResponseHead dirty = Dirty();
            ParseStatus status = pieces.Feed(bytes, (ReadOnlySpan<byte> data, ref int scanned) =>
                ResponseParser.Parse(data, MessageCases.Limits, answersHead: false, dirty, ref scanned), out int end);
            Pieces.Agree(whole, status, bytes);
            if (whole == ParseStatus.Complete)
            {
                AreSame(head, dirty);
                Demand.That(end >= head.Length, "complete before its end");
            }
        }
        foreach (byte fill in Surroundings.Fills)
        {
            ResponseHead dirty = Dirty();
            Demand.Same(whole, Parse(Surroundings.Of(bytes, fill), MessageCases.Limits, answersHead: false, dirty),
                "within other bytes");
            if (whole == ParseStatus.Complete)
            {
                AreSame(head, dirty);
            }
        }
        if (whole != ParseStatus.Complete)
        {
            return;
        }
        int lineEnd = 2 + (head.Reason.IsEmpty ? bytes.AsSpan().IndexOf("\r\n"u8) : head.Reason.End);
        Fields.AreSound(bytes, head.Headers, lineEnd, head.Length);
        Demand.That(head.Status is >= 100 and <= 999, "a status of three digits");
        Demand.Same((head.Status, head.Length, BodyFraming.None), (toHead.Status, toHead.Length, toHead.Framing),
            "the answer to HEAD");
        SaysWhatConnectionSays(bytes, head);
        EndsWhereItEnds(bytes, head);
        GoesOnUnchanged(bytes, head, answersHead: false);
        GoesOnUnchanged(bytes, toHead, answersHead: true);
    }

    private static void AgreesWithTwin(byte[] bytes, ParseStatus status, ResponseHead head)
    {
        PlainParser? twin = PlainParser.Response(Plain.Text(bytes));
        Demand.That(status == ParseStatus.Complete == twin is not null, $"{status}, the twin: {twin}");
        if (twin is not null)
        {
            Demand.Same(twin, new PlainParser($"{head.Status}", Plain.Fields(bytes, head.Headers), head.Framing,
                head.ContentLength, head.KeepAlive, head.Length), "the twin");
        }
    }

    private static void SaysWhatConnectionSays(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        HashSet<string> options = Fields.Options(bytes, head.Headers);
        Fields.StopWhereTheyMust(bytes, head.Headers, options);
        bool upgrade = head.MinorVersion > 0 && options.Contains("upgrade") && head.Headers.Has(HeaderId.Upgrade);
        Demand.Same(upgrade, head.Upgrade, "it upgrades");
        int timeout = -1;
        int index = head.Headers.IndexOf(HeaderId.KeepAlive);
        foreach (string element in index < 0 ? [] : Plain.Text(bytes, head.Headers[index].Value).Split(','))
        {
            string text = element.Trim(' ', '\t');
            if (timeout < 0 && text.StartsWith("timeout=", StringComparison.OrdinalIgnoreCase)
                && int.TryParse(text[8..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int seconds)
                && seconds >= 0)
            {
                timeout = Math.Min(seconds, 24 * 3600);
            }
        }
        Demand.Same(timeout, head.KeepAliveTimeout, "the time of Keep-Alive");
    }

    private static void EndsWhereItEnds(byte[] bytes, ResponseHead head)
    {
        byte[] alone = bytes[..head.Length];
        var other = new ResponseHead();
        Demand.Same(ParseStatus.Complete, Parse(alone, MessageCases.Limits, false, other), "without what follows");
        AreSame(head, other);
        int cut = Pieces.Of(bytes)[^1].First % head.Length;
        Demand.Same(ParseStatus.Incomplete, Parse(alone.AsSpan(0, cut), MessageCases.Limits, false, other),
            "its beginning");
    }

    private static void GoesOnUnchanged(byte[] bytes, ResponseHead head, bool answersHead)
    {
        byte[] forwarded = Forward(bytes, head);
        var next = new ResponseHead();
        Demand.Same(ParseStatus.Complete, Parse(forwarded, s_wide, answersHead, next), "as the client reads it");
        Demand.Same(forwarded.Length, next.Length, "as the client ends it");
        Demand.Same((head.Status, head.Framing), (next.Status, next.Framing), "the forwarded status and framing");
        Demand.Same(head.Framing == BodyFraming.Length ? head.ContentLength : 0,
            next.Framing == BodyFraming.Length ? next.ContentLength : 0, "the forwarded length");
        Demand.That(head.Status is >= 200 and not 204 || !next.Headers.Has(HeaderId.ContentLength),
            "an answer that cannot have a body goes on with a length");
        if (!head.Reason.IsEmpty)
        {
            Demand.SameBytes(head.Reason.Of(bytes), next.Reason.Of(forwarded), "the forwarded reason");
        }
        Demand.Same(Fields.Passed(bytes, head.Headers), Fields.Passed(forwarded, next.Headers),
            "the forwarded fields");
        Demand.SameBytes(forwarded, Forward(forwarded, next), "what is forwarded twice");
    }

    /// <summary>As the gateway writes it, without the fields that it adds of its own.</summary>
    private static byte[] Forward(ReadOnlySpan<byte> bytes, ResponseHead head)
    {
        var writer = new HeadWriter(new byte[head.Length + 128]);
        Span<byte> all = writer.Free;
        writer.StatusLine(head.Status, head.Reason.Of(bytes));
        writer.CopyFields(bytes, head.Headers, 0);
        if (head.Status == 205)
        {
            writer.Raw("Content-Length: 0\r\n"u8);
        }
        if (head.Framing == BodyFraming.Chunked)
        {
            writer.Raw("Transfer-Encoding: chunked\r\n"u8);
        }
        writer.Raw("\r\n"u8);
        return all[..writer.Length].ToArray();
    }

    private static void AreSame(ResponseHead one, ResponseHead other)
    {
        Demand.Same((one.Status, one.Reason, one.MinorVersion, one.Framing, one.ContentLength, one.Length),
            (other.Status, other.Reason, other.MinorVersion, other.Framing, other.ContentLength, other.Length),
            "the status line and the framing");
        Demand.Same((one.KeepAlive, one.KeepAliveTimeout, one.Upgrade),
            (other.KeepAlive, other.KeepAliveTimeout, other.Upgrade), "the connection");
        Fields.AreSame(one.Headers, other.Headers);
    }

    /// <summary>A head that leaves something in every property, for the next one to overwrite.</summary>
    private static ResponseHead Dirty()
    {
        var head = new ResponseHead();
        Demand.Same(ParseStatus.Complete, Parse(
            "HTTP/1.0 201 Made\r\nContent-Length: 7\r\nConnection: keep-alive, upgrade\r\nKeep-Alive: timeout=9\r\n"u8
            + "Upgrade: a\r\nX_Y: 1\r\n\r\n"u8, s_wide, false, head), "the head before");
        return head;
    }

    private static ParseStatus Parse(ReadOnlySpan<byte> bytes, in HeadLimits limits, bool answersHead,
        ResponseHead head)
    {
        int scanned = 0;
        return ResponseParser.Parse(bytes, limits, answersHead, head, ref scanned);
    }
}
