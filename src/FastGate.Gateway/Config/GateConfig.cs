using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Config;

/// <summary>A whole configuration without problems: what the data path obeys and what the admin address
/// obeys.</summary>
public sealed record GateConfig
{
    public required GateOptions Gate { get; init; }

    public AdminOptions Admin { get; init; } = new();

    /// <summary>Names what was written; null without a file.</summary>
    public string? Hash { get; init; }

    /// <summary>A proxy without a file: everything that comes in at <paramref name="listen"/> goes to
    /// <paramref name="to"/>. Fails if one of them is the admin address.</summary>
    public static bool TryForward(BindAddress listen, ServerAddress to, out GateConfig? config, out string error)
    {
        config = null;
        error = "";
        var admin = new AdminOptions();
        if (listen.Overlaps(admin.Listen))
            error = $"{listen} is the admin address; take another port";
        else if (CrossChecks.PointsAt(to, admin.Listen, new Surroundings()))
            error = $"{to} is the admin address; clients would reach what only operators may";
        else if (CrossChecks.PointsAt(to, listen, new Surroundings()))
            error = $"{to} is where the proxy itself listens; requests would go round in circles";
        if (error.Length > 0)
            return false;
        config = new GateConfig
        {
            Admin = admin,
            Gate = new GateOptions
            {
                Listeners = [new ListenerOptions { Name = "web", Bind = listen }],
                Upstreams = [new UpstreamOptions { Name = "to", Servers = [new UpstreamServer(to)] }],
                Routes = [new RouteOptions { Name = "all", Match = ["/*"], Upstream = "to" }],
            },
        };
        return true;
    }
}
