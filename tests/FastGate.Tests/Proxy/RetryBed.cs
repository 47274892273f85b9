using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Proxy;

/// <summary>A gate whose servers take turns.</summary>
internal sealed class RetryBed : IDisposable
{
    /// <param name="route">More of the route.</param>
    /// <param name="servers">Their paths; nobody listens where one begins with <c>/nobody</c>, and one that begins with
    /// <c>/backup</c> is one.</param>
    /// <param name="upstream">More of the upstream; nothing is ejected unless it says so.</param>
    public RetryBed(string route = "", string[]? servers = null, string upstream = "eject = \"off\"")
    {
        servers ??= ["/a", "/b"];
        Gate = new GateInMemory(GateInMemory.Plain.Replace("servers = [\"demo:\"]", $"""
            servers = [{string.Join(", ", servers.Select(static path => Entry(path)))}]
            balance = "round_robin"
            {upstream}
            """, StringComparison.Ordinal) + "\n" + route);
        Peers = [.. servers.Where(static path => !path.StartsWith("/nobody", StringComparison.Ordinal))
            .Select(path => Gate.Listen(path))];
    }

    public GateInMemory Gate { get; }

    public List<Peer>[] Peers { get; }

    public RetryBudget Budget => Gate.Gate.Upstreams[0].RetryBudget;

    public Peer Connect() => Gate.Connect();

    /// <summary>The server's end that got something; it is forgotten.</summary>
    public Peer Asked() => Asked(out _);

    public Peer Asked(out string received)
    {
        Peer? peer = Find();
        Assert.NotNull(peer);
        received = peer.Received;
        peer.Forget();
        return peer;
    }

    public Peer? TryAsked()
    {
        Peer? peer = Find();
        peer?.Forget();
        return peer;
    }

    public void Dispose() => Gate.Dispose();

    private static string Entry(string path) => path.StartsWith("/backup", StringComparison.Ordinal)
        ? $"{{ address = \"unix:{path}\", backup = true }}"
        : $"\"unix:{path}\"";

    private Peer? Find()
    {
        Gate.Run();
        return Peers.SelectMany(static peers => peers).SingleOrDefault(static peer => peer.ReceivedBytes > 0);
    }
}
