namespace FastGate.Gateway;

/// <summary>A text of the configuration that a room parses later: what it means, how it may be shown, and where it was
/// written. <c>${env:NAME}</c> and <c>${file:PATH}</c> are resolved in <see cref="Value"/> and still stand as
/// placeholders in <see cref="Shown"/>; <see cref="ToString"/> is the shown one, so that a secret reaches a log, a dump
/// or an error only where somebody wrote <c>.Value</c>. Two texts are equal when they mean the same.</summary>
public sealed class SourceText : IEquatable<SourceText>
{
    public SourceText(string value, string shown, Origin origin)
    {
        Value = value;
        Shown = shown;
        Origin = origin;
    }

    public string Value { get; }

    public string Shown { get; }

    public Origin Origin { get; }

    /// <summary>Whether some of the value came from a placeholder. Offsets into the value are then no columns, and the
    /// value may not be quoted in a problem.</summary>
    public bool HasSecret { get; init; }

    /// <summary>Whether the text stands in the file character by character, between one quote and another.</summary>
    public bool IsVerbatim { get; init; }

    /// <summary>Where a piece of the value was written; the whole text where that cannot be told.</summary>
    public Origin At(int offset, int length)
    {
        if (!IsVerbatim || HasSecret || offset < 0 || offset > Value.Length)
            return Origin;
        length = Math.Clamp(length, 0, Value.Length - offset);
        var column = Origin.Column + 1 + Runes(Value.AsSpan(0, offset));
        return Origin with { Column = column, Length = Math.Max(1, Runes(Value.AsSpan(offset, length))) };
    }

    /// <summary>Columns count characters, not UTF-16 units.</summary>
    internal static int Runes(ReadOnlySpan<char> text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes())
            count++;
        return count;
    }

    public static SourceText FromString(string value) => new(value, value, default);

    public static implicit operator SourceText(string value) => FromString(value);

    public bool Equals(SourceText? other) => other is not null && Value == other.Value;

    public override bool Equals(object? obj) => Equals(obj as SourceText);

    public override int GetHashCode() => Value.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Shown;
}
