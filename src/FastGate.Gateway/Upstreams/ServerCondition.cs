namespace FastGate.Gateway.Upstreams;

/// <summary>What is known of a server at this moment, apart from counts. This is the one place that reads it for those
/// who show it.</summary>
/// <param name="State">The word of <c>/stats</c>: up, down, ejected, draining or unresolved.</param>
/// <param name="Since">When it began; null where nobody noted it.</param>
/// <param name="Reason">Why; null for what needs none.</param>
/// <param name="LastCheck">When its health was last asked for.</param>
/// <param name="EwmaUs">Its moving average of latency, in microseconds.</param>
internal readonly record struct ServerCondition(
    string State,
    DateTimeOffset? Since = null,
    string? Reason = null,
    DateTimeOffset? LastCheck = null,
    long? EwmaUs = null)
{
    public static ServerCondition Of(Server server) => new(server.IsResolved ? "up" : "unresolved");
}
