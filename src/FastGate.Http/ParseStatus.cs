namespace FastGate.Http;

/// <summary>What a parser says of the bytes it was shown: complete, incomplete, or the name of the one rule that was
/// broken first.</summary>
public enum ParseStatus : byte
{
    /// <summary>No rule is broken so far; more bytes are needed.</summary>
    Incomplete = 0,
    Complete,
}
