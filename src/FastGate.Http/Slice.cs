namespace FastGate.Http;

/// <summary>A piece of a message head: an offset and a length in bytes, relative to the head's first byte. Stays
/// valid when the head's bytes are copied elsewhere.</summary>
public readonly record struct Slice(int Offset, int Length)
{
    public bool IsEmpty => Length == 0;
    public int End => Offset + Length;

    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> head) => head.Slice(Offset, Length);
}
