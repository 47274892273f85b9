namespace FastGate.Gateway.Routing;

/// <summary>What is wrong with a text of the configuration: where in that text (in characters), a sentence, and what to
/// write instead where that is known. <see cref="Item"/> is the index of the value meant when a key came with several;
/// -1 means the key, or the only text there was.</summary>
internal readonly record struct RoutingProblem(int Offset, int Length, string Message, string? Hint = null,
    int Item = -1)
{
    public override string ToString() => Hint is null ? $"{Offset}: {Message}" : $"{Offset}: {Message} ({Hint})";
}
