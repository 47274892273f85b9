namespace FastGate.Http;

/// <summary>Reads lines and field lines: what request, response and trailers have in common.</summary>
internal static class FieldParser
{
    /// <summary>Finds the end of the line that begins at <paramref name="start"/>.</summary>
    /// <param name="data">All bytes so far.</param>
    /// <param name="start">Where the line begins.</param>
    /// <param name="from">From where nobody has looked yet; at least <paramref name="start"/>.</param>
    /// <param name="end">Index of the CR when complete; when incomplete, from where to look next time.</param>
    public static ParseStatus FindLineEnd(ReadOnlySpan<byte> data, int start, int from, out int end)
    {
        int look = Math.Max(start, from);
        int index = data[look..].IndexOfAny(Syntax.Control);
        if (index < 0)
        {
            end = data.Length;
            return ParseStatus.Incomplete;
        }
        end = look + index;
        byte found = data[end];
        if (found == (byte)'\r')
        {
            if (end + 1 == data.Length)
            {
                return ParseStatus.Incomplete;
            }
            return data[end + 1] == (byte)'\n' ? ParseStatus.Complete : ParseStatus.BareCr;
        }
        return found == (byte)'\n' ? ParseStatus.BareLf : ParseStatus.ControlByte;
    }

    /// <summary>Reads the field lines from <paramref name="start"/> to the empty line.</summary>
    /// <param name="data">All bytes so far.</param>
    /// <param name="start">The first field line.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="headers">Filled; cleared by the caller.</param>
    /// <param name="scanned">As of the parsers.</param>
    /// <param name="consumed">Behind the empty line, when complete.</param>
    public static ParseStatus ReadFields(ReadOnlySpan<byte> data, int start, in HeadLimits limits, HeaderTable headers,
        ref int scanned, out int consumed)
    {
        consumed = 0;
        int position = start;
        while (true)
        {
            ParseStatus status = FindLineEnd(data, position, scanned, out int end);
            if (status != ParseStatus.Complete)
            {
                scanned = end;
                return status == ParseStatus.Incomplete && data.Length > limits.HeadBytesMax
                    ? ParseStatus.HeadTooLarge
                    : status;
            }
            if (end + 2 > limits.HeadBytesMax)
            {
                return ParseStatus.HeadTooLarge;
            }
            if (end == position)
            {
                consumed = end + 2;
                return ParseStatus.Complete;
            }
            if (headers.Count == limits.HeadersMax)
            {
                return ParseStatus.TooManyHeaders;
            }
            status = ReadField(data, position, end, headers);
            if (status != ParseStatus.Complete)
            {
                return status;
            }
            position = end + 2;
        }
    }

    private static ParseStatus ReadField(ReadOnlySpan<byte> data, int start, int end, HeaderTable headers)
    {
        ReadOnlySpan<byte> line = data[start..end];
        int colon = line.IndexOfAnyExcept(Syntax.Token);
        if (colon <= 0 || line[colon] != (byte)':')
        {
            return Diagnose(line, colon, headers.Count == 0);
        }
        ReadOnlySpan<byte> name = line[..colon];
        int valueStart = colon + 1;
        while (valueStart < line.Length && line[valueStart] is (byte)' ' or (byte)'\t')
        {
            valueStart++;
        }
        int valueEnd = line.Length;
        while (valueEnd > valueStart && line[valueEnd - 1] is (byte)' ' or (byte)'\t')
        {
            valueEnd--;
        }
        HeaderId id = HeaderNames.IdOf(name);
        ref Header header = ref headers.Add(id);
        header.Name = new Slice(start, colon);
        header.Value = new Slice(start + valueStart, valueEnd - valueStart);
        header.Line = new Slice(start, end + 2 - start);
        if (HeaderNames.IsHopByHop(id))
        {
            header.Flags = HeaderFlags.HopByHop;
        }
        else if (id == HeaderId.Unknown && name.Contains((byte)'_'))
        {
            header.Flags = HeaderFlags.Underscore;
            headers.HasUnderscores = true;
        }
        return ParseStatus.Complete;
    }

    private static ParseStatus Diagnose(ReadOnlySpan<byte> line, int colon, bool first)
    {
        if (line[0] is (byte)' ' or (byte)'\t')
        {
            return first ? ParseStatus.LeadingSpace : ParseStatus.ObsoleteFold;
        }
        if (line[0] == (byte)':')
        {
            return ParseStatus.NameEmpty;
        }
        if (colon < 0)
        {
            return ParseStatus.ColonMissing;
        }
        ReadOnlySpan<byte> rest = line[colon..].TrimStart(" \t"u8);
        if (line[colon] is (byte)' ' or (byte)'\t')
        {
            return !rest.IsEmpty && rest[0] == (byte)':' ? ParseStatus.SpaceBeforeColon
                : line.Contains((byte)':') ? ParseStatus.NameNotToken
                : ParseStatus.ColonMissing;
        }
        return line.Contains((byte)':') ? ParseStatus.NameNotToken : ParseStatus.ColonMissing;
    }
}
