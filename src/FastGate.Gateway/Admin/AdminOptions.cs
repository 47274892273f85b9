using System.Net;
using FastGate.Gateway.Proxy;

namespace FastGate.Gateway.Admin;

/// <summary>[admin]: the address that serves /stats, /metrics, /healthz and the commands.</summary>
public sealed record AdminOptions
{
    public BindAddress Listen { get; init; } = DefaultListen;

    /// <summary>Null: bound to loopback nothing needs one, beyond it only /healthz and /readyz are served.</summary>
    public SourceText? Token { get; init; }

    /// <summary>Further values of Host that are accepted, besides the bound address and localhost.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    public static BindAddress DefaultListen { get; } = BindAddress.OfIp(IPAddress.Loopback, 9901);
}
