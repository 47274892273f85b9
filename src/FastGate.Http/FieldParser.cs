using System.Runtime.CompilerServices;

namespace FastGate.Http;

/// <summary>Reads lines and field lines: what request, response and trailers have in common.</summary>
internal static class FieldParser
{
    /// <summary>Finds the end of the line that begins at <paramref name="start"/>.</summary>
    /// <param name="data">All bytes so far.</param>
    /// <param name="start">Where the line begins.</param>
    /// <param name="from">From where nobody has looked yet; at least <paramref name="start"/>.</param>
    /// <param name="end">Index of the CR when complete; when incomplete, from where to look next time.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ParseStatus FindLineEnd(ReadOnlySpan<byte> data, int start, int from, out int end)
    {
        end = ByteScan.Control(data, Math.Max(start, from));
        if (end == data.Length)
        {
            return ParseStatus.Incomplete;
        }
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
            // The name's own end comes first: where it is a colon, the line's end is looked for behind it only.
            int colon = ByteScan.NonToken(data, position);
            bool named = colon < data.Length && data[colon] == (byte)':' && colon > position;
            ParseStatus status = FindLineEnd(data, named ? colon : position, 0, out int end);
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
                return headers.HasDisguised ? ParseStatus.NameDisguised : ParseStatus.Complete;
            }
            if (headers.Count == limits.HeadersMax)
            {
                return ParseStatus.TooManyHeaders;
            }
            if (!named)
            {
                ReadOnlySpan<byte> line = data[position..end];
                return Diagnose(line, Math.Min(colon, end) - position, headers.Count == 0);
            }
            Add(data, position, colon, end, headers);
            position = end + 2;
        }
    }

    private static void Add(ReadOnlySpan<byte> data, int start, int colon, int end, HeaderTable headers)
    {
        int valueStart = colon + 1;
        int valueEnd = end;
        // Nearly always one space before the value and none behind it. No other control is left than HTAB.
        bool isUsual = end - colon > 2 && data[colon + 1] == (byte)' ' && data[colon + 2] > (byte)' '
            && data[end - 1] > (byte)' ';
        if (isUsual)
        {
            valueStart++;
        }
        else
        {
            Trim(data, ref valueStart, ref valueEnd);
        }
        HeaderId id = HeaderNames.IdOf(data, start, colon - start);
        ref Header header = ref headers.Add(id);
        header.Name = new Slice(start, colon - start);
        header.Value = new Slice(valueStart, valueEnd - valueStart);
        header.Line = new Slice(start, end + 2 - start);
        if (!isUsual && IsReshaped(data, colon, end, header.Value))
        {
            header.Flags = HeaderFlags.Reshaped;
        }
        if (HeaderNames.IsHopByHop(id))
        {
            header.Flags |= HeaderFlags.HopByHop;
        }
        else if (id == HeaderId.Unknown)
        {
            FlagUnknown(data[start..colon], ref header, headers);
        }
    }

    private static void Trim(ReadOnlySpan<byte> data, ref int start, ref int end)
    {
        while (start < end && data[start] is (byte)' ' or (byte)'\t')
        {
            start++;
        }
        while (end > start && data[end - 1] is (byte)' ' or (byte)'\t')
        {
            end--;
        }
    }

    /// <summary>Whether anything but one space, or none, stands around a value.</summary>
    private static bool IsReshaped(ReadOnlySpan<byte> data, int colon, int end, Slice value) => value.End != end
        || value.Offset > colon + 2 || (value.Offset == colon + 2 && data[colon + 1] != (byte)' ');

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FlagUnknown(ReadOnlySpan<byte> name, ref Header header, HeaderTable headers)
    {
        if (name.Contains((byte)'_'))
        {
            FlagUnderscored(name, ref header, headers);
        }
        if (HeaderNames.MaySpeakOfClient(name) && HeaderNames.SpeaksOfClient(name))
        {
            header.Flags |= HeaderFlags.SpeaksOfClient;
            headers.HasSpeakersOfClient = true;
        }
        if (HeaderNames.MayBeDisguised(name) && HeaderNames.IsDisguised(name))
        {
            headers.HasDisguised = true;
        }
    }

    private static void FlagUnderscored(ReadOnlySpan<byte> name, ref Header header, HeaderTable headers)
    {
        header.Flags |= HeaderFlags.Underscore;
        headers.HasUnderscores = true;
        HeaderId id = HeaderNames.IdWithDashes(name);
        if (id != HeaderId.Unknown || HeaderNames.SpeaksOfClient(name))
        {
            header.Flags |= HeaderFlags.Respelt;
            headers.HasUnderscoredFraming |= id is HeaderId.ContentLength or HeaderId.TransferEncoding;
        }
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
        if (colon == line.Length)
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
