namespace FastGate.Gateway;

/// <summary>Where something was written: the file as the operator named it, line and column from 1, and the length in
/// characters. The default value means that it was not written anywhere (a default, or built in memory).</summary>
public readonly record struct Origin(string? File, int Line, int Column, int Length)
{
    public bool IsKnown => File is not null;

    public override string ToString() => IsKnown ? $"{File}:{Line}:{Column}" : "built in";
}
