using FastGate.Gateway.Proxy;
using FastGate.Gateway.Upstreams;
using FastGate.Net;

namespace FastGate.Tests.Proxy;

/// <summary>A gate that hedges, whose answers have taken 20 ms so far, and a client of it.</summary>
internal sealed class HedgeBed : IDisposable
{
    public const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    public const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private readonly RetryBed _bed;

    /// <param name="route">More of the route; all of it if it says <c>retry</c> itself.</param>
    /// <param name="servers">As <see cref="RetryBed"/> has them.</param>
    /// <param name="upstream">More of the upstream.</param>
    /// <param name="known">So many answers have come before.</param>
    public HedgeBed(string route = "", string[]? servers = null, string upstream = "eject = \"off\"", int known = 200)
    {
        bool isWhole = route.Contains("retry =", StringComparison.Ordinal);
        _bed = new RetryBed(isWhole ? route : $"retry = {{ hedge = \"p95\" }}\n{route}", servers, upstream);
        Client = _bed.Connect();
        Record(known, 20);
    }

    public Peer Client { get; }

    public GateInMemory Gate => _bed.Gate;

    public Lane Lane => _bed.Gate.Lane;

    public RetryBudget Budget => _bed.Budget;

    public Server[] Servers => Gate.Gate.Upstreams[0].Servers;

    public Peer Connect() => _bed.Connect();

    public Peer Asked() => _bed.Asked();

    public Peer Asked(out string received) => _bed.Asked(out received);

    public Peer? TryAsked() => _bed.TryAsked();

    /// <summary>The client asks, and a server that is not named yet is to answer.</summary>
    public Peer Ask()
    {
        Client.Forget();
        Client.Send(Get);
        return Asked();
    }

    /// <summary>The client asks, and as the first server is silent a second one is asked.</summary>
    public (Peer First, Peer Second) Race()
    {
        Peer first = Ask();
        Gate.Advance(25);
        return (first, Asked());
    }

    /// <summary>So many answers that took so long.</summary>
    public void Record(int count, int milliseconds, int route = 0)
    {
        if (TryTimes(route) is not { } times)
        {
            return;
        }
        for (int i = 0; i < count; i++)
        {
            times.Record(Lane.Now, milliseconds * 1_000);
        }
    }

    /// <summary>What so many of a hundred do not exceed, in milliseconds, read now.</summary>
    public long Delay(int percent = 95, int route = 0)
    {
        Assert.True(TryTimes(route)!.TryDelay(percent, Lane.Now + 1_000, out long delay));
        return delay;
    }

    public void AssertOk() => Assert.EndsWith("\r\n\r\nok", Client.Received);

    /// <summary>Nothing is under way, and so many connections are kept.</summary>
    public void AssertSettled(int connections)
    {
        Assert.Equal((0, connections),
            (Servers.Sum(static s => s.Active), Servers.Sum(static s => s.Connections)));
        Assert.Equal(0, Lane.Buffers.Rented);
    }

    public void Dispose() => _bed.Dispose();

    private HeadTimes? TryTimes(int route)
    {
        Route of = Gate.Gate.Table.RouteList[route];
        return of.Retry.HedgePercent > 0 ? Hedge.TimesOf(of, Lane) : null;
    }
}
