using System.Security.Cryptography;

namespace FastGate.EndToEnd.Chaos;

/// <summary>Bodies that cannot be taken for each other: each is a piece of one random block, and whose it is says
/// where it begins. So both ends know every byte, and nobody has to keep one.</summary>
internal static class Content
{
    public const int BytesMax = 8 * 1024 * 1024;

    private static readonly byte[] s_block = Random();

    public static ReadOnlyMemory<byte> Of(ulong id, int length) =>
        s_block.AsMemory((int)(id % (ulong)(s_block.Length - BytesMax)), length);

    public static string Sum(ReadOnlySpan<byte> body) => Convert.ToHexString(SHA256.HashData(body));

    private static byte[] Random()
    {
        byte[] block = new byte[BytesMax + 4_000_037];
        new Random(1).NextBytes(block);
        return block;
    }
}
