using System.Buffers.Text;
using System.Text;

namespace FastGate.Http;

/// <summary>Parses the head of an answer (RFC 9112 sections 4 to 6), as strictly as a request's.</summary>
public static class ResponseParser
{
    /// <summary>Fields of one value: the first goes on, for two recipients could choose differently.</summary>
    private const ulong Singletons = (1UL << (int)HeaderId.ContentType) | (1UL << (int)HeaderId.Location)
        | (1UL << (int)HeaderId.Date) | (1UL << (int)HeaderId.ETag) | (1UL << (int)HeaderId.LastModified)
        | (1UL << (int)HeaderId.Age) | (1UL << (int)HeaderId.Expires) | (1UL << (int)HeaderId.RetryAfter);

    /// <param name="data">Everything received, from the first byte of the head on.</param>
    /// <param name="limits">Bounds of the head.</param>
    /// <param name="answersHead">The request was HEAD: there is no body whatever the fields say.</param>
    /// <param name="head">Filled when complete; its slices refer to <paramref name="data"/>.</param>
    /// <param name="scanned">0 for a new head; kept from call to call while it grows.</param>
    public static ParseStatus Parse(ReadOnlySpan<byte> data, in HeadLimits limits, bool answersHead, ResponseHead head,
        ref int scanned)
    {
        if (scanned > 0)
        {
            ParseStatus going = HeadScan.Continue(data, limits.HeadBytesMax, ref scanned);
            if (going != ParseStatus.Complete)
            {
                return going;
            }
        }
        scanned = 0;
        ParseStatus status = FieldParser.FindLineEnd(data, 0, 0, out int end);
        if (status != ParseStatus.Complete)
        {
            scanned = end;
            return status == ParseStatus.Incomplete && data.Length > limits.HeadBytesMax
                ? ParseStatus.HeadTooLarge
                : status;
        }
        status = ReadStatusLine(data[..end], head);
        if (status != ParseStatus.Complete)
        {
            return status;
        }
        head.Headers.Clear();
        status = FieldParser.ReadFields(data, end + 2, limits, head.Headers, ref scanned, out int consumed);
        if (status != ParseStatus.Complete)
        {
            return status;
        }
        head.Length = consumed;
        return Derive(data, answersHead, head);
    }

    private static ParseStatus ReadStatusLine(ReadOnlySpan<byte> line, ResponseHead head)
    {
        if (line.StartsWith("HTTP/1.1 "u8))
        {
            head.MinorVersion = 1;
        }
        else if (line.StartsWith("HTTP/1.0 "u8))
        {
            head.MinorVersion = 0;
        }
        else
        {
            return ParseStatus.StatusLineMalformed;
        }
        // "HTTP/1.1 200", "HTTP/1.1 200 " and "HTTP/1.1 200 OK" are all sent.
        if (line.Length < 12 || line.Slice(9, 3).ContainsAnyExceptInRange((byte)'0', (byte)'9')
            || (line.Length > 12 && line[12] != (byte)' '))
        {
            return ParseStatus.StatusLineMalformed;
        }
        head.Status = ((line[9] - '0') * 100) + ((line[10] - '0') * 10) + (line[11] - '0');
        head.Reason = line.Length > 13 ? new Slice(13, line.Length - 13) : default;
        return head.Status >= 100 ? ParseStatus.Complete : ParseStatus.StatusOutOfRange;
    }

    private static ParseStatus Derive(ReadOnlySpan<byte> data, bool answersHead, ResponseHead head)
    {
        HeaderTable headers = head.Headers;
        ParseStatus status = Framing.Read(data, headers, head.MinorVersion, out BodyFraming framing, out long length);
        if (status != ParseStatus.Complete)
        {
            return status;
        }
        ConnectionOptions options = Framing.ReadConnection(data, headers);
        if (options == ConnectionOptions.TooMany)
        {
            return ParseStatus.TooManyHeaders;
        }
        head.Upgrade = head.MinorVersion > 0 && (options & ConnectionOptions.Upgrade) != 0
            && headers.Has(HeaderId.Upgrade);
        head.ContentLength = length;
        // 205 has no content either, but not all clients know that by its status alone: it is framed as none.
        bool empty = head.Status is < 200 or 204 or 205;
        // Who announces content where none may be will perhaps send it: nobody else's answer may come behind it.
        bool promises = empty && (framing == BodyFraming.Chunked || length > 0
            || (head.Status == 205 && framing == BodyFraming.None));
        if (answersHead || empty || head.Status == 304)
        {
            if (empty)
            {
                LeaveOutLength(headers);
            }
            if (head.Status < 200 && promises)
            {
                return ParseStatus.ContentInInterim;
            }
            head.Framing = BodyFraming.None;
        }
        else if (framing == BodyFraming.None)
        {
            head.Framing = BodyFraming.UntilClose;
        }
        else
        {
            head.Framing = framing == BodyFraming.Length && length == 0 ? BodyFraming.None : framing;
        }
        head.KeepAlive = head.Framing != BodyFraming.UntilClose && (options & ConnectionOptions.Close) == 0
            && (head.MinorVersion > 0 || (options & ConnectionOptions.KeepAlive) != 0) && !promises;
        head.KeepAliveTimeout = ReadKeepAlive(data, headers);
        if ((headers.Repeated & Singletons) != 0)
        {
            KeepFirst(headers);
        }
        return ParseStatus.Complete;
    }

    private static void KeepFirst(HeaderTable headers)
    {
        ulong repeated = headers.Repeated & Singletons;
        for (int i = 0; i < headers.Count; i++)
        {
            HeaderId id = headers[i].Id;
            if (((repeated >> (int)id) & 1) != 0 && headers.IndexOf(id) != i)
            {
                headers.LeaveOut(i);
            }
        }
    }

    /// <summary>1xx and 204 must not have one (RFC 9110 section 8.6), 205 none but 0 (section 15.3.6), which is written
    /// anew; passed on, the client could wait for a body.</summary>
    private static void LeaveOutLength(HeaderTable headers)
    {
        int index = headers.IndexOf(HeaderId.ContentLength);
        if (index >= 0)
        {
            headers.LeaveOut(index);
        }
    }

    private static int ReadKeepAlive(ReadOnlySpan<byte> data, HeaderTable headers)
    {
        int index = headers.IndexOf(HeaderId.KeepAlive);
        if (index < 0)
        {
            return -1;
        }
        ReadOnlySpan<byte> list = headers[index].Value.Of(data);
        while (!list.IsEmpty)
        {
            ReadOnlySpan<byte> element = Syntax.NextElement(ref list);
            if (element.Length > 8 && Ascii.EqualsIgnoreCase(element[..8], "timeout="u8)
                && Utf8Parser.TryParse(element[8..], out int seconds, out int used) && used == element.Length - 8
                && seconds >= 0)
            {
                return Math.Min(seconds, 24 * 3600);
            }
        }
        return -1;
    }
}
