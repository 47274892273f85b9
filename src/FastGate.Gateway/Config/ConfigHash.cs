using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace FastGate.Gateway.Config;

/// <summary>Names a configuration by what was written: SHA-256 (FIPS 180-4) over its files, one behind the other, as
/// <c>cat gate.toml conf.d/*.toml | sha256sum</c> does it. Placeholders are hashed as placeholders, so the name tells
/// nothing of a secret. Our own, for that of .NET loads OpenSSL, and the program starts where there is none.</summary>
internal static class ConfigHash
{
    private const int BlockBytes = 64;

    private static ReadOnlySpan<uint> Constants =>
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    /// <returns>64 hexadecimal digits.</returns>
    public static string Of(IEnumerable<SourceFile> files)
    {
        using var bytes = new MemoryStream();
        foreach (SourceFile file in files)
        {
            bytes.Write(Encoding.UTF8.GetBytes(file.Text));
        }
        return Sha256(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    internal static string Sha256(ReadOnlySpan<byte> message)
    {
        Span<uint> state =
        [
            0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
        ];
        int whole = message.Length / BlockBytes * BlockBytes;
        for (int at = 0; at < whole; at += BlockBytes)
        {
            Mix(state, message.Slice(at, BlockBytes));
        }
        // A one, zeros, and the length in bits fill up the last block, or the last two.
        ReadOnlySpan<byte> rest = message[whole..];
        Span<byte> last = stackalloc byte[2 * BlockBytes];
        last.Clear();
        rest.CopyTo(last);
        last[rest.Length] = 0x80;
        last = last[..(rest.Length < BlockBytes - 8 ? BlockBytes : 2 * BlockBytes)];
        BinaryPrimitives.WriteInt64BigEndian(last[^8..], message.Length * 8L);
        for (int at = 0; at < last.Length; at += BlockBytes)
        {
            Mix(state, last.Slice(at, BlockBytes));
        }
        Span<byte> digest = stackalloc byte[32];
        for (int i = 0; i < state.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(digest[(4 * i)..], state[i]);
        }
        return Convert.ToHexStringLower(digest);
    }

    private static void Mix(Span<uint> state, ReadOnlySpan<byte> block)
    {
        Span<uint> words = stackalloc uint[64];
        for (int i = 0; i < 16; i++)
        {
            words[i] = BinaryPrimitives.ReadUInt32BigEndian(block[(4 * i)..]);
        }
        for (int i = 16; i < 64; i++)
        {
            uint early = words[i - 15];
            uint late = words[i - 2];
            words[i] = words[i - 16] + words[i - 7]
                + (BitOperations.RotateRight(early, 7) ^ BitOperations.RotateRight(early, 18) ^ (early >> 3))
                + (BitOperations.RotateRight(late, 17) ^ BitOperations.RotateRight(late, 19) ^ (late >> 10));
        }
        (uint a, uint b, uint c, uint d) = (state[0], state[1], state[2], state[3]);
        (uint e, uint f, uint g, uint h) = (state[4], state[5], state[6], state[7]);
        for (int i = 0; i < 64; i++)
        {
            uint first = h + ((e & f) ^ (~e & g)) + Constants[i] + words[i]
                + (BitOperations.RotateRight(e, 6) ^ BitOperations.RotateRight(e, 11)
                    ^ BitOperations.RotateRight(e, 25));
            uint second = ((a & b) ^ (a & c) ^ (b & c))
                + (BitOperations.RotateRight(a, 2) ^ BitOperations.RotateRight(a, 13)
                    ^ BitOperations.RotateRight(a, 22));
            (h, g, f, e, d, c, b, a) = (g, f, e, d + first, c, b, a, first + second);
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
    }
}
