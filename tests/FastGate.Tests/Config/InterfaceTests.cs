using FastGate.Gateway.Proxy;
using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Health;

namespace FastGate.Tests.Config;

/// <summary>The example of the contract with operators, less the keys that do not exist yet.</summary>
public sealed class InterfaceTests
{
    private const string Example = """
        version = 1
        include = ["conf.d/*.toml"]            # these hold only upstream, limit, cache, auth, preset, route and expect; names are global

        [server]
        workers   = "auto"                     # event loops; auto = one per core this process may use (cgroup quota counts)
        transport = "auto"                     # auto | io_uring | epoll | sockets
        drain     = "25s"                      # how long open exchanges may finish after SIGTERM
        drain_delay = "none"                   # before that: /readyz says 503 while new connections are still taken
        memory_max  = "1GiB"                   # buffers and connections of the data path
        trusted_proxies = ["10.0.0.0/8"]       # whose forwarding headers are believed; nobody's by default

        [admin]
        listen = "127.0.0.1:9901"              # never a data port
        token  = "${env:GATE_ADMIN_TOKEN}"

        [log]
        access = "json"                        # json | text | off
        to     = "stdout"                      # stdout | a path
        level  = "info"

        [[listener]]
        name = "web"
        bind = "127.0.0.1:8080"

        [client]                               # what a client may do
        head_bytes_max  = "32KiB"              # over: 431, or 414 for the request line
        headers_max     = 100                  # over: 431
        body_bytes_max  = "1GiB"               # over: 413; a route may say otherwise
        connections_max = 100000
        requests_pipelined_max = 64
        head_timeout    = "10s"                # from the first byte
        keep_alive      = "75s"                # an idle client connection
        body_rate_min   = "240B/s"             # after a grace of 10 s
        path            = "normalize"          # normalize | refuse
        underscore_headers = "drop"            # drop | refuse | pass

        [defaults]                             # every route's, unless it says otherwise
        timeout = { connect = "3s", first_byte = "30s", idle = "60s", tunnel = "1h", total = "none" }
        retry   = { retries = 1, on = ["connect", "reset", "502", "503", "504"], per_try = "none", body_max = "64KiB", budget = "20%", budget_min = "3/s" }

        [upstream.orders]
        servers  = ["orders.svc:80", { address = "10.0.0.12:80", weight = 2, backup = true }, "unix:/run/orders.sock"]
        balance  = "p2c_ewma"                  # round_robin | least | p2c | p2c_ewma | hash (then also: hash = "cookie:sid", a key)
        health   = { path = "/healthz", every = "5s", timeout = "1s", status = "200-299", rise = 2, fall = 3 }
        eject    = { consecutive = 5, ratio = "50%", requests_min = 50, window = "10s", base = "5s", max = "50%", panic = "30%" }
        pool     = { connections_max = 1024, tunnels_max = 16384, idle = "4s", queue_max = 1024, queue_timeout = "1s" }
        slow_start  = "30s"

        [upstream.orders_v2]
        servers = ["10.0.1.11:80"]

        [[route]]
        name     = "orders"
        match    = ["GET,POST api.example.com/v1/orders/*", "GET api.example.com/v1/order-status"]   # [METHOD[,METHOD]] [host]/path; a string or a list
        when     = { "header:X-Beta" = "1", "query:v" = ["2", "3"], "cookie:old" = false }   # exact, one of, or present / absent
        upstream = "orders"
        strip_prefix = "/v1"
        host     = "client"                                   # client | upstream | a literal
        request_headers  = { set = { "X-Gate" = "fastgate" }, add = {}, default = {}, remove = ["X-Debug"] }
        response_headers = { remove = ["Server"] }
        timeout = { first_byte = "5s" }

        [[route]]
        name     = "users"
        match    = "/users/{id}/*"
        upstream = "orders"

        [[route]]
        name  = "ping"
        match = "GET /ping"
        respond = { status = 200, body = "pong", headers = { "Content-Type" = "text/plain" } }

        [[route]]
        name  = "old"
        match = "/old/*"
        redirect = { to = "/new/{rest}", status = 308 }
        """;

    [Fact]
    public void Is_valid()
    {
        var config = Configs.Valid(Example, static name => name == "GATE_ADMIN_TOKEN" ? "t0ken" : null);
        Assert.Equal("t0ken", config.Admin.Token!.Value);
        Assert.Equal("${env:GATE_ADMIN_TOKEN}", config.Admin.Token.ToString());

        var upstream = config.Gate.Upstreams[0];
        Assert.Equal(("orders", Balance.P2cEwma, 30_000), (upstream.Name, upstream.Balance, upstream.SlowStartMs));
        Assert.Equal(("/healthz", 5_000, 1_000, 2, 3), (upstream.Health!.Path, upstream.Health.EveryMs,
            upstream.Health.TimeoutMs, upstream.Health.Rise, upstream.Health.Fall));
        Assert.Equal([new StatusRange(200, 299)], upstream.Health.Status);
        Assert.Equal(new EjectOptions(), upstream.Eject);
        Assert.Equal([(1, false), (2, true), (1, false)], upstream.Servers.Select(s => (s.Weight, s.IsBackup)));
        Assert.Equal(["orders.svc:80", "10.0.0.12:80", "unix:/run/orders.sock"],
            upstream.Servers.Select(s => s.Address.Text));
        Assert.Equal([ServerAddressKind.Name, ServerAddressKind.Ip, ServerAddressKind.Unix],
            upstream.Servers.Select(s => s.Address.Kind));

        var orders = config.Gate.Routes[0];
        Assert.Equal("GET api.example.com/v1/order-status", orders.Match[1].Value);
        Assert.Equal(["header:X-Beta", "query:v", "cookie:old"], orders.When.Select(w => w.Key.Value));
        Assert.Equal([["1"], ["2", "3"], []], orders.When.Select(w => w.Values.Select(v => v.Value).ToArray()));
        Assert.Equal([null, null, false], orders.When.Select(w => w.Present));
        Assert.Equal("/v1", orders.StripPrefix);
        Assert.Equal([new HeaderField("X-Gate", "fastgate")], orders.RequestHeaders.Set);
        Assert.Equal(["X-Debug"], orders.RequestHeaders.Remove);
        Assert.Equal(["Server"], orders.ResponseHeaders.Remove);
        Assert.Equal(new TimeoutOptions { FirstByteMs = 5_000 }, orders.Timeout);
        Assert.Equal(new RetryOptions(), orders.Retry);

        var ping = config.Gate.Routes[2].Respond!;
        Assert.Equal((200, "pong"), (ping.Status, ping.Body.Value));
        Assert.Equal([new HeaderField("Content-Type", "text/plain")], ping.Headers);
        var old = config.Gate.Routes[3].Redirect!;
        Assert.Equal(("/new/{rest}", 308), (old.To.Value, old.Status));
    }

    [Fact]
    public void Offline_a_missing_secret_is_a_warning()
    {
        var reading = Configs.Read(Example, offline: true);
        Assert.False(reading.HasErrors);
        Assert.Null(reading.Config);
        Assert.Equal((1, 4, 2), (reading.Listeners, reading.Routes, reading.Upstreams));
        Assert.StartsWith("gate.toml:14:11: warning: the environment variable GATE_ADMIN_TOKEN is not set\n",
            Configs.Print(reading), StringComparison.Ordinal);
    }

    [Fact]
    public void Inline_tables_may_span_lines() =>
        Configs.Valid("""
            version = 1
            [[listener]]
            name = "web"
            bind = ":8080"
            [[route]]
            name = "ping"
            match = "GET /ping"
            respond = {
              status = 200,   # TOML 1.1
              body = "pong",
            }
            """);

    /// <summary>What the example has besides is promised: each key says so, none is taken for a slip of the
    /// pen.</summary>
    [Theory]
    [InlineData("[limit.x]\nrate = \"1/s\"")]
    [InlineData("[preset.x]\nlimit = []")]
    [InlineData("[cache.x]\nkey = 1")]
    [InlineData("[auth.x]\nkey = 1")]
    [InlineData("[store.x]\nkey = 1")]
    [InlineData("[alert.x]\nkey = 1")]
    [InlineData("[trace]\nkey = 1")]
    [InlineData("[[expect]]\nrequest = \"GET http://x/\"")]
    [InlineData("[server]\ncache_memory = \"1GiB\"")]
    [InlineData("[[listener]]\nname = \"tls\"\nbind = \":8443\"\ntls = {}")]
    [InlineData("[[listener]]\nname = \"tls\"\nbind = \":8443\"\nhttps_redirect = true")]
    [InlineData("[[listener]]\nname = \"tls\"\nbind = \":8443\"\nproxy_protocol = true")]
    [InlineData("[upstream.x]\nservers = [\"demo:\"]\nconcurrency = \"none\"")]
    [InlineData("[upstream.x]\nservers = [\"demo:\"]\nprotocol = \"h2\"")]
    [InlineData("[upstream.x]\nservers = [\"demo:\"]\ntls = {}")]
    [InlineData("[upstream.x]\nservers = [\"demo:\", \"srv:_http._tcp.orders\"]")]
    [InlineData("[upstream.x]\nservers = [\"demo:\", \"file:servers.toml\"]")]
    [InlineData("[server]\ntransport = \"io_uring\"")]
    [InlineData("[server]\ntransport = \"sockets\"")]
    public void Later_keys_are_not_available_yet(string toml)
    {
        var problem = Assert.Single(Configs.Read(Configs.Smallest + toml).Problems);
        Assert.EndsWith("is not available yet", problem.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("preset = \"x\"")]
    [InlineData("rewrite = \"/x\"")]
    [InlineData("split_by = \"ip\"")]
    [InlineData("mirror = {}")]
    [InlineData("limit = []")]
    [InlineData("auth = \"off\"")]
    [InlineData("require = []")]
    [InlineData("cors = {}")]
    [InlineData("allow = []")]
    [InlineData("deny = []")]
    [InlineData("cache = \"short\"")]
    [InlineData("partial = \"200\"")]
    [InlineData("compress = true")]
    public void Later_keys_of_a_route_are_not_available_yet(string line) =>
        Assert.EndsWith("is not available yet", Assert.Single(Configs.Read(Configs.Smallest + line).Problems).Sentence,
            StringComparison.Ordinal);

    [Fact]
    public void The_shipped_file_is_valid()
    {
        var toml = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Config", "gate.toml"));
        var config = Configs.Valid(toml);
        Assert.Equal("127.0.0.1:8080", Assert.Single(config.Gate.Listeners).Bind.Text);
        Assert.Equal("127.0.0.1:9901", config.Admin.Listen.Text);
        Assert.Same(ServerAddress.Demo, Assert.Single(Assert.Single(config.Gate.Upstreams).Servers).Address);
        Assert.Equal(["all", "ping"], config.Gate.Routes.Select(r => r.Name));
    }
}
