using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
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
    private static readonly Vector128<byte>[] s_vectorOfId = new Vector128<byte>[64];
    private static readonly Vector128<byte>[] s_maskOfLength = Masks();
    private static readonly uint s_seed = Build();

    private const ulong HopByHopIds =
        (1UL << (int)HeaderId.Connection) | (1UL << (int)HeaderId.KeepAlive) | (1UL << (int)HeaderId.ProxyConnection)
        | (1UL << (int)HeaderId.TransferEncoding) | (1UL << (int)HeaderId.TE) | (1UL << (int)HeaderId.Upgrade)
        | (1UL << (int)HeaderId.ProxyAuthorization) | (1UL << (int)HeaderId.Http2Settings);

    /// <summary>Stops at every hop, whether Connection names it or not (RFC 9110 section 7.6.1). Proxy-Authenticate
    /// stays: it speaks of the proxy that sent it, and that may be the upstream.</summary>
    public static bool IsHopByHop(HeaderId id) => ((HopByHopIds >> (int)id) & 1) != 0;

    /// <summary>A look at three letters that spares most names the comparison: <c>x-fo</c> or <c>x-re</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MaySpeakOfClient(ReadOnlySpan<byte> name) => name.Length > 8 && (name[0] | 0x20) == 'x'
        && (BinaryPrimitives.ReadUInt16LittleEndian(name[2..]) | 0x2020) is ('f' | ('o' << 8)) or ('r' | ('e' << 8));

    /// <summary>True for <c>X-Forwarded-*</c>, <c>X-Real-IP</c> and <c>X-Request-Id</c>, however their dashes are
    /// written: many servers read an underscore as a dash.</summary>
    public static bool SpeaksOfClient(ReadOnlySpan<byte> name) =>
        (name.Length > 12 && EqualsButDashes(name[..12], "x-forwarded-"u8))
        || EqualsButDashes(name, "x-real-ip"u8) || EqualsButDashes(name, "x-request-id"u8);

    private static bool EqualsButDashes(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower)
    {
        if (name.Length != lower.Length)
        {
            return false;
        }
        for (int i = 0; i < name.Length; i++)
        {
            if (lower[i] == (byte)'-' ? name[i] is not ((byte)'-' or (byte)'_') : (name[i] | 0x20) != lower[i])
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>The id of the name that stands at <paramref name="start"/>; Unknown for any other.</summary>
    public static HeaderId IdOf(ReadOnlySpan<byte> data, int start, int length)
    {
        if (length is < 2 or > 19)
        {
            return HeaderId.Unknown;
        }
        ReadOnlySpan<byte> name = data.Slice(start, length);
        byte id = s_idOfBucket[Hash(name, s_seed)];
        if (id == 0 || s_nameOfId[id].Length != length)
        {
            return HeaderId.Unknown;
        }
        if (length > Vector128<byte>.Count || data.Length - start < Vector128<byte>.Count)
        {
            return Ascii.EqualsIgnoreCase(name, s_nameOfId[id]) ? (HeaderId)id : HeaderId.Unknown;
        }
        // Setting the case bit makes no other tchar into one that a known name has.
        Vector128<byte> lower = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(name))
            | Vector128.Create((byte)0x20);
        Vector128<byte> differs = (lower ^ s_vectorOfId[id]) & s_maskOfLength[length];
        return differs == Vector128<byte>.Zero ? (HeaderId)id : HeaderId.Unknown;
    }

    /// <summary>Length, first two and last two letters; the case bit does not count.</summary>
    private static uint Hash(ReadOnlySpan<byte> name, uint seed)
    {
        uint first = BinaryPrimitives.ReadUInt16LittleEndian(name) | 0x2020u;
        uint last = BinaryPrimitives.ReadUInt16LittleEndian(name[^2..]) | 0x2020u;
        uint mixed = ((first << 16) ^ last ^ ((uint)name.Length << 11)) * seed;
        return mixed >> 24;
    }

    /// <summary>By length: ones for the bytes of the name.</summary>
    private static Vector128<byte>[] Masks()
    {
        var masks = new Vector128<byte>[Vector128<byte>.Count + 1];
        for (int length = 0; length < masks.Length; length++)
        {
            byte[] mask = new byte[Vector128<byte>.Count];
            mask.AsSpan(0, length).Fill(0xFF);
            masks[length] = Vector128.Create(mask);
        }
        return masks;
    }

    /// <summary>Finds, once, a multiplier with which no two known names meet in a bucket.</summary>
    private static uint Build()
    {
        foreach ((string name, HeaderId id) in s_known)
        {
            s_nameOfId[(int)id] = Encoding.ASCII.GetBytes(name);
            byte[] padded = new byte[Vector128<byte>.Count];
            s_nameOfId[(int)id].AsSpan(0, Math.Min(name.Length, padded.Length)).CopyTo(padded);
            s_vectorOfId[(int)id] = Vector128.Create(padded);
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
