using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;

namespace FastGate.Gateway.Stats;

/// <summary>Appends to one line. Whoever makes it gives enough room for the worst case; spans check it.</summary>
internal ref struct LineWriter(Span<byte> room)
{
    private readonly Span<byte> _room = room;

    /// <summary>What a quoted string carries as it is, in either format.</summary>
    private static readonly SearchValues<byte> s_plainQuoted = SearchValues.Create(AsciiExcept("\"\\"u8));

    /// <summary>What stands outside of quotes as it is.</summary>
    private static readonly SearchValues<byte> s_plainWord = SearchValues.Create(AsciiExcept(" \"\\"u8));

    private static ReadOnlySpan<byte> Pairs =>
        ("0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"u8
        + "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"u8);

    public int Length { get; private set; }

    /// <summary>Copies bytes that need no escaping.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Raw(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_room[Length..]);
        Length += bytes.Length;
    }

    public void Byte(byte value) => _room[Length++] = value;

    public void Number(long value)
    {
        ulong rest = (ulong)value;
        if (value < 0)
        {
            Byte((byte)'-');
            rest = 0UL - rest;
        }
        if (rest < 10)
        {
            Byte((byte)('0' + rest));
            return;
        }
        Span<byte> digits = stackalloc byte[20];
        int at = digits.Length;
        while (rest >= 100)
        {
            (rest, ulong low) = Math.DivRem(rest, 100);
            at -= 2;
            Pairs.Slice((int)low * 2, 2).CopyTo(digits[at..]);
        }
        at -= 2;
        Pairs.Slice((int)rest * 2, 2).CopyTo(digits[at..]);
        Raw(digits[(rest < 10 ? at + 1 : at)..]);
    }

    /// <summary>Two digits, 0 to 99.</summary>
    public void TwoDigits(int value) => Raw(Pairs.Slice(value * 2, 2));

    /// <summary>The inside of a JSON string. Bytes that are not UTF-8 are taken for Latin-1: they stay readable, and
    /// the line stays JSON whatever a client sends.</summary>
    public void Json(scoped ReadOnlySpan<byte> value, int bytesMax)
    {
        int cut = Cut(ref value, bytesMax);
        int plain = value.IndexOfAnyExcept(s_plainQuoted);
        if (plain < 0)
        {
            Raw(value);
        }
        else
        {
            Raw(value[..plain]);
            EscapeJson(value[plain..]);
        }
        if (cut > 0)
        {
            CutMark(cut);
        }
    }

    /// <summary>The inside of a quoted string of the text format, escaped as web servers do: <c>\xHH</c> for quotes,
    /// backslashes and everything that is not printable ASCII.</summary>
    public void Text(scoped ReadOnlySpan<byte> value, int bytesMax) => Text(value, bytesMax, s_plainQuoted);

    /// <summary>The same outside of quotes: a space is escaped too, so that the fields of a line can be counted, and
    /// nothing is a dash.</summary>
    public void TextWord(scoped ReadOnlySpan<byte> value, int bytesMax)
    {
        if (value.IsEmpty)
        {
            Byte((byte)'-');
            return;
        }
        Text(value, bytesMax, s_plainWord);
    }

    private void Text(scoped ReadOnlySpan<byte> value, int bytesMax, SearchValues<byte> plainBytes)
    {
        int cut = Cut(ref value, bytesMax);
        int plain = value.IndexOfAnyExcept(plainBytes);
        while (plain >= 0)
        {
            Raw(value[..plain]);
            Raw("\\x"u8);
            Hex(value[plain]);
            value = value[(plain + 1)..];
            plain = value.IndexOfAnyExcept(plainBytes);
        }
        Raw(value);
        if (cut > 0)
        {
            CutMark(cut);
        }
    }

    private static byte[] AsciiExcept(ReadOnlySpan<byte> excluded)
    {
        var plain = new List<byte>();
        for (byte b = 0x20; b < 0x7F; b++)
        {
            if (!excluded.Contains(b))
            {
                plain.Add(b);
            }
        }
        return [.. plain];
    }

    private static int Cut(ref ReadOnlySpan<byte> value, int bytesMax)
    {
        if (value.Length <= bytesMax)
        {
            return 0;
        }
        int keep = bytesMax;
        // Not in the middle of a character: at most three continuation bytes precede the cut.
        while (keep > bytesMax - 3 && (value[keep] & 0xC0) == 0x80)
        {
            keep--;
        }
        int cut = value.Length - keep;
        value = value[..keep];
        return cut;
    }

    private void CutMark(int bytes)
    {
        Raw("...[+"u8);
        Number(bytes);
        Byte((byte)']');
    }

    private void EscapeJson(scoped ReadOnlySpan<byte> value)
    {
        while (!value.IsEmpty)
        {
            byte first = value[0];
            int consumed = 1;
            if (first < 0x80)
            {
                EscapeJsonAscii(first);
            }
            else if (Rune.DecodeFromUtf8(value, out Rune rune, out consumed) != OperationStatus.Done)
            {
                // Byte by byte: how much of a broken sequence belongs together is anyone's guess.
                consumed = 1;
                UnicodeEscape(first);
            }
            else if (rune.Value is < 0xA0 or 0x2028 or 0x2029)
            {
                // C1 controls drive terminals, and these two end a line for some readers.
                UnicodeEscape(rune.Value);
            }
            else
            {
                Raw(value[..consumed]);
            }
            value = value[consumed..];
        }
    }

    private void EscapeJsonAscii(byte value)
    {
        switch (value)
        {
            case (byte)'"':
                Raw("\\\""u8);
                break;
            case (byte)'\\':
                Raw("\\\\"u8);
                break;
            case (byte)'\n':
                Raw("\\n"u8);
                break;
            case (byte)'\r':
                Raw("\\r"u8);
                break;
            case (byte)'\t':
                Raw("\\t"u8);
                break;
            case < 0x20 or 0x7F:
                UnicodeEscape(value);
                break;
            default:
                Byte(value);
                break;
        }
    }

    private void UnicodeEscape(int value)
    {
        Raw("\\u"u8);
        Hex(value >> 8);
        Hex(value & 0xFF);
    }

    private void Hex(int value)
    {
        Byte("0123456789abcdef"u8[value >> 4]);
        Byte("0123456789abcdef"u8[value & 0xF]);
    }
}
