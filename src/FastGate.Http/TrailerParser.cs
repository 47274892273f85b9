using System.Text;

namespace FastGate.Http;

/// <summary>Parses the trailer section behind the last chunk (RFC 9112 section 7.1.2), its empty line
/// included.</summary>
public static class TrailerParser
{
    /// <summary>Fields that must not come so late: they would change how the message is read or routed, or who is
    /// believed to have sent it (RFC 9110 section 6.5.1). They are dropped.</summary>
    private static bool IsForbidden(HeaderId id) => id is HeaderId.Host or HeaderId.ContentLength
        or HeaderId.TransferEncoding or HeaderId.Connection or HeaderId.KeepAlive or HeaderId.ProxyConnection
        or HeaderId.TE or HeaderId.Trailer or HeaderId.Upgrade or HeaderId.Expect or HeaderId.MaxForwards
        or HeaderId.Authorization or HeaderId.ProxyAuthorization or HeaderId.ProxyAuthenticate or HeaderId.Cookie
        or HeaderId.SetCookie or HeaderId.ContentType or HeaderId.ContentEncoding or HeaderId.Range
        or HeaderId.CacheControl or HeaderId.Date or HeaderId.Location or HeaderId.RetryAfter or HeaderId.Vary
        or HeaderId.Age or HeaderId.Expires or HeaderId.Forwarded or HeaderId.XForwardedFor
        or HeaderId.XForwardedProto or HeaderId.XForwardedHost or HeaderId.XForwardedPort or HeaderId.XRealIp
        or HeaderId.XRequestId or HeaderId.Via or HeaderId.Http2Settings or HeaderId.IfNoneMatch
        or HeaderId.IfModifiedSince or HeaderId.Origin or HeaderId.ProxyStatus;

    /// <summary>Kinds of fields that are read before the content or not at all: conditions, what the content is, the
    /// handshake of WebSocket, challenges, what browsers may do with an answer, another method.</summary>
    private static bool IsOfForbiddenKind(ReadOnlySpan<byte> name)
    {
        foreach (byte[] kind in s_forbiddenKinds)
        {
            if (name.Length >= kind.Length && Ascii.EqualsIgnoreCase(name[..kind.Length], kind))
            {
                return true;
            }
        }
        return false;
    }

    private static readonly byte[][] s_forbiddenKinds =
    [
        "if-"u8.ToArray(), "content-range"u8.ToArray(), "content-location"u8.ToArray(), "content-language"u8.ToArray(),
        "content-disposition"u8.ToArray(), "content-security-"u8.ToArray(), "sec-"u8.ToArray(), "proxy-"u8.ToArray(),
        "www-authenticate"u8.ToArray(), "access-control-"u8.ToArray(), "strict-transport-"u8.ToArray(),
        "x-http-method"u8.ToArray(), "x-method-override"u8.ToArray(), "x-original-"u8.ToArray(),
        "x-rewrite-"u8.ToArray(),
    ];

    /// <param name="data">Everything received from behind the last chunk's line on.</param>
    /// <param name="limits">Bounds of the section.</param>
    /// <param name="trailers">Filled when complete; what must not be passed on is marked so.</param>
    /// <param name="scanned">0 at first; kept while the section grows.</param>
    /// <param name="consumed">Bytes of the section when complete.</param>
    public static ParseStatus Parse(ReadOnlySpan<byte> data, in HeadLimits limits, HeaderTable trailers,
        ref int scanned, out int consumed)
    {
        trailers.Clear();
        consumed = 0;
        if (scanned > 0 && !data.StartsWith("\r\n"u8))
        {
            ParseStatus going = HeadScan.Continue(data, limits.HeadBytesMax, ref scanned);
            if (going != ParseStatus.Complete)
            {
                return going;
            }
        }
        scanned = 0;
        ParseStatus status = FieldParser.ReadFields(data, 0, limits, trailers, ref scanned, out consumed);
        if (status == ParseStatus.Complete)
        {
            for (int i = 0; i < trailers.Count; i++)
            {
                if (IsForbidden(trailers[i].Id) || IsOfForbiddenKind(trailers[i].Name.Of(data))
                    || (trailers[i].Flags & (HeaderFlags.SpeaksOfClient | HeaderFlags.Respelt)) != 0)
                {
                    trailers.LeaveOut(i);
                }
            }
        }
        return status;
    }
}
