using System.Buffers.Binary;
using System.Net;

namespace FastGate.Gateway;

/// <summary>An IP address as a number, so that reading, masking and comparing one allocates nothing. An IPv4 address is
/// held in its IPv6 form, ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), and is the same address as that one.</summary>
internal readonly record struct IpNumber(UInt128 Value)
{
    private const int V4PrefixBits = 96;

    public bool IsV4 => Value >> 32 == 0xFFFF;

    public static IpNumber Of(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int written);
        return Of(bytes[..written]);
    }

    /// <param name="bytes">4 or 16, as the network has them.</param>
    public static IpNumber Of(ReadOnlySpan<byte> bytes) => new(bytes.Length == 4
        ? ((UInt128)0xFFFF << 32) | BinaryPrimitives.ReadUInt32BigEndian(bytes)
        : BinaryPrimitives.ReadUInt128BigEndian(bytes));

    /// <summary>The address with all but its first bits cleared.</summary>
    /// <param name="v4Bits">How many count of an IPv4 address, 0 to 32.</param>
    /// <param name="v6Bits">How many count of any other, 0 to 128.</param>
    public IpNumber Network(int v4Bits, int v6Bits)
    {
        int cleared = 128 - (IsV4 ? V4PrefixBits + v4Bits : v6Bits);
        return new IpNumber(cleared == 128 ? 0 : Value >> cleared << cleared);
    }

    /// <summary>Reads dotted decimal without leading zeros, or RFC 4291 section 2.2, in brackets or not, each with a
    /// port behind it or not. Zones are refused: they mean nothing on another machine.</summary>
    /// <param name="text">Nothing but the address.</param>
    /// <param name="address">The address.</param>
    /// <param name="length">Bytes of the address itself, without its port.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out IpNumber address, out int length)
    {
        length = text.Length;
        if (!text.IsEmpty && text[0] == (byte)'[')
        {
            int close = text.IndexOf((byte)']');
            length = close + 1;
            address = default;
            return close > 0 && IsPortOrNothing(text[length..]) && TryParseV6(text[1..close], out address);
        }
        int colon = text.IndexOf((byte)':');
        if (colon >= 0 && text[(colon + 1)..].IndexOf((byte)':') >= 0)
        {
            return TryParseV6(text, out address);
        }
        length = colon < 0 ? text.Length : colon;
        address = default;
        if (!IsPortOrNothing(text[length..]) || !TryParseV4(text[..length], out uint v4))
        {
            return false;
        }
        address = new IpNumber(((UInt128)0xFFFF << 32) | v4);
        return true;
    }

    private static bool IsPortOrNothing(ReadOnlySpan<byte> text) => text.IsEmpty
        || (text[0] == (byte)':' && text.Length is > 1 and <= 6
            && !text[1..].ContainsAnyExceptInRange((byte)'0', (byte)'9'));

    private static bool TryParseV4(ReadOnlySpan<byte> text, out uint address)
    {
        address = 0;
        int parts = 0;
        while (true)
        {
            int dot = text.IndexOf((byte)'.');
            ReadOnlySpan<byte> part = dot < 0 ? text : text[..dot];
            if (part.Length is 0 or > 3 || part.ContainsAnyExceptInRange((byte)'0', (byte)'9')
                || (part.Length > 1 && part[0] == (byte)'0'))
            {
                return false;
            }
            uint number = 0;
            foreach (byte digit in part)
            {
                number = (number * 10) + digit - '0';
            }
            if (number > 255 || ++parts > 4)
            {
                return false;
            }
            address = (address << 8) | number;
            if (dot < 0)
            {
                return parts == 4;
            }
            text = text[(dot + 1)..];
        }
    }

    private static bool TryParseV6(ReadOnlySpan<byte> text, out IpNumber address)
    {
        address = default;
        int gap = text.IndexOf("::"u8);
        if (gap < 0)
        {
            bool whole = TryParseGroups(text, out UInt128 value, out int groups) && groups == 8;
            address = new IpNumber(value);
            return whole;
        }
        if (!TryParseGroups(text[..gap], out UInt128 head, out int before)
            || !TryParseGroups(text[(gap + 2)..], out UInt128 tail, out int after) || before + after > 7
            || text[..gap].Contains((byte)'.'))
        {
            return false;
        }
        address = new IpNumber((before == 0 ? 0 : head << (16 * (8 - before))) | tail);
        return true;
    }

    /// <summary>Groups with single colons between; the last two may be written as an IPv4 address.</summary>
    private static bool TryParseGroups(ReadOnlySpan<byte> text, out UInt128 value, out int groups)
    {
        value = 0;
        groups = 0;
        if (text.IsEmpty)
        {
            return true;
        }
        while (true)
        {
            int colon = text.IndexOf((byte)':');
            ReadOnlySpan<byte> group = colon < 0 ? text : text[..colon];
            if (colon < 0 && group.Contains((byte)'.'))
            {
                groups += 2;
                bool isV4 = TryParseV4(group, out uint v4);
                value = (value << 32) | v4;
                return isV4 && groups <= 8;
            }
            if (group.Length is 0 or > 4 || ++groups > 8)
            {
                return false;
            }
            uint number = 0;
            foreach (byte digit in group)
            {
                if (!char.IsAsciiHexDigit((char)digit))
                {
                    return false;
                }
                number = (number << 4) | (uint)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
            }
            value = (value << 16) | number;
            if (colon < 0)
            {
                return true;
            }
            text = text[(colon + 1)..];
        }
    }
}
