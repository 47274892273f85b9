using System.Net;
using FastGate.Gateway;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Health;

namespace FastGate.Tests.Config;

/// <summary>What is served when nothing is said, and what is served when the same is said in so many words.</summary>
public sealed class DefaultsTests
{
    [Fact]
    public void Server_admin_log_and_client()
    {
        var config = Configs.Valid(Configs.Smallest);
        var server = config.Gate.Server;
        Assert.Equal(0, server.Workers);
        Assert.Equal(TransportKind.Auto, server.Transport);
        Assert.Equal(25_000, server.DrainMs);
        Assert.Equal(0, server.DrainDelayMs);
        Assert.Equal(1L << 30, server.MemoryMax);
        Assert.Empty(server.TrustedProxies);

        Assert.Equal("127.0.0.1:9901", config.Admin.Listen.Text);
        Assert.Null(config.Admin.Token);
        Assert.Empty(config.Admin.Hosts);

        Assert.Equal(new LogOptions { Access = AccessFormat.Json, To = null, Level = LogLevel.Info }, config.Gate.Log);

        Assert.Equal(new ClientOptions
        {
            HeadBytesMax = 32 * 1024,
            HeadersMax = 100,
            BodyBytesMax = 1L << 30,
            ConnectionsMax = 100_000,
            RequestsPipelinedMax = 64,
            HeadTimeoutMs = 10_000,
            KeepAliveMs = 75_000,
            BodyRateMin = 240,
            Path = PathHandling.Normalize,
            UnderscoreHeaders = UnderscoreHandling.Drop,
        }, config.Gate.Client);
    }

    [Fact]
    public void Upstream()
    {
        var config = Configs.Valid(Configs.Smallest + "[upstream.a]\nservers = [\"10.0.0.1:80\"]\n");
        var upstream = Assert.Single(config.Gate.Upstreams);
        Assert.Equal(Balance.P2cEwma, upstream.Balance);
        Assert.Empty(upstream.Hash);
        Assert.Equal(0, upstream.SlowStartMs);
        Assert.Null(upstream.Health);
        Assert.Equal(new EjectOptions
        {
            Consecutive = 5,
            RatioPercent = 50,
            RequestsMin = 50,
            WindowMs = 10_000,
            BaseMs = 5_000,
            MaxPercent = 50,
            PanicPercent = 30,
        }, upstream.Eject);
        Assert.Equal((1, false), (Assert.Single(upstream.Servers).Weight, upstream.Servers[0].IsBackup));
        Assert.Equal(new PoolOptions
        {
            ConnectionsMax = 1024,
            TunnelsMax = 16384,
            IdleMs = 4_000,
            QueueMax = 1024,
            QueueTimeoutMs = 1_000,
        }, upstream.Pool);
    }

    [Theory]
    [InlineData("p2c_ewma", Balance.P2cEwma)]
    [InlineData("p2c", Balance.P2c)]
    [InlineData("least", Balance.Least)]
    [InlineData("round_robin", Balance.RoundRobin)]
    public void Balancing_by_its_words(string word, Balance balance)
    {
        var upstream = Assert.Single(Configs.Valid(Configs.Smallest + $$"""
            [upstream.a]
            servers = ["10.0.0.1:80", { address = "10.0.0.2:80", weight = 256 }, { address = "10.0.0.3:80", backup = true }]
            balance = "{{word}}"
            slow_start = "none"
            """).Gate.Upstreams);
        Assert.Equal((balance, 0), (upstream.Balance, upstream.SlowStartMs));
        Assert.Equal([(1, false), (256, false), (1, true)], upstream.Servers.Select(s => (s.Weight, s.IsBackup)));
    }

    [Theory]
    [InlineData("\"cookie:sid\"", "cookie:sid")]
    [InlineData("[\"header:X-User\", \"query:q\", \"ip\"]", "header:X-User query:q ip")]
    [InlineData("[\"ip/24/56\", \"host\", \"method\", \"route\", \"all\"]", "ip/24/56 host method route all")]
    [InlineData("\"path:id\"", "path:id")]
    public void Hashing_by_one_key_or_several(string hash, string keys)
    {
        var upstream = Assert.Single(Configs.Valid(Configs.Smallest + $$"""
            [upstream.a]
            servers = ["10.0.0.1:80", "10.0.0.2:80"]
            balance = "hash"
            hash = {{hash}}
            [[route]]
            name = "a"
            match = ["/a", "/a/{id}"]
            upstream = "a"
            [[route]]
            name = "b"
            match = "/b"
            upstream = "a"
            """).Gate.Upstreams);
        Assert.Equal(Balance.Hash, upstream.Balance);
        Assert.Equal(keys, string.Join(' ', upstream.Hash));
    }

    [Fact]
    public void Health_and_eject_that_say_something_else()
    {
        var upstream = Assert.Single(Configs.Valid(Configs.Smallest + """
            [upstream.a]
            servers = ["10.0.0.1:80"]
            health = { path = "/up?x=1", every = "1m", timeout = "250ms", status = ["200", "301-302"], body = "ok", rise = 1, fall = 9 }
            eject = { consecutive = "none", ratio = "none", requests_min = 7, window = "1m", base = "1s", max = "100%", panic = "none" }
            """).Gate.Upstreams);
        Assert.Equal(("/up?x=1", 60_000, 250, "ok", 1, 9), (upstream.Health!.Path, upstream.Health.EveryMs,
            upstream.Health.TimeoutMs, upstream.Health.Body, upstream.Health.Rise, upstream.Health.Fall));
        Assert.Equal([new StatusRange(200, 200), new StatusRange(301, 302)], upstream.Health.Status);
        Assert.Equal(new EjectOptions
        {
            Consecutive = 0,
            RatioPercent = 0,
            RequestsMin = 7,
            WindowMs = 60_000,
            BaseMs = 1_000,
            MaxPercent = 100,
            PanicPercent = 0,
        }, upstream.Eject);
    }

    [Fact]
    public void Health_and_eject_that_are_off()
    {
        var upstream = Assert.Single(Configs.Valid(
            Configs.Smallest + "[upstream.a]\nservers = [\"10.0.0.1:80\"]\nhealth = \"off\"\neject = \"off\"\n").Gate.Upstreams);
        Assert.Null(upstream.Health);
        Assert.False(upstream.Eject.IsOn);
        Assert.Equal(30, upstream.Eject.PanicPercent);
    }

    [Fact]
    public void Route()
    {
        var route = Assert.Single(Configs.Valid(Configs.Smallest).Gate.Routes);
        Assert.Equal(new TimeoutOptions
        {
            ConnectMs = 3_000,
            FirstByteMs = 30_000,
            IdleMs = 60_000,
            TunnelMs = 3_600_000,
            TotalMs = Bound.None,
        }, route.Timeout);
        Assert.Equal(1L << 30, route.BodyBytesMax);
        Assert.Equal(HostOptions.Client, route.Host);
        Assert.True(route.RequestHeaders.IsEmpty);
        Assert.True(route.ResponseHeaders.IsEmpty);
        Assert.Empty(route.When);
        Assert.Empty(route.Listener);
        Assert.Null(route.StripPrefix);
        Assert.Equal(0, route.Order);
        Assert.False(route.IgnoreCase);
        Assert.False(route.EncodedSlash);
        Assert.Equal(200, route.Respond!.Status);
        Assert.Equal("", route.Respond.Body.Value);
        Assert.Equal(new Origin("gate.toml", 6, 8, 5), route.Origin);
    }

    [Fact]
    public void Redirect_is_permanent_and_keeps_the_method() =>
        Assert.Equal(308, Assert.Single(Configs.Valid("""
            version = 1
            [[listener]]
            name = "web"
            bind = ":8080"
            [[route]]
            name = "old"
            match = "/old/*"
            redirect = { to = "/new/{rest}" }
            """).Gate.Routes).Redirect!.Status);

    [Fact]
    public void Every_key_says_something_else()
    {
        var config = Configs.Valid("""
            version = 1
            [server]
            workers = 3
            transport = "epoll"
            drain = "none"
            drain_delay = "5s"
            memory_max = "64MiB"
            trusted_proxies = ["10.0.0.0/8", "fd00::/8", "192.0.2.1/32"]
            [admin]
            listen = "[::1]:9999"
            token = "abc"
            hosts = ["Gate.example.com", "10.0.0.1:9999"]
            [log]
            access = "text"
            to = "/var/log/fastgate.log"
            level = "debug"
            [client]
            head_bytes_max = "8KiB"
            headers_max = 50
            body_bytes_max = "none"
            connections_max = 10
            requests_pipelined_max = 1
            head_timeout = "1s"
            keep_alive = "1m"
            body_rate_min = "none"
            path = "refuse"
            underscore_headers = "pass"
            [[listener]]
            name = "web"
            bind = ":8080"
            [[route]]
            name = "all"
            match = "/*"
            respond = {}
            """);
        var server = config.Gate.Server;
        Assert.Equal((3, TransportKind.Epoll, Bound.None, 5_000L, 64L << 20), (server.Workers, server.Transport,
            server.DrainMs, server.DrainDelayMs, server.MemoryMax));
        Assert.Equal(
            [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8"), IPNetwork.Parse("192.0.2.1/32")],
            server.TrustedProxies);
        Assert.Equal("[::1]:9999", config.Admin.Listen.Text);
        Assert.Equal("abc", config.Admin.Token!.Value);
        Assert.Equal(["gate.example.com", "10.0.0.1:9999"], config.Admin.Hosts);
        Assert.Equal(
            new LogOptions { Access = AccessFormat.Text, To = "/var/log/fastgate.log", Level = LogLevel.Debug },
            config.Gate.Log);
        Assert.Equal(new ClientOptions
        {
            HeadBytesMax = 8192,
            HeadersMax = 50,
            BodyBytesMax = Bound.None,
            ConnectionsMax = 10,
            RequestsPipelinedMax = 1,
            HeadTimeoutMs = 1_000,
            KeepAliveMs = 60_000,
            BodyRateMin = 0,
            Path = PathHandling.Refuse,
            UnderscoreHeaders = UnderscoreHandling.Pass,
        }, config.Gate.Client);
        Assert.Equal(Bound.None, config.Gate.Routes[0].BodyBytesMax);
    }

    [Fact]
    public void A_route_merges_its_timeout_key_by_key_into_the_defaults()
    {
        var routes = Configs.Valid("""
            version = 1
            [[listener]]
            name = "web"
            bind = ":8080"
            [[route]]
            name = "a"
            match = "/a"
            upstream = "u"
            timeout = { idle = "none", total = "1m" }
            body_bytes_max = "1MiB"
            [[route]]
            name = "b"
            match = "/b"
            upstream = "u"
            [upstream.u]
            servers = ["demo:"]
            [defaults]
            timeout = { connect = "1s", total = "5s" }
            """).Gate.Routes;
        Assert.Equal(new TimeoutOptions { ConnectMs = 1_000, IdleMs = Bound.None, TotalMs = 60_000 },
            routes[0].Timeout);
        Assert.Equal(new TimeoutOptions { ConnectMs = 1_000, TotalMs = 5_000 }, routes[1].Timeout);
        Assert.Equal((1L << 20, 1L << 30), (routes[0].BodyBytesMax, routes[1].BodyBytesMax));
    }

    [Fact]
    public void A_route_merges_its_retry_key_by_key_and_off_clears_it()
    {
        var routes = Configs.Valid("""
            version = 1
            [[listener]]
            name = "web"
            bind = ":8080"
            [defaults]
            retry = { retries = 2, per_try = "1s", budget_min = "30/m" }
            [upstream.u]
            servers = ["demo:"]
            [[route]]
            name = "a"
            match = "/a"
            upstream = "u"
            [[route]]
            name = "b"
            match = "/b"
            upstream = "u"
            retry = { on = ["connect", "504"], per_try = "none", body_max = "1KiB", budget = "100%", budget_min = "none" }
            [[route]]
            name = "c"
            match = "/c"
            upstream = "u"
            retry = "off"
            [[route]]
            name = "d"
            match = "/d"
            upstream = "u"
            retry = { on = [] }
            """).Gate.Routes;
        var inherited = new RetryOptions { Retries = 2, PerTryMs = 1_000, BudgetMinPerDay = 30 * 1_440 };
        Assert.Equal(inherited, routes[0].Retry);
        Assert.Equal(new RetryOptions
        {
            Retries = 2,
            On = RetryOn.Connect | RetryOn.Status504,
            PerTryMs = Bound.None,
            BodyMax = 1024,
            BudgetPercent = 100,
            BudgetMinPerDay = 0,
        }, routes[1].Retry);
        Assert.False(routes[2].Retry.IsOn);
        Assert.False(routes[3].Retry.IsOn);
    }

    [Fact]
    public void A_route_that_says_something_where_retries_are_off_gets_what_is_built_in()
    {
        var route = Assert.Single(Configs.Valid("""
            version = 1
            [[listener]]
            name = "web"
            bind = ":8080"
            [defaults]
            retry = "off"
            [upstream.u]
            servers = ["demo:"]
            [[route]]
            name = "a"
            match = "/a"
            upstream = "u"
            retry = { budget = "5%" }
            """).Gate.Routes);
        Assert.Equal(new RetryOptions { BudgetPercent = 5 }, route.Retry);
    }

    [Fact]
    public void No_bound_leaves_room_for_the_time_of_day() =>
        Assert.True(long.MaxValue - Bound.None > Environment.TickCount64 + Bound.None);
}
