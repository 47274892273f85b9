using System.Buffers;
using System.Text.Json;

namespace FastGate.Gateway.Admin;

/// <summary>A JSON document on its way out, piece by piece. Reused from page to page, so that reading pages all day
/// gives the garbage collector, who stops every lane, next to nothing to do.</summary>
internal sealed class PageWriter
{
    private readonly ArrayBufferWriter<byte> _piece = new(2 * AdminLimits.PieceBytes);

    public PageWriter() => Json = new Utf8JsonWriter(_piece);

    public Utf8JsonWriter Json { get; }

    /// <summary>Enough for a piece has been written.</summary>
    public bool IsPiece => _piece.WrittenCount + Json.BytesPending >= AdminLimits.PieceBytes;

    /// <summary>What was written since the last call of <see cref="Forget"/>.</summary>
    public ReadOnlySpan<byte> Take()
    {
        Json.Flush();
        return _piece.WrittenSpan;
    }

    public void Forget() => _piece.ResetWrittenCount();

    /// <summary>Ready for the next page.</summary>
    public void Reset()
    {
        Json.Reset();
        _piece.ResetWrittenCount();
    }
}
