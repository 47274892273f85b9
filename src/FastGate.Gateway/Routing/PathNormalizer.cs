using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FastGate.Gateway.Routing;

/// <summary>What the configuration says of paths that are not normal: <c>path = "normalize" | "refuse"</c>.</summary>
internal enum PathPolicy : byte
{
    Normalize = 0,
    Refuse,
}

/// <summary>The rule that a path broke. All but <see cref="TooLong"/> are 400.</summary>
internal enum PathRule : byte
{
    None = 0,
    /// <summary>Empty, or does not begin with a slash.</summary>
    NotAbsolute,
    Backslash,
    /// <summary>A control byte, a space, <c>?</c> or <c>#</c> as such: no path contains one (RFC 9112 section 3.2.1),
    /// and upstreams disagree about what is meant.</summary>
    ForbiddenByte,
    /// <summary>%00 to %1F or %7F.</summary>
    EncodedControl,
    /// <summary>A percent sign without two hexadecimal digits.</summary>
    BrokenEscape,
    /// <summary>%C0%AE and its like: a control byte or one of <c>. / \ ; %</c> in more UTF-8 than it needs (RFC 3629
    /// section 3), for which careless decoders take it.</summary>
    OverlongEscape,
    /// <summary>More <c>..</c> than segments before it.</summary>
    AboveRoot,
    /// <summary>A dot segment beside %2F or %5C: an upstream that decodes those would climb where this gate saw one
    /// harmless segment.</summary>
    EncodedDotSegment,
    /// <summary><c>..;x</c>: servers that take off path parameters before they resolve dot segments climb there, where
    /// others see a name.</summary>
    DotSegmentParameter,
    /// <summary>Not normal, and the policy is <see cref="PathPolicy.Refuse"/>.</summary>
    NotNormal,
    /// <summary>The normal form is longer than the caller's buffer (only bytes that must be escaped make a path
    /// longer): 414.</summary>
    TooLong,
}

/// <summary>The outcome for one path.</summary>
/// <param name="Rule">None when the path may be used.</param>
/// <param name="IsRewritten">False: the path is normal as sent, forward it byte for byte. True: the normal form is the
/// first <paramref name="Length"/> bytes of the destination.</param>
/// <param name="Length">Bytes of the normal form.</param>
/// <param name="HasEncodedSlash">%2F or %5C was seen: 400 unless the matched route says encoded_slash = true.</param>
internal readonly record struct NormalPath(PathRule Rule, bool IsRewritten, int Length, bool HasEncodedSlash)
{
    public bool IsUsable => Rule == PathRule.None;

    /// <summary>The bytes to match and to forward.</summary>
    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> sent, ReadOnlySpan<byte> destination) =>
        IsRewritten ? destination[..Length] : sent;
}

/// <summary>Brings the path of a request target to the one form that is matched and forwarded, so that gate and
/// upstream see the same path. Pure; decodes once and never again (<c>%252e</c> stays). The room's README has the table
/// of cases. An empty path (absolute-form without one, asterisk-form) is the caller's to turn into <c>/</c>.</summary>
internal static class PathNormalizer
{
    // The bytes that stand for themselves in a path: unreserved, sub-delims, ':', '@' (RFC 3986 section 3.3) and '/'.
    // Entry L holds, as bit H, whether byte 0xHL is one; bytes from 0x80 up find no bit.
    private static readonly Vector128<byte> s_plainRows = Vector128.Create((byte)
        0xB8, 0xFC, 0xF8, 0xF8, 0xFC, 0xF8, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0x5C, 0x54, 0x5C, 0xD4, 0x74);
    private static readonly Vector128<byte> s_highBits = Vector128.Create((byte)
        1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0);

    private static ReadOnlySpan<byte> UpperHex => "0123456789ABCDEF"u8;

    /// <summary>Bytes of destination with which <see cref="Normalize"/> never answers <see
    /// cref="PathRule.TooLong"/>.</summary>
    public static int NormalBytesMax(int pathBytes) => pathBytes * 3;

    public static NormalPath Normalize(ReadOnlySpan<byte> path, Span<byte> destination, PathPolicy policy)
    {
        if (path.IsEmpty || path[0] != (byte)'/')
        {
            return new NormalPath(PathRule.NotAbsolute, false, 0, false);
        }
        int suspect = IndexOfSuspect(path);
        if (suspect < 0)
        {
            return new NormalPath(PathRule.None, false, path.Length, false);
        }
        return NormalizeFrom(path, suspect, destination, policy);
    }

    /// <summary>Index of the first byte that could make the path not normal, -1 for none: a byte that is not plain, or
    /// one of <c>/</c> and <c>.</c> right after a slash. Errs towards suspicion (<c>/.well-known</c>).</summary>
    internal static int IndexOfSuspect(ReadOnlySpan<byte> path)
    {
        int length = path.Length;
        int i = 1;
        if (Vector128.IsHardwareAccelerated && length > Vector128<byte>.Count)
        {
            ref byte first = ref MemoryMarshal.GetReference(path);
            Vector128<byte> slash = Vector128.Create((byte)'/');
            Vector128<byte> dot = Vector128.Create((byte)'.');
            while (true)
            {
                Vector128<byte> bytes = Vector128.LoadUnsafe(ref first, (nuint)i);
                Vector128<byte> before = Vector128.LoadUnsafe(ref first, (nuint)i - 1);
                Vector128<byte> row = Vector128.ShuffleNative(s_plainRows, bytes & Vector128.Create((byte)0x0F));
                Vector128<byte> bit = Vector128.ShuffleNative(s_highBits, bytes >>> 4);
                Vector128<byte> odd = Vector128.Equals(row & bit, Vector128<byte>.Zero);
                Vector128<byte> pair = Vector128.Equals(before, slash)
                    & (Vector128.Equals(bytes, slash) | Vector128.Equals(bytes, dot));
                uint found = (odd | pair).ExtractMostSignificantBits();
                if (found != 0)
                {
                    return i + BitOperations.TrailingZeroCount(found);
                }
                i += Vector128<byte>.Count;
                if (i >= length)
                {
                    return -1;
                }
                // The last load overlaps the one before; what it sees twice was clean.
                i = Math.Min(i, length - Vector128<byte>.Count);
            }
        }
        byte previous = (byte)'/';
        for (; i < path.Length; i++)
        {
            byte b = path[i];
            if (!IsPlain(b) || (previous == (byte)'/' && b is (byte)'/' or (byte)'.'))
            {
                return i;
            }
            previous = b;
        }
        return -1;
    }

    internal static bool IsPlain(byte b) => b < 0x80 && (s_plainRows[b & 0x0F] & (1 << (b >> 4))) != 0;

    private static NormalPath NormalizeFrom(
        ReadOnlySpan<byte> path, int suspect, Span<byte> destination, PathPolicy policy)
    {
        // Whole segments before the suspect are normal: begin at the slash of the segment it stands in.
        int read = path[..suspect].LastIndexOf((byte)'/');
        if (destination.Length < read)
        {
            return new NormalPath(PathRule.TooLong, false, 0, false);
        }
        path[..read].CopyTo(destination);
        int written = read;
        bool encodedSlash = false;
        while (read < path.Length)
        {
            while (read < path.Length && path[read] == (byte)'/')
            {
                read++;
            }
            if (written == destination.Length)
            {
                return new NormalPath(PathRule.TooLong, false, 0, false);
            }
            int slash = written;
            destination[written++] = (byte)'/';
            PathRule rule = CopySegment(path, ref read, destination, ref written, out bool segmentEncodesSlash);
            if (rule != PathRule.None)
            {
                return new NormalPath(rule, false, 0, encodedSlash | segmentEncodesSlash);
            }
            ReadOnlySpan<byte> segment = destination[(slash + 1)..written];
            if (segmentEncodesSlash)
            {
                encodedSlash = true;
                if (HidesDotSegment(segment))
                {
                    return new NormalPath(PathRule.EncodedDotSegment, false, 0, true);
                }
            }
            if (segment.Length > 1 && segment[0] == (byte)'.' && IsDotSegmentWithParameter(segment))
            {
                return new NormalPath(PathRule.DotSegmentParameter, false, 0, encodedSlash);
            }
            bool climbs = segment.SequenceEqual(".."u8);
            if (!climbs && !segment.SequenceEqual("."u8))
            {
                continue;
            }
            if (climbs && slash == 0)
            {
                return new NormalPath(PathRule.AboveRoot, false, 0, encodedSlash);
            }
            written = climbs ? destination[..slash].LastIndexOf((byte)'/') : slash;
            if (read == path.Length)
            {
                // A dot segment at the end names a directory: its slash stays (RFC 3986 section 5.2.4).
                destination[written++] = (byte)'/';
            }
        }
        bool same = written == path.Length && destination[..written].SequenceEqual(path);
        if (!same && policy == PathPolicy.Refuse)
        {
            return new NormalPath(PathRule.NotNormal, false, 0, encodedSlash);
        }
        return new NormalPath(PathRule.None, !same, written, encodedSlash);
    }

    /// <summary>Copies up to the next slash: escapes of unreserved bytes decoded, other escapes kept with upper-case
    /// digits (RFC 3986 section 6.2.2), bytes that have no place in a path escaped.</summary>
    private static PathRule CopySegment(
        ReadOnlySpan<byte> path, ref int read, Span<byte> destination, ref int written, out bool encodesSlash)
    {
        encodesSlash = false;
        while (read < path.Length && path[read] != (byte)'/')
        {
            byte b = path[read];
            bool escape = false;
            if (b == (byte)'%')
            {
                if (!TryReadEscape(path[read..], out b))
                {
                    return PathRule.BrokenEscape;
                }
                if (IsControl(b))
                {
                    return PathRule.EncodedControl;
                }
                escape = !IsUnreserved(b);
                encodesSlash |= b is (byte)'/' or (byte)'\\';
                read += 3;
            }
            else
            {
                if (b == (byte)'\\')
                {
                    return PathRule.Backslash;
                }
                if (IsControl(b) || b is (byte)' ' or (byte)'?' or (byte)'#')
                {
                    return PathRule.ForbiddenByte;
                }
                escape = !IsPlain(b);
                read++;
            }
            if (b >= 0xC0 && IsOverlong(b, path[read..]))
            {
                return PathRule.OverlongEscape;
            }
            if (destination.Length - written < (escape ? 3 : 1))
            {
                return PathRule.TooLong;
            }
            if (escape)
            {
                destination[written++] = (byte)'%';
                destination[written++] = UpperHex[b >> 4];
                destination[written++] = UpperHex[b & 0x0F];
            }
            else
            {
                destination[written++] = b;
            }
        }
        return PathRule.None;
    }

    /// <summary>One or two dots and a semicolon behind them, escaped or not.</summary>
    private static bool IsDotSegmentWithParameter(ReadOnlySpan<byte> segment)
    {
        if (segment.IsEmpty || segment[0] != (byte)'.')
        {
            return false;
        }
        ReadOnlySpan<byte> rest = segment[(segment.Length > 1 && segment[1] == (byte)'.' ? 2 : 1)..];
        return rest.StartsWith(";"u8) || rest.StartsWith("%3B"u8);
    }

    private static bool HidesDotSegment(ReadOnlySpan<byte> segment)
    {
        while (true)
        {
            int end = 0;
            while (end < segment.Length && !segment[end..].StartsWith("%2F"u8) && !segment[end..].StartsWith("%5C"u8))
            {
                end++;
            }
            ReadOnlySpan<byte> part = segment[..end];
            if (part.SequenceEqual("."u8) || part.SequenceEqual(".."u8) || IsDotSegmentWithParameter(part))
            {
                return true;
            }
            if (end == segment.Length)
            {
                return false;
            }
            segment = segment[(end + 3)..];
        }
    }

    /// <summary>Reads <c>%XX</c> at the start of the bytes.</summary>
    internal static bool TryReadEscape(ReadOnlySpan<byte> bytes, out byte value)
    {
        value = 0;
        if (bytes.Length < 3)
        {
            return false;
        }
        int high = HexDigit(bytes[1]);
        int low = HexDigit(bytes[2]);
        if ((high | low) < 0)
        {
            return false;
        }
        value = (byte)((high << 4) | low);
        return true;
    }

    private static int HexDigit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        _ => -1,
    };

    /// <summary>What begins with <paramref name="first"/>, escaped or as it is, is a control byte or one of
    /// <c>. / \ ; %</c> in more UTF-8 than it needs. Other bytes of that shape are characters of other
    /// encodings.</summary>
    private static bool IsOverlong(byte first, ReadOnlySpan<byte> rest)
    {
        int more = first switch { 0xC0 or 0xC1 => 0, 0xE0 => 1, 0xF0 => 2, _ => -1 };
        int high = first & 1;
        for (int i = 1; i <= more; i++)
        {
            if (!TryTake(ref rest, out byte next) || next is not (0x80 or 0x81) || (i < more && next != 0x80))
            {
                return false;
            }
            high = next & 1;
        }
        if (more < 0 || !TryTake(ref rest, out byte last) || last is < 0x80 or > 0xBF)
        {
            return false;
        }
        int meant = (high << 6) | (last & 0x3F);
        return IsControl((byte)meant) || meant is '.' or '/' or '\\' or ';' or '%';
    }

    /// <summary>The next byte, escaped or as it is.</summary>
    private static bool TryTake(ref ReadOnlySpan<byte> rest, out byte value)
    {
        value = 0;
        if (rest.IsEmpty)
        {
            return false;
        }
        bool isEscape = rest[0] == (byte)'%';
        if (isEscape && !TryReadEscape(rest, out value))
        {
            return false;
        }
        value = isEscape ? value : rest[0];
        rest = rest[(isEscape ? 3 : 1)..];
        return true;
    }

    private static bool IsControl(byte b) => b < 0x20 || b == 0x7F;

    private static bool IsUnreserved(byte b) =>
        char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~';
}
