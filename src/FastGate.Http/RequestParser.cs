using System.Buffers.Text;
using System.Text;

namespace FastGate.Http;

/// <summary>Parses a request head (RFC 9112 sections 2 to 6): a pure function over one span.</summary>
public static class RequestParser
{
    /// <summary>The longest method in the IANA registry has 17 bytes; a longer one of a user's own has room.</summary>
    public const int MethodBytesMax = 64;

    /// <summary>Fields of one value that decide who asks, for what part of it, or how the content is read: with two of
    /// them the server behind could take the other one (RFC 9110 section 5.3). Two of the same are no better, for some
    /// servers join them.</summary>
    private const ulong Singletons = (1UL << (int)HeaderId.Authorization) | (1UL << (int)HeaderId.ContentType)
        | (1UL << (int)HeaderId.ContentRange) | (1UL << (int)HeaderId.Range) | (1UL << (int)HeaderId.IfRange)
        | (1UL << (int)HeaderId.IfModifiedSince) | (1UL << (int)HeaderId.IfUnmodifiedSince)
        | (1UL << (int)HeaderId.Origin) | (1UL << (int)HeaderId.MaxForwards) | (1UL << (int)HeaderId.SecWebSocketKey);

    /// <param name="data">Everything received, from the first byte of the head on; it may go on behind the
    /// head.</param>
    /// <param name="limits">Bounds of the head.</param>
    /// <param name="head">Filled when complete; its slices refer to <paramref name="data"/>.</param>
    /// <param name="scanned">0 for a new head; kept from call to call while it grows.</param>
    public static ParseStatus Parse(ReadOnlySpan<byte> data, in HeadLimits limits, RequestHead head, ref int scanned)
    {
        if (scanned > 0)
        {
            ParseStatus status = HeadScan.Continue(data, limits.HeadBytesMax, ref scanned);
            if (status != ParseStatus.Complete)
            {
                return status;
            }
        }
        scanned = 0;
        return ParseFromStart(data, limits, head, ref scanned);
    }

    private static ParseStatus ParseFromStart(ReadOnlySpan<byte> data, in HeadLimits limits, RequestHead head,
        ref int scanned)
    {
        // One empty line before a request is a leftover of an old client (RFC 9112 section 2.2).
        int start = data.StartsWith("\r\n"u8) ? 2 : 0;
        ParseStatus status = FieldParser.FindLineEnd(data, start, start, out int end);
        if (status != ParseStatus.Complete)
        {
            scanned = end;
            return status == ParseStatus.Incomplete && data.Length > limits.HeadBytesMax
                ? TooLong(data[start..])
                : status;
        }
        if (end > limits.HeadBytesMax)
        {
            return TooLong(data[start..]);
        }
        status = ReadRequestLine(data, start, end, head);
        if (status != ParseStatus.Complete)
        {
            return status;
        }
        HeaderTable headers = head.Headers;
        headers.Clear();
        status = FieldParser.ReadFields(data, end + 2, limits, headers, ref scanned, out int consumed);
        if (status != ParseStatus.Complete)
        {
            return status;
        }
        head.Length = consumed;
        return Derive(data, head);
    }

    private static ParseStatus TooLong(ReadOnlySpan<byte> line) =>
        line[..Math.Min(line.Length, MethodBytesMax + 1)].Contains((byte)' ')
            ? ParseStatus.TargetTooLong
            : ParseStatus.MethodTooLong;

    private static ParseStatus ReadRequestLine(ReadOnlySpan<byte> data, int start, int end, RequestHead head)
    {
        ReadOnlySpan<byte> line = data[start..end];
        // Most requests; the search costs more than the name.
        int methodEnd = line.StartsWith("GET "u8) ? 3 : line.IndexOfAnyExcept(Syntax.Token);
        if (methodEnd <= 0 || line[methodEnd] != (byte)' ')
        {
            return methodEnd > 0 && line[methodEnd] == (byte)'\t'
                ? ParseStatus.RequestLineSpaces
                : ParseStatus.MethodNotToken;
        }
        if (methodEnd > MethodBytesMax)
        {
            return ParseStatus.MethodTooLong;
        }
        ReadOnlySpan<byte> rest = line[(methodEnd + 1)..];
        int targetEnd = rest.IndexOfAnyExcept(Syntax.Target);
        if (targetEnd < 0)
        {
            // HTTP/0.9, which has no version.
            return rest.IsEmpty ? ParseStatus.TargetEmpty : ParseStatus.VersionMalformed;
        }
        if (rest[targetEnd] != (byte)' ')
        {
            return rest[targetEnd] == (byte)'\t' ? ParseStatus.RequestLineSpaces : ParseStatus.TargetByte;
        }
        if (targetEnd == 0)
        {
            return ParseStatus.RequestLineSpaces;
        }
        ParseStatus status = ReadVersion(rest[(targetEnd + 1)..], out int minor);
        if (status != ParseStatus.Complete)
        {
            return status;
        }
        head.MethodName = new Slice(start, methodEnd);
        head.Method = MethodNames.Of(line[..methodEnd]);
        head.MinorVersion = minor;
        return RequestTarget.Read(data, new Slice(start + methodEnd + 1, targetEnd), head);
    }

    private static ParseStatus ReadVersion(ReadOnlySpan<byte> text, out int minor)
    {
        minor = 1;
        if (text.SequenceEqual("HTTP/1.1"u8))
        {
            return ParseStatus.Complete;
        }
        minor = 0;
        if (text.SequenceEqual("HTTP/1.0"u8))
        {
            return ParseStatus.Complete;
        }
        if (!text.IsEmpty && text.ContainsAny(" \t"u8))
        {
            return ParseStatus.RequestLineSpaces;
        }
        return text.Length == 8 && text.StartsWith("HTTP/"u8) && char.IsAsciiDigit((char)text[5])
            && text[6] == (byte)'.' && char.IsAsciiDigit((char)text[7])
            ? ParseStatus.VersionNotSupported
            : ParseStatus.VersionMalformed;
    }

    private static ParseStatus Derive(ReadOnlySpan<byte> data, RequestHead head)
    {
        HeaderTable headers = head.Headers;
        ParseStatus status = ReadHost(data, head);
        if (status != ParseStatus.Complete)
        {
            return status;
        }
        status = Framing.Read(data, headers, head.MinorVersion, out BodyFraming framing, out long length);
        if (status != ParseStatus.Complete)
        {
            return status;
        }
        // A length of nothing is no body.
        head.Framing = framing == BodyFraming.Length && length == 0 ? BodyFraming.None : framing;
        head.ContentLength = length;
        ConnectionOptions options = Framing.ReadConnection(data, headers);
        if (options == ConnectionOptions.TooMany)
        {
            return ParseStatus.TooManyHeaders;
        }
        head.KeepAlive = (options & ConnectionOptions.Close) == 0
            && (head.MinorVersion > 0 || (options & ConnectionOptions.KeepAlive) != 0);
        head.Upgrade = head.MinorVersion > 0 && (options & ConnectionOptions.Upgrade) != 0
            && headers.Has(HeaderId.Upgrade) && Upgrades.MayBeAskedFor(headers, data);
        if ((headers.Repeated & Singletons) != 0)
        {
            return ParseStatus.SingletonDuplicate;
        }
        head.MaxForwards = -1;
        if (head.Method is Method.Options or Method.Trace)
        {
            status = ReadHops(data, head);
            if (status != ParseStatus.Complete)
            {
                return status;
            }
        }
        return ReadExpect(data, head);
    }

    /// <summary>What only OPTIONS and TRACE have: a number of hops (RFC 9110 section 7.6.2). And TRACE has no content
    /// (section 9.3.8): a server that does not expect one would read it as the next request.</summary>
    private static ParseStatus ReadHops(ReadOnlySpan<byte> data, RequestHead head)
    {
        if (head.Method == Method.Trace && head.Framing != BodyFraming.None)
        {
            return ParseStatus.ContentInTrace;
        }
        int index = head.Headers.IndexOf(HeaderId.MaxForwards);
        if (index < 0)
        {
            return ParseStatus.Complete;
        }
        ReadOnlySpan<byte> value = head.Headers[index].Value.Of(data);
        if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            return ParseStatus.MaxForwardsMalformed;
        }
        // A number beyond ours is cut to the largest that we know, as that section wants it.
        head.MaxForwards = Utf8Parser.TryParse(value, out int hops, out int used) && used == value.Length
            ? hops
            : int.MaxValue;
        return ParseStatus.Complete;
    }

    private static ParseStatus ReadHost(ReadOnlySpan<byte> data, RequestHead head)
    {
        HeaderTable headers = head.Headers;
        int index = headers.IndexOf(HeaderId.Host);
        if (index < 0)
        {
            if (head.Form is TargetForm.Origin or TargetForm.Asterisk)
            {
                head.Authority = default;
            }
            return head.MinorVersion == 0 ? ParseStatus.Complete : ParseStatus.HostMissing;
        }
        if (headers.IsRepeated(HeaderId.Host))
        {
            return ParseStatus.HostDuplicate;
        }
        Slice host = headers[index].Value;
        if (!Authority.IsValid(data, host))
        {
            return ParseStatus.HostMalformed;
        }
        if (head.Form is TargetForm.Origin or TargetForm.Asterisk)
        {
            head.Authority = host;
        }
        return ParseStatus.Complete;
    }

    private static ParseStatus ReadExpect(ReadOnlySpan<byte> data, RequestHead head)
    {
        head.ExpectContinue = false;
        int index = head.Headers.IndexOf(HeaderId.Expect);
        if (index < 0)
        {
            return ParseStatus.Complete;
        }
        if (head.MinorVersion == 0)
        {
            LeaveOutExpect(head.Headers, index);
            return ParseStatus.Complete;
        }
        if (head.Headers.IsRepeated(HeaderId.Expect)
            || !Ascii.EqualsIgnoreCase(head.Headers[index].Value.Of(data), "100-continue"u8))
        {
            return ParseStatus.ExpectationUnknown;
        }
        if (head.Framing == BodyFraming.None)
        {
            // Nothing to wait for (RFC 9110 section 10.1.1): its sender must not have asked.
            LeaveOutExpect(head.Headers, index);
            return ParseStatus.Complete;
        }
        head.ExpectContinue = true;
        return ParseStatus.Complete;
    }

    /// <summary>In HTTP/1.0 it says nothing (RFC 9110 section 10.1.1); passed on in HTTP/1.1, it would.</summary>
    private static void LeaveOutExpect(HeaderTable headers, int index)
    {
        for (; index < headers.Count; index++)
        {
            if (headers[index].Id == HeaderId.Expect)
            {
                headers.LeaveOut(index);
            }
        }
    }
}
