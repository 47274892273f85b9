using FastGate.Gateway.Stats;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Admin;

/// <summary>The admin address: <c>/healthz</c>, <c>/readyz</c>, <c>/stats</c> and what operators may say of servers,
/// served by the same engine as the traffic but on a lane of its own, so that neither can hold up the other.</summary>
public sealed class AdminSite
{
    private readonly Lane _lane;
    private readonly Listener _listener;
    private readonly ProcessLog _log;
    private readonly Stack<PageWriter> _writers = new();
    private readonly LinkedList<AdminConnection> _waiting = new();
    private int _connections;
    private int _pages;
    private volatile Readiness _readiness = Readiness.Starting;

    private AdminSite(AdminOptions options, Listener listener, Lane lane, StatsPage? stats, ServerControl? servers,
        ProcessLog log)
    {
        _lane = lane;
        _listener = listener;
        _log = log;
        Stats = stats;
        Servers = servers;
        Hosts = new AdminHosts(listener.Address, options.Hosts);
        Access = new AdminAccess(options);
    }

    /// <summary>The address as bound.</summary>
    public NetAddress Address => _listener.Address;

    /// <summary>What <c>/readyz</c> says. Any thread.</summary>
    public Readiness Readiness
    {
        get => _readiness;
        set => _readiness = value;
    }

    /// <summary>Nothing but the probes is served: the network reaches it, and there is no token.</summary>
    public bool IsClosed => Access.IsClosed;

    internal AdminHosts Hosts { get; }

    internal AdminAccess Access { get; }

    /// <summary>Null where nobody has numbers to show.</summary>
    internal StatsPage? Stats { get; }

    /// <summary>Null where there are none to control.</summary>
    internal ServerControl? Servers { get; }

    /// <summary>Binds and begins to serve on the first lane of <paramref name="transport"/>.</summary>
    /// <param name="options">[admin].</param>
    /// <param name="transport">Its lanes carry nothing else.</param>
    /// <param name="stats">What <c>/stats</c> shows.</param>
    /// <param name="servers">Does what operators say of servers.</param>
    /// <param name="log">Told of what must not happen, and of who tries tokens.</param>
    /// <exception cref="BindException">The address cannot be had.</exception>
    public static AdminSite Start(AdminOptions options, Transport transport, StatsPage? stats, ServerControl? servers,
        ProcessLog log) => Start(options, transport, options.Listen.ToNetAddress(), stats, servers, log);

    internal static AdminSite Start(AdminOptions options, Transport transport, NetAddress address, StatsPage? stats,
        ServerControl? servers, ProcessLog log)
    {
        Lane lane = transport.Lanes[0];
        var site = new AdminSite(options, transport.Bind(address), lane, stats, servers, log);
        lane.Escaped = site.ReportBug;
        if (site.IsClosed)
        {
            log.Warn("the admin address is bound beyond loopback without a token: only /healthz and /readyz are served",
                ("address", site.Address.Text));
        }
        lane.Post(new LaneAction(() => site.AcceptAsync().Forget()));
        return site;
    }

    internal void ReportWrongToken(Connection client) => _log.Limited(LogLevel.Warn, "admin_token",
        "a wrong token at the admin address", ("peer", client.Remote.Text));

    /// <summary>A connection that waits for a request may have to make room for a new one.</summary>
    internal void BeginWait(AdminConnection connection) => _waiting.AddLast(connection.Waiting);

    internal void EndWait(AdminConnection connection)
    {
        if (connection.Waiting.List is not null)
        {
            _waiting.Remove(connection.Waiting);
        }
    }

    /// <summary>False when enough pages are being taken.</summary>
    internal bool TryBeginPage()
    {
        if (_pages == AdminLimits.PagesMax)
        {
            return false;
        }
        _pages++;
        return true;
    }

    internal void EndPage() => _pages--;

    internal PageWriter RentWriter() => _writers.TryPop(out PageWriter? writer) ? writer : new PageWriter();

    internal void ReturnWriter(PageWriter writer)
    {
        writer.Reset();
        if (_writers.Count < AdminLimits.WritersKeptMax)
        {
            _writers.Push(writer);
        }
    }

    private void ReportBug(Exception bug) => _log.Limited(LogLevel.Error, "admin_bug",
        "a bug cost a connection to the admin address", ("exception", bug.ToString()));

    private async LaneTask AcceptAsync()
    {
        while (await _listener.AcceptAsync(_lane) is { } client)
            ServeAsync(client).Forget();
    }

    /// <summary>Whoever holds connections open and asks nothing must not keep a probe out: the one that has waited
    /// longest is closed.</summary>
    private bool TryMakeRoom()
    {
        if (_waiting.First is not { } longest)
        {
            return false;
        }
        _waiting.Remove(longest);
        longest.Value.Abort();
        return true;
    }

    private async LaneTask ServeAsync(Connection client)
    {
        _connections++;
        try
        {
            if (_connections <= AdminLimits.ConnectionsMax || TryMakeRoom())
                await new AdminConnection(this, client).RunAsync();
            else
                await AdminConnection.RefuseAsync(client);
        }
        catch (Exception bug)
        {
            client.Close();
            ReportBug(bug);
        }
        finally
        {
            _connections--;
        }
    }
}
