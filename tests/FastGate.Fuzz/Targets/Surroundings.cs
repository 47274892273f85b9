namespace FastGate.Fuzz.Targets;

/// <summary>An input within other bytes: a vector load that goes past its end sees them, and must not let it
/// show.</summary>
internal static class Surroundings
{
    private const int Margin = 64;

    /// <summary>One byte that ends every scan, and one that ends none.</summary>
    public static readonly byte[] Fills = [(byte)'\n', (byte)'a'];

    public static ReadOnlySpan<byte> Of(byte[] bytes, byte fill)
    {
        byte[] all = new byte[bytes.Length + (2 * Margin)];
        all.AsSpan().Fill(fill);
        bytes.CopyTo(all, Margin);
        return all.AsSpan(Margin, bytes.Length);
    }
}
