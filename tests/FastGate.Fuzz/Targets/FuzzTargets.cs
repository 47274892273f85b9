namespace FastGate.Fuzz.Targets;

/// <summary>The targets by name. Each takes one input and throws where a demand does not hold.</summary>
internal static class FuzzTargets
{
    public static readonly IReadOnlyDictionary<string, Action<byte[]>> ByName = new Dictionary<string, Action<byte[]>>
    {
        ["request"] = RequestFuzz.Run,
        ["response"] = ResponseFuzz.Run,
        ["chunks"] = ChunksFuzz.Run,
        ["trailers"] = TrailersFuzz.Run,
        ["path"] = PathFuzz.Run,
    };
}
