using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FastGate.Http;

/// <summary>Looks for the two things that end a piece of a line, many bytes at a time: a byte that is no token
/// character, and a control byte. The last bytes are looked at with a load that overlaps what was seen already, so
/// nothing is read beyond the span.</summary>
internal static class ByteScan
{
    /// <summary>Index of the first byte from <paramref name="start"/> on that is no tchar (RFC 9110 section 5.6.2), or
    /// the span's length.</summary>
    public static int NonToken(ReadOnlySpan<byte> data, int start)
    {
        ref byte first = ref MemoryMarshal.GetReference(data);
        int i = start;
        if (Vector128.IsHardwareAccelerated && data.Length >= Vector128<byte>.Count)
        {
            int last = data.Length - Vector128<byte>.Count;
            for (; i <= last; i += Vector128<byte>.Count)
            {
                uint found = NonTokenMask(Vector128.LoadUnsafe(ref first, (nuint)i));
                if (found != 0)
                {
                    return i + BitOperations.TrailingZeroCount(found);
                }
            }
            if (i < data.Length)
            {
                uint found = NonTokenMask(Vector128.LoadUnsafe(ref first, (nuint)last)) >> (i - last);
                return found != 0 ? i + BitOperations.TrailingZeroCount(found) : data.Length;
            }
            return data.Length;
        }
        while (i < data.Length && Syntax.Token.Contains(data[i]))
        {
            i++;
        }
        return i;
    }

    /// <summary>Index of the first byte from <paramref name="start"/> on that is a control byte other than HTAB, CR and
    /// LF among them, or the span's length.</summary>
    public static int Control(ReadOnlySpan<byte> data, int start)
    {
        ref byte first = ref MemoryMarshal.GetReference(data);
        int i = start;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i + Vector256<byte>.Count <= data.Length; i += Vector256<byte>.Count)
            {
                uint found = ControlMask(Vector256.LoadUnsafe(ref first, (nuint)i));
                if (found != 0)
                {
                    return i + BitOperations.TrailingZeroCount(found);
                }
            }
        }
        if (Vector128.IsHardwareAccelerated && data.Length >= Vector128<byte>.Count)
        {
            int last = data.Length - Vector128<byte>.Count;
            for (; i <= last; i += Vector128<byte>.Count)
            {
                uint found = ControlMask(Vector128.LoadUnsafe(ref first, (nuint)i));
                if (found != 0)
                {
                    return i + BitOperations.TrailingZeroCount(found);
                }
            }
            if (i < data.Length)
            {
                uint found = ControlMask(Vector128.LoadUnsafe(ref first, (nuint)last)) >> (i - last);
                return found != 0 ? i + BitOperations.TrailingZeroCount(found) : data.Length;
            }
            return data.Length;
        }
        while (i < data.Length && !Syntax.Control.Contains(data[i]))
        {
            i++;
        }
        return i;
    }

    /// <summary>Entry L of the rows holds, as bit H, whether byte 0xHL is a tchar; bytes from 0x80 up find no bit.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint NonTokenMask(Vector128<byte> bytes)
    {
        Vector128<byte> rows = Vector128.Create((byte)
            0xE8, 0xFC, 0xF8, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0xF8, 0xF8, 0xF4, 0x54, 0xD0, 0x54, 0xF4, 0x70);
        Vector128<byte> highBits = Vector128.Create((byte)1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0);
        Vector128<byte> row = Vector128.ShuffleNative(rows, bytes & Vector128.Create((byte)0x0F));
        Vector128<byte> bit = Vector128.ShuffleNative(highBits, bytes >>> 4);
        return Vector128.Equals(row & bit, Vector128<byte>.Zero).ExtractMostSignificantBits();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ControlMask(Vector128<byte> bytes)
    {
        // An unsigned byte is below 0x20 when the smaller of it and 0x1F is itself.
        Vector128<byte> low = Vector128.Equals(Vector128.Min(bytes, Vector128.Create((byte)0x1F)), bytes);
        Vector128<byte> tab = Vector128.Equals(bytes, Vector128.Create((byte)'\t'));
        Vector128<byte> delete = Vector128.Equals(bytes, Vector128.Create((byte)0x7F));
        return (Vector128.AndNot(low, tab) | delete).ExtractMostSignificantBits();
    }

    /// <summary>The same for 32 bytes: values are often long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint ControlMask(Vector256<byte> bytes)
    {
        Vector256<byte> low = Vector256.Equals(Vector256.Min(bytes, Vector256.Create((byte)0x1F)), bytes);
        Vector256<byte> tab = Vector256.Equals(bytes, Vector256.Create((byte)'\t'));
        Vector256<byte> delete = Vector256.Equals(bytes, Vector256.Create((byte)0x7F));
        return (Vector256.AndNot(low, tab) | delete).ExtractMostSignificantBits();
    }
}
