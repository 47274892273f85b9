using System.Buffers.Binary;
using System.Text;

namespace FastGate.Http;

/// <summary>Known field names: found by their length and a few bytes, then compared once.</summary>
internal static class HeaderNames
{
    private static readonly (string Name, HeaderId Id)[] s_known =
    [
        ("host", HeaderId.Host), ("connection", HeaderId.Connection), ("keep-alive", HeaderId.KeepAlive),
        ("proxy-connection", HeaderId.ProxyConnection), ("transfer-encoding", HeaderId.TransferEncoding),
        ("content-length", HeaderId.ContentLength), ("te", HeaderId.TE), ("trailer", HeaderId.Trailer),
        ("upgrade", HeaderId.Upgrade), ("expect", HeaderId.Expect),
        ("proxy-authenticate", HeaderId.ProxyAuthenticate), ("proxy-authorization", HeaderId.ProxyAuthorization),
        ("authorization", HeaderId.Authorization), ("via", HeaderId.Via), ("max-forwards", HeaderId.MaxForwards),
        ("forwarded", HeaderId.Forwarded), ("x-forwarded-for", HeaderId.XForwardedFor),
        ("x-forwarded-proto", HeaderId.XForwardedProto), ("x-forwarded-host", HeaderId.XForwardedHost),
        ("x-forwarded-port", HeaderId.XForwardedPort), ("x-real-ip", HeaderId.XRealIp),
        ("x-request-id", HeaderId.XRequestId), ("cookie", HeaderId.Cookie), ("set-cookie", HeaderId.SetCookie),
        ("user-agent", HeaderId.UserAgent), ("accept", HeaderId.Accept),
        ("accept-encoding", HeaderId.AcceptEncoding), ("content-type", HeaderId.ContentType),
        ("content-encoding", HeaderId.ContentEncoding), ("date", HeaderId.Date), ("server", HeaderId.Server),
        ("location", HeaderId.Location), ("origin", HeaderId.Origin), ("referer", HeaderId.Referer),
        ("cache-control", HeaderId.CacheControl), ("etag", HeaderId.ETag),
        ("if-none-match", HeaderId.IfNoneMatch), ("if-modified-since", HeaderId.IfModifiedSince),
        ("last-modified", HeaderId.LastModified), ("vary", HeaderId.Vary), ("age", HeaderId.Age),
        ("expires", HeaderId.Expires), ("range", HeaderId.Range), ("retry-after", HeaderId.RetryAfter),
        ("allow", HeaderId.Allow), ("proxy-status", HeaderId.ProxyStatus), ("traceparent", HeaderId.TraceParent),
        ("http2-settings", HeaderId.Http2Settings), ("sec-websocket-key", HeaderId.SecWebSocketKey),
    ];

    private const int Buckets = 256;
    private static readonly byte[] s_idOfBucket = new byte[Buckets];
    private static readonly byte[][] s_nameOfId = new byte[64][];
    private static readonly uint s_seed = Build();

    private const ulong HopByHopIds =
        (1UL << (int)HeaderId.Connection) | (1UL << (int)HeaderId.KeepAlive) | (1UL << (int)HeaderId.ProxyConnection)
        | (1UL << (int)HeaderId.TransferEncoding) | (1UL << (int)HeaderId.TE) | (1UL << (int)HeaderId.Upgrade)
        | (1UL << (int)HeaderId.ProxyAuthorization) | (1UL << (int)HeaderId.Http2Settings);

    /// <summary>Stops at every hop, whether Connection names it or not (RFC 9110 section 7.6.1). Proxy-Authenticate
    /// stays: it speaks of the proxy that sent it, and that may be the upstream.</summary>
    public static bool IsHopByHop(HeaderId id) => ((HopByHopIds >> (int)id) & 1) != 0;

    public static HeaderId IdOf(ReadOnlySpan<byte> name)
    {
        if (name.Length is < 2 or > 19)
        {
            return HeaderId.Unknown;
        }
        byte id = s_idOfBucket[Hash(name, s_seed)];
        return id != 0 && Ascii.EqualsIgnoreCase(name, s_nameOfId[id]) ? (HeaderId)id : HeaderId.Unknown;
    }

    /// <summary>Length, first two and last two letters; the case bit does not count.</summary>
    private static uint Hash(ReadOnlySpan<byte> name, uint seed)
    {
        uint first = BinaryPrimitives.ReadUInt16LittleEndian(name) | 0x2020u;
        uint last = BinaryPrimitives.ReadUInt16LittleEndian(name[^2..]) | 0x2020u;
        uint mixed = ((first << 16) ^ last ^ ((uint)name.Length << 11)) * seed;
        return mixed >> 24;
    }

    /// <summary>Finds, once, a multiplier with which no two known names meet in a bucket.</summary>
    private static uint Build()
    {
        foreach ((string name, HeaderId id) in s_known)
        {
            s_nameOfId[(int)id] = Encoding.ASCII.GetBytes(name);
        }
        for (uint seed = 0x9E3779B1; ; seed += 2)
        {
            Array.Clear(s_idOfBucket);
            bool clash = false;
            foreach ((string _, HeaderId id) in s_known)
            {
                ref byte bucket = ref s_idOfBucket[Hash(s_nameOfId[(int)id], seed)];
                clash |= bucket != 0;
                bucket = (byte)id;
            }
            if (!clash)
            {
                return seed;
            }
        }
    }
}
