using FastGate.Net;

namespace FastGate.Gateway.Admin;

/// <summary>The admin address: <c>/healthz</c> and <c>/readyz</c>, served by the same engine as the traffic but on a
/// lane of its own, so that neither can hold up the other.</summary>
public sealed class AdminSite
{
    private readonly Lane _lane;
    private readonly Listener _listener;
    private readonly Action<Exception> _bug;
    private int _connections;
    private volatile Readiness _readiness = Readiness.Starting;

    private AdminSite(AdminOptions options, Listener listener, Lane lane, Action<Exception> bug)
    {
        _lane = lane;
        _listener = listener;
        _bug = bug;
        Hosts = new AdminHosts(listener.Address, options.Hosts);
    }

    /// <summary>The address as bound.</summary>
    public NetAddress Address => _listener.Address;

    /// <summary>What <c>/readyz</c> says. Any thread.</summary>
    public Readiness Readiness
    {
        get => _readiness;
        set => _readiness = value;
    }

    internal AdminHosts Hosts { get; }

    /// <summary>Binds and begins to serve on the first lane of <paramref name="transport"/>.</summary>
    /// <param name="options">[admin].</param>
    /// <param name="transport">Its lanes carry nothing else.</param>
    /// <param name="bug">Told of what must not happen; costs the connection it happened on.</param>
    /// <exception cref="BindException">The address cannot be had.</exception>
    public static AdminSite Start(AdminOptions options, Transport transport, Action<Exception> bug) =>
        Start(options, transport, options.Listen.ToNetAddress(), bug);

    internal static AdminSite Start(AdminOptions options, Transport transport, NetAddress address,
        Action<Exception> bug)
    {
        Lane lane = transport.Lanes[0];
        lane.Escaped = bug;
        var site = new AdminSite(options, transport.Bind(address), lane, bug);
        lane.Post(new LaneAction(() => _ = site.AcceptAsync()));
        return site;
    }

    private async Task AcceptAsync()
    {
        while (await _listener.AcceptAsync(_lane) is { } client)
            _ = ServeAsync(client);
    }

    private async Task ServeAsync(Connection client)
    {
        _connections++;
        try
        {
            if (_connections <= AdminLimits.ConnectionsMax)
                await new AdminConnection(this, client).RunAsync();
            else
                await AdminConnection.RefuseAsync(client);
        }
        catch (Exception bug)
        {
            client.Close();
            _bug(bug);
        }
        finally
        {
            _connections--;
        }
    }
}
