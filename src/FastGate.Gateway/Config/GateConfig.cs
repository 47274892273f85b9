using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;

namespace FastGate.Gateway.Config;

/// <summary>A whole configuration without problems: what the data path obeys and what the admin address obeys.</summary>
public sealed record GateConfig
{
    public required GateOptions Gate { get; init; }

    public AdminOptions Admin { get; init; } = new();
}
