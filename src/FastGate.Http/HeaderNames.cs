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
        ("if-range", HeaderId.IfRange), ("if-unmodified-since", HeaderId.IfUnmodifiedSince),
        ("content-range", HeaderId.ContentRange),
    ];

    private const int Buckets = 256;
    private const int LengthMax = 19;

    /// <summary>What a bucket holds: a name in lower case, its first 16 bytes as they are compared.</summary>
    private struct Known
    {
        public Vector128<byte> Lower;
        /// <summary>Ones for the bytes of the name.</summary>
        public Vector128<byte> Mask;
        public byte[] Name;
        public byte Length;
        public HeaderId Id;
    }

    private static readonly Known[] s_buckets = new Known[Buckets];
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
    /// written: many servers read an underscore as a dash, and some any sign.</summary>
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
            if (lower[i] == (byte)'-' ? char.IsAsciiLetterOrDigit((char)name[i]) : (name[i] | 0x20) != lower[i])
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>A look at the first byte that spares most names the comparison: it must be one of those of the names
    /// that are meant, or a sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MayBeDisguised(ReadOnlySpan<byte> name)
    {
        const uint Firsts = (1u << ('c' - 'a')) | (1u << ('h' - 'a')) | (1u << ('t' - 'a'));
        uint letter = (uint)((name[0] | 0x20) - 'a');
        return letter > 'z' - 'a' || ((Firsts >> (int)letter) & 1) != 0;
    }

    /// <summary>True for a name that is none of those that say where a message ends and whom it is for, but would be
    /// one but for its signs, such as <c>Transfer-Encoding'</c> or <c>TransferEncoding</c>: tokens that nobody needs,
    /// and that a careless reader may take for the real one. Those whose dash is an underscore are not meant: whether
    /// they are refused or dropped is the operator's to say (<see cref="IdWithDashes"/>).</summary>
    /// <param name="name">A token whose id is Unknown.</param>
    public static bool IsDisguised(ReadOnlySpan<byte> name)
    {
        int start = 0;
        while (start < name.Length && !char.IsAsciiLetterOrDigit((char)name[start]))
        {
            start++;
        }
        if (start == name.Length)
        {
            return false;
        }
        return (name[start] | 0x20) switch
        {
            'h' => IsButSigns(name, "host"u8),
            'c' => IsButSigns(name, "content-length"u8),
            't' => IsButSigns(name, "transfer-encoding"u8),
            _ => false,
        };
    }

    private static bool IsButSigns(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower)
    {
        int at = 0;
        bool underscores = name.Length == lower.Length;
        for (int i = 0; i < name.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit((char)name[i]))
            {
                underscores = underscores && name[i] == (byte)'_' && lower[i] == (byte)'-';
                continue;
            }
            if (at < lower.Length && lower[at] == (byte)'-')
            {
                at++;
            }
            if (at == lower.Length || (name[i] | 0x20) != lower[at++])
            {
                return false;
            }
        }
        return at == lower.Length && !underscores;
    }

    /// <summary>The id of the name that stands at <paramref name="start"/>; Unknown for any other.</summary>
    public static HeaderId IdOf(ReadOnlySpan<byte> data, int start, int length)
    {
        if (length is < 2 or > LengthMax)
        {
            return HeaderId.Unknown;
        }
        ReadOnlySpan<byte> name = data.Slice(start, length);
        ref readonly Known known = ref s_buckets[Hash(name, s_seed)];
        if (known.Length != length)
        {
            return HeaderId.Unknown;
        }
        if (length > Vector128<byte>.Count || data.Length - start < Vector128<byte>.Count)
        {
            return Ascii.EqualsIgnoreCase(name, known.Name) ? known.Id : HeaderId.Unknown;
        }
        // Setting the case bit makes no other tchar into one that a known name has.
        Vector128<byte> lower = Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(name))
            | Vector128.Create((byte)0x20);
        return ((lower ^ known.Lower) & known.Mask) == Vector128<byte>.Zero ? known.Id : HeaderId.Unknown;
    }

    /// <summary>The id that a name with underscores has for whoever reads them as dashes.</summary>
    public static HeaderId IdWithDashes(ReadOnlySpan<byte> name)
    {
        if (name.Length > LengthMax)
        {
            return HeaderId.Unknown;
        }
        Span<byte> dashed = stackalloc byte[name.Length];
        name.Replace(dashed, (byte)'_', (byte)'-');
        return IdOf(dashed, 0, dashed.Length);
    }

    /// <summary>Length, first two and last two letters, of two at least; the case bit does not count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(ReadOnlySpan<byte> name, uint seed)
    {
        ref byte at = ref MemoryMarshal.GetReference(name);
        uint first = Unsafe.ReadUnaligned<ushort>(ref at) | 0x2020u;
        uint last = Unsafe.ReadUnaligned<ushort>(ref Unsafe.Add(ref at, name.Length - 2)) | 0x2020u;
        uint mixed = ((first << 16) ^ last ^ ((uint)name.Length << 11)) * seed;
        return mixed >> 24;
    }

    /// <summary>Finds, once, a multiplier with which no two known names meet in a bucket.</summary>
    private static uint Build()
    {
        for (uint seed = 0x9E3779B1; ; seed += 2)
        {
            Array.Clear(s_buckets);
            bool clash = false;
            foreach ((string name, HeaderId id) in s_known)
            {
                byte[] bytes = Encoding.ASCII.GetBytes(name);
                ref Known bucket = ref s_buckets[Hash(bytes, seed)];
                clash |= bucket.Length != 0;
                bucket = Entry(bytes, id);
            }
            if (!clash)
            {
                return seed;
            }
        }
    }

    private static Known Entry(byte[] name, HeaderId id)
    {
        byte[] padded = new byte[Vector128<byte>.Count];
        byte[] mask = new byte[Vector128<byte>.Count];
        int compared = Math.Min(name.Length, padded.Length);
        name.AsSpan(0, compared).CopyTo(padded);
        mask.AsSpan(0, compared).Fill(0xFF);
        return new Known
        {
            Lower = Vector128.Create(padded),
            Mask = Vector128.Create(mask),
            Name = name,
            Length = (byte)name.Length,
            Id = id,
        };
    }
}
