using System.Buffers.Binary;

namespace FastGate.EndToEnd.Upgrade;

/// <summary>Frames of a web socket's client as bytes (RFC 6455 section 5.2), right ones and wrong ones.</summary>
internal static class Frame
{
    public const int Continuation = 0x0;
    public const int Text = 0x1;
    public const int Binary = 0x2;
    public const int CloseCode = 0x8;
    public const int PingCode = 0x9;
    public const int PongCode = 0xA;

    private const byte Final = 0x80;
    private const byte Masked = 0x80;
    private const byte Length16 = 126;
    private const byte Length64 = 127;

    private static readonly byte[] s_mask = [0x37, 0xFA, 0x21, 0x3D];

    /// <param name="opcode">4 bits.</param>
    /// <param name="payload">What it carries, not yet masked.</param>
    /// <param name="final">The last frame of its message.</param>
    /// <param name="reserved">The three bits behind FIN: 4 is RSV1.</param>
    /// <param name="masked">As a client must.</param>
    public static byte[] Of(int opcode, ReadOnlySpan<byte> payload, bool final = true, int reserved = 0,
        bool masked = true)
    {
        Span<byte> length = stackalloc byte[9];
        int lengthBytes = 1;
        if (payload.Length < Length16)
        {
            length[0] = (byte)payload.Length;
        }
        else if (payload.Length <= ushort.MaxValue)
        {
            length[0] = Length16;
            BinaryPrimitives.WriteUInt16BigEndian(length[1..], (ushort)payload.Length);
            lengthBytes = 3;
        }
        else
        {
            length[0] = Length64;
            BinaryPrimitives.WriteUInt64BigEndian(length[1..], (ulong)payload.Length);
            lengthBytes = 9;
        }
        length[0] |= masked ? Masked : (byte)0;
        byte first = (byte)((final ? Final : 0) | (reserved << 4) | opcode);
        byte[] frame = [first, .. length[..lengthBytes], .. masked ? s_mask : [], .. payload];
        for (int i = 0; masked && i < payload.Length; i++)
        {
            frame[1 + lengthBytes + s_mask.Length + i] ^= s_mask[i & 3];
        }
        return frame;
    }

    public static byte[] Ping(ReadOnlySpan<byte> payload) => Of(PingCode, payload);

    public static byte[] Close(int code, ReadOnlySpan<byte> reason)
    {
        byte[] payload = [(byte)(code >> 8), (byte)code, .. reason];
        return Of(CloseCode, payload);
    }

    /// <summary>A good end, after which the server ends too.</summary>
    public static byte[] Goodbye => Close(1000, "done"u8);

    /// <summary>One message in frames of <paramref name="size"/> bytes.</summary>
    public static byte[][] Fragments(int opcode, byte[] payload, int size)
    {
        var frames = new List<byte[]>();
        for (int from = 0; from < payload.Length; from += size)
        {
            int length = Math.Min(size, payload.Length - from);
            frames.Add(Of(from == 0 ? opcode : Continuation, payload.AsSpan(from, length),
                final: from + length == payload.Length));
        }
        return [.. frames];
    }
}
