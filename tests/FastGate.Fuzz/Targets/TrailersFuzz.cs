using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.Fuzz.Targets;

/// <summary>A trailer section: read as its obvious twin reads it, the same whole and in pieces; what is written of it
/// for the next hop is read as the same section there, and changes neither framing nor routing nor
/// credentials.</summary>
internal static class TrailersFuzz
{
    private static readonly HeaderId[] s_never =
    [
        HeaderId.Host, HeaderId.ContentLength, HeaderId.TransferEncoding, HeaderId.Connection, HeaderId.Upgrade,
        HeaderId.Expect, HeaderId.Authorization, HeaderId.Cookie, HeaderId.SetCookie, HeaderId.XForwardedFor,
    ];

    public static void Run(byte[] bytes)
    {
        var trailers = new HeaderTable();
        int scanned = 0;
        ParseStatus whole = TrailerParser.Parse(bytes, MessageCases.Limits, trailers, ref scanned, out int consumed);
        Demand.Same(PlainChunks.Read($"0\r\n{Plain.Text(bytes)}") is not null, whole == ParseStatus.Complete,
            $"the twin, where the parser says {whole}");
        foreach (Pieces pieces in Pieces.Of(bytes))
        {
            var others = new HeaderTable();
            int used = 0;
            ParseStatus status = pieces.Feed(bytes, (ReadOnlySpan<byte> data, ref int searched) =>
                TrailerParser.Parse(data, MessageCases.Limits, others, ref searched, out used), out _);
            Pieces.Agree(whole, status, bytes);
            if (whole == ParseStatus.Complete)
            {
                Demand.Same(consumed, used, "the bytes that are done with");
                Fields.AreSame(trailers, others);
            }
        }
        if (whole == ParseStatus.Complete)
        {
            Fields.AreSound(bytes, trailers, 0, consumed);
            GoesOnUnchanged(bytes, trailers);
        }
    }

    private static void GoesOnUnchanged(byte[] bytes, HeaderTable trailers)
    {
        byte[] forwarded = Forward(bytes, trailers);
        var next = new HeaderTable();
        int scanned = 0;
        Demand.Same(ParseStatus.Complete, TrailerParser.Parse(forwarded, MessageCases.Limits, next, ref scanned,
            out int consumed), "as the next hop reads it");
        Demand.Same(forwarded.Length, consumed, "as the next hop ends it");
        Demand.Same(Fields.Passed(bytes, trailers), Plain.Fields(forwarded, next), "the forwarded trailers");
        foreach (HeaderId id in s_never)
        {
            Demand.That(!next.Has(id), "a trailer that must not come so late");
        }
    }

    /// <summary>As the gateway writes it.</summary>
    public static byte[] Forward(ReadOnlySpan<byte> bytes, HeaderTable trailers)
    {
        var writer = new HeadWriter(new byte[bytes.Length + 2]);
        Span<byte> all = writer.Free;
        writer.CopyFields(bytes, trailers, 0);
        writer.Raw("\r\n"u8);
        return all[..writer.Length].ToArray();
    }
}
