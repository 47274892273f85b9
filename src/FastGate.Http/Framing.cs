using System.Buffers.Text;
using System.Text;

namespace FastGate.Http;

/// <summary>What Content-Length, Transfer-Encoding and Connection say, the same for requests and answers.</summary>
internal static class Framing
{
    /// <summary>Options in the Connection fields of a head, empty ones counted. Each is compared with every name:
    /// without a bound a head of 32 KiB would cost milliseconds of its lane.</summary>
    public const int OptionsMax = 64;

    /// <summary>Derives the framing of a head. Everything ambiguous is refused (RFC 9112 section 6.3).</summary>
    public static ParseStatus Read(ReadOnlySpan<byte> data, HeaderTable headers, int minorVersion,
        out BodyFraming framing, out long length)
    {
        framing = BodyFraming.None;
        length = 0;
        int lengthIndex = headers.IndexOf(HeaderId.ContentLength);
        int codingIndex = headers.IndexOf(HeaderId.TransferEncoding);
        if (codingIndex >= 0)
        {
            framing = BodyFraming.Chunked;
            return ReadCoding(data, headers, codingIndex, lengthIndex >= 0, minorVersion);
        }
        if (lengthIndex < 0)
        {
            return ParseStatus.Complete;
        }
        if (headers.IsRepeated(HeaderId.ContentLength))
        {
            return ParseStatus.LengthDuplicate;
        }
        framing = BodyFraming.Length;
        DropZeros(data, ref headers.Mutable(lengthIndex));
        return ReadLength(headers[lengthIndex].Value.Of(data), out length);
    }

    /// <summary>Leading zeros are allowed (RFC 9110 section 8.6), and read as octal by some: they do not go
    /// on.</summary>
    private static void DropZeros(ReadOnlySpan<byte> data, ref Header header)
    {
        ReadOnlySpan<byte> value = header.Value.Of(data);
        if (value.Length < 2 || value[0] != (byte)'0')
        {
            return;
        }
        int zeros = value.IndexOfAnyExcept((byte)'0');
        zeros = zeros < 0 ? value.Length - 1 : zeros;
        header.Value = new Slice(header.Value.Offset + zeros, value.Length - zeros);
        header.Flags |= HeaderFlags.Reshaped;
    }

    private static ParseStatus ReadLength(ReadOnlySpan<byte> value, out long length)
    {
        length = 0;
        if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return ParseStatus.LengthMalformed;
        }
        return Utf8Parser.TryParse(value, out length, out int used) && used == value.Length
            ? ParseStatus.Complete
            : ParseStatus.LengthOverflow;
    }

    private static ParseStatus ReadCoding(ReadOnlySpan<byte> data, HeaderTable headers, int index, bool withLength,
        int minorVersion)
    {
        ReadOnlySpan<byte> value = headers[index].Value.Of(data);
        if (withLength)
        {
            return ParseStatus.LengthWithTransferEncoding;
        }
        if (minorVersion == 0)
        {
            return ParseStatus.TransferEncodingInHttp10;
        }
        if (headers.IsRepeated(HeaderId.TransferEncoding))
        {
            return ParseStatus.TransferEncodingDuplicate;
        }
        if (Ascii.EqualsIgnoreCase(value, "chunked"u8))
        {
            return ParseStatus.Complete;
        }
        return IsListOfOtherCodings(value)
            ? ParseStatus.TransferEncodingUnknown
            : ParseStatus.TransferEncodingMalformed;
    }

    /// <summary>Well-formed, and something we do not implement; chunked anywhere but alone is a disguise.</summary>
    private static bool IsListOfOtherCodings(ReadOnlySpan<byte> value)
    {
        int chunked = 0;
        bool any = false;
        if (value.EndsWith(","u8))
        {
            return false;
        }
        while (!value.IsEmpty)
        {
            ReadOnlySpan<byte> element = Syntax.NextElement(ref value);
            if (!Syntax.IsToken(element))
            {
                return false;
            }
            any = true;
            if (Ascii.EqualsIgnoreCase(element, "chunked"u8))
            {
                chunked++;
                if (chunked > 1 || !value.IsEmpty)
                {
                    return false;
                }
            }
        }
        return any;
    }

    /// <summary>Reads every Connection field: what it says of the connection, and which fields it names.</summary>
    public static ConnectionOptions ReadConnection(ReadOnlySpan<byte> data, HeaderTable headers)
    {
        var options = ConnectionOptions.None;
        if (!headers.Has(HeaderId.Connection))
        {
            return options;
        }
        if (!headers.IsRepeated(HeaderId.Connection))
        {
            // Nearly always one option.
            ReadOnlySpan<byte> only = headers[headers.IndexOf(HeaderId.Connection)].Value.Of(data);
            if (Ascii.EqualsIgnoreCase(only, "keep-alive"u8))
            {
                return ConnectionOptions.KeepAlive;
            }
        }
        int count = 0;
        for (int i = headers.IndexOf(HeaderId.Connection); i < headers.Count; i++)
        {
            if (headers[i].Id == HeaderId.Connection)
            {
                ReadOnlySpan<byte> list = headers[i].Value.Of(data);
                while (!list.IsEmpty)
                {
                    if (++count > OptionsMax)
                    {
                        return ConnectionOptions.TooMany;
                    }
                    options |= ReadOption(data, headers, Syntax.NextElement(ref list));
                }
            }
        }
        return options;
    }

    private static ConnectionOptions ReadOption(ReadOnlySpan<byte> data, HeaderTable headers, ReadOnlySpan<byte> option)
    {
        if (Ascii.EqualsIgnoreCase(option, "close"u8))
        {
            return ConnectionOptions.Close;
        }
        if (Ascii.EqualsIgnoreCase(option, "keep-alive"u8))
        {
            return ConnectionOptions.KeepAlive;
        }
        if (Ascii.EqualsIgnoreCase(option, "upgrade"u8))
        {
            return ConnectionOptions.Upgrade;
        }
        // TE is named by whoever sends it, and no trailer of that name goes on.
        headers.HasNamedFields |= option.Length > 0 && !Ascii.EqualsIgnoreCase(option, "te"u8);
        for (int i = 0; i < headers.Count; i++)
        {
            ref Header header = ref headers.Mutable(i);
            if (!IsEndToEnd(header.Id) && Ascii.EqualsIgnoreCase(header.Name.Of(data), option))
            {
                header.Flags |= HeaderFlags.HopByHop;
            }
        }
        return ConnectionOptions.None;
    }

    /// <summary>Fields that a sender may not take off by naming them in Connection: routing, framing, credentials and
    /// what the gate itself says of the client. Stripping them would let a client choose what the upstream does not see
    /// (RFC 9110 section 7.6.1: such options must not be sent).</summary>
    private static bool IsEndToEnd(HeaderId id) => id is HeaderId.Host or HeaderId.ContentLength
        or HeaderId.Authorization or HeaderId.Cookie or HeaderId.SetCookie or HeaderId.Via or HeaderId.Forwarded
        or HeaderId.XForwardedFor or HeaderId.XForwardedProto or HeaderId.XForwardedHost or HeaderId.XForwardedPort
        or HeaderId.XRealIp or HeaderId.XRequestId or HeaderId.ContentType or HeaderId.ContentEncoding
        or HeaderId.CacheControl or HeaderId.Date or HeaderId.Expect or HeaderId.Trailer or HeaderId.Origin
        or HeaderId.Location or HeaderId.Vary or HeaderId.Age or HeaderId.Expires or HeaderId.ETag
        or HeaderId.LastModified or HeaderId.Range or HeaderId.IfRange or HeaderId.ContentRange
        or HeaderId.ProxyStatus or HeaderId.MaxForwards;
}

[Flags]
internal enum ConnectionOptions : byte
{
    None = 0,
    Close = 1,
    KeepAlive = 2,
    Upgrade = 4,
    /// <summary>More than <see cref="Framing.OptionsMax"/>: refused as too many fields are.</summary>
    TooMany = 8,
}
