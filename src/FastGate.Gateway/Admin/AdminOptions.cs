using System.Net;
using FastGate.Gateway.Proxy;

namespace FastGate.Gateway.Admin;

/// <summary>[admin]: the address that serves /stats, /metrics, /healthz and the commands.</summary>
public sealed record AdminOptions
{
    public BindAddress Listen { get; init; } = DefaultListen;

    /// <summary>The operator asked for it: without the address there is no start. The one that is there by default
    /// gives way with a warning, so that two gates without files can run side by side.</summary>
    public bool IsAsked { get; init; }

    /// <summary>Null: bound to loopback nothing needs one, beyond it only /healthz and /readyz are served.</summary>
    public SourceText? Token { get; init; }

    /// <summary>Further values of Host that are accepted, besides the bound address and localhost.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    public static BindAddress DefaultListen { get; } = BindAddress.OfIp(IPAddress.Loopback, 9901);
}
