namespace FastGate.Gateway.Config;

/// <summary>The keys of one kind of table. <see cref="Later"/> are those that are promised and do not exist yet: they
/// are errors too, but honest ones.</summary>
internal sealed record Shape(string Title, string[] Keys, string[] Later)
{
    public static Shape Root { get; } = new("the top level",
        ["version", "include", "server", "admin", "log", "listener", "client", "defaults", "upstream", "route"],
        ["limit", "preset", "expect", "auth", "cache", "store", "alert", "trace"]);

    public static Shape Included { get; } = new("an included file",
        ["upstream", "route"],
        ["limit", "preset", "expect", "auth", "cache"]);

    public static Shape Server { get; } = new("[server]",
        ["workers", "transport", "drain", "drain_delay", "memory_max", "trusted_proxies"],
        ["cache_memory"]);

    public static Shape Admin { get; } = new("[admin]", ["listen", "token", "hosts"], []);

    public static Shape Log { get; } = new("[log]", ["access", "to", "level"], []);

    public static Shape Listener { get; } = new("[[listener]]",
        ["name", "bind"],
        ["tls", "https_redirect", "proxy_protocol"]);

    public static Shape Client { get; } = new("[client]",
        ["head_bytes_max", "headers_max", "body_bytes_max", "connections_max", "requests_pipelined_max", "head_timeout",
            "keep_alive", "body_rate_min", "path", "underscore_headers"],
        []);

    public static Shape Defaults { get; } = new("[defaults]",
        ["timeout", "retry"],
        ["host", "request_headers", "response_headers", "listener", "ignore_case", "encoded_slash", "body_bytes_max",
            "limit", "auth", "cache", "cors", "allow", "deny", "compress"]);

    public static Shape Upstream { get; } = new("[upstream.NAME]",
        ["servers", "balance", "hash", "slow_start", "health", "eject", "pool"],
        ["concurrency", "protocol", "tls"]);

    public static Shape Health { get; } = new("'health'",
        ["path", "every", "timeout", "status", "body", "rise", "fall"],
        []);

    public static Shape Eject { get; } = new("'eject'",
        ["consecutive", "ratio", "requests_min", "window", "base", "max", "panic"],
        []);

    public static Shape UpstreamServer { get; } = new("a server of 'servers'", ["address", "weight", "backup"], []);

    public static Shape Pool { get; } = new("'pool'",
        ["connections_max", "tunnels_max", "idle", "queue_max", "queue_timeout"],
        []);

    public static Shape Route { get; } = new("[[route]]",
        ["name", "match", "when", "upstream", "respond", "redirect", "strip_prefix", "host", "request_headers",
            "response_headers", "listener", "order", "ignore_case", "encoded_slash", "timeout", "retry",
            "body_bytes_max"],
        ["preset", "rewrite", "split", "split_by", "mirror", "limit", "auth", "require", "cors", "allow",
            "deny", "cache", "call", "partial", "body", "compress"]);

    public static Shape Timeout { get; } = new("'timeout'", ["connect", "first_byte", "idle", "tunnel", "total"], []);

    public static Shape Retry { get; } = new("'retry'",
        ["retries", "on", "per_try", "body_max", "budget", "budget_min", "hedge"],
        []);

    public static Shape Respond { get; } = new("'respond'", ["status", "body", "headers"], []);

    public static Shape Redirect { get; } = new("'redirect'", ["to", "status"], []);

    public static Shape RequestHeaders { get; } = new("'request_headers'", ["set", "add", "default", "remove"], []);

    public static Shape ResponseHeaders { get; } = RequestHeaders with { Title = "'response_headers'" };

    /// <summary>Where a key that is in the wrong place may belong; the first that has it.</summary>
    public static Shape[] All { get; } =
        [Root, Server, Admin, Log, Client, Listener, Upstream, UpstreamServer, Route, Timeout, Retry, Pool, Health,
            Eject, Respond, Redirect, RequestHeaders];
}
