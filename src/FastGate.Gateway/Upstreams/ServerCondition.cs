namespace FastGate.Gateway.Upstreams;

/// <summary>What is known of a server at this moment, apart from counts. This is the one place that reads it for those
/// who show it. Times are in the lanes' milliseconds.</summary>
/// <param name="State">The word of <c>/stats</c>: up, down, ejected, draining or unresolved.</param>
/// <param name="SinceMs">When it began, 0 for ever; null where nobody noted it.</param>
/// <param name="Reason">Why; null for what needs none.</param>
/// <param name="LastCheckMs">When its health was last asked for.</param>
/// <param name="EwmaUs">Its moving average of latency, in microseconds.</param>
internal readonly record struct ServerCondition(
    string State,
    long? SinceMs = null,
    string? Reason = null,
    long? LastCheckMs = null,
    long? EwmaUs = null)
{
    public static ServerCondition Of(Server server) =>
        !server.IsResolved ? new ServerCondition("unresolved", SinceMs: 0)
        : server.Address.Kind == ServerAddressKind.Name ? new ServerCondition("up")
        : new ServerCondition("up", SinceMs: 0);
}
