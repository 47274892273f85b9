using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;

namespace FastGate.Gateway.Config;

/// <summary>Reads the tables that exist once: [server], [admin], [log], [client], [defaults], and [[listener]].
/// </summary>
internal static class ServerSections
{
    private const long MemoryMin = 16L << 20;
    private const int HeadBytesMin = 1024;
    private const int HeadBytesMax = 1 << 20;
    private const int CountMax = 10_000_000;
    private const int TokenCharsMax = 4096;

    public static ServerOptions Server(TableReader table)
    {
        var defaults = new ServerOptions();
        return new ServerOptions
        {
            Workers = Workers(table),
            Transport = table.Word("transport", defaults.Transport,
                [("auto", TransportKind.Auto), ("epoll", TransportKind.Epoll)], ["io_uring", "sockets"]),
            DrainMs = table.Duration("drain", defaults.DrainMs, none: Bound.None),
            DrainDelayMs = table.Duration("drain_delay", defaults.DrainDelayMs, none: 0),
            MemoryMax = table.Size("memory_max", defaults.MemoryMax, MemoryMin, Units.SizeBytesMax),
            TrustedProxies = TrustedProxies(table),
        };
    }

    private static int Workers(TableReader table)
    {
        const string key = "workers";
        if (table.Table.Find(key)?.Value is not TomlString)
            return table.Count(key, 0, 1, 1024);
        if (table.Text(key) is { } text && text.Value != "auto")
        {
            var number = text.Value.Length > 0 && text.Value.All(char.IsAsciiDigit);
            table.Refuse(text, "number of workers", $"'{key}' is \"auto\" or a number, not '{text.Shown}'",
                number ? $"write {text.Value} without quotes" : "write \"auto\"");
        }
        return 0;
    }

    private static List<IPNetwork> TrustedProxies(TableReader table)
    {
        var networks = new List<IPNetwork>();
        foreach (var text in table.Texts("trusted_proxies") ?? [])
        {
            if (TryNetwork(text.Value, out var network, out var error, out var hint))
                networks.Add(network);
            else
                table.Refuse(text, "network", error, hint);
        }
        return networks;
    }

    /// <summary>Strict: what .NET also takes ("10/8", "010.0.0.0/8", an address with bits below its prefix) is more
    /// often a mistake than meant, and it decides who is believed.</summary>
    private static bool TryNetwork(string text, out IPNetwork network, out string error, out string? hint)
    {
        (network, error, hint) = (default, "", null);
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var address = slash < 0 ? text : text[..slash];
        if (!AddressText.TryIp(address, out var ip) || address.Contains('[', StringComparison.Ordinal)
            || address.Contains('%', StringComparison.Ordinal))
        {
            (error, hint) = ($"'{text}' is no network", "write \"10.0.0.0/8\" or \"fd00::/8\"");
            return false;
        }
        var bits = ip.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        if (slash < 0)
        {
            (error, hint) = ($"'{text}' has no prefix length", $"write \"{text}/{bits}\" for this one address");
            return false;
        }
        if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var prefix)
            || prefix > bits)
        {
            (error, hint) = ($"'{text[(slash + 1)..]}' is no prefix length", $"0 to {bits}");
            return false;
        }
        // The constructor of a network with host bits set has thrown in some versions and cleared them in others.
        var bytes = ip.GetAddressBytes();
        for (var bit = prefix; bit < bits; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        var first = new IPAddress(bytes);
        if (!first.Equals(ip))
        {
            (error, hint) = ($"'{text}' is an address within a network", $"write \"{first}/{prefix}\"");
            return false;
        }
        network = new IPNetwork(first, prefix);
        return true;
    }

    public static AdminOptions Admin(TableReader table)
    {
        var defaults = new AdminOptions();
        var listen = Bind(table, "listen", "127.0.0.1:9901");
        if (listen is not null)
            table.Draft.AdminListenOrigin = table.Table.Find("listen")!.Value.Origin;
        var token = Token(table);
        if (token is not null
            && (token.Value.Length is 0 or > TokenCharsMax || token.Value.Any(c => c is <= ' ' or > '~')))
        {
            table.Refuse(token, "token", token.Value.Length == 0 ? "'token' is empty" : "'token' is no bearer token",
                "visible ASCII without spaces, at most 4096 characters");
        }
        var hosts = new List<string>();
        foreach (var host in table.Texts("hosts") ?? [])
        {
            if (AddressText.IsAuthority(host.Value))
                hosts.Add(host.Value.ToLowerInvariant());
            else
                table.Refuse(host, "host", $"'{host.Value}' is no host",
                    "write \"gate.example.com\" or \"10.0.0.1:9901\"");
        }
        var admin = new AdminOptions
        {
            Listen = listen ?? defaults.Listen,
            IsAsked = true,
            Token = token,
            Hosts = hosts,
        };
        if (!admin.Listen.IsLoopback && !table.Has("token"))
        {
            table.Draft.Problems.Warning(table.Draft.AdminListenOrigin,
                "beyond loopback and without a 'token' only /healthz and /readyz are served",
                "write token = \"${env:GATE_ADMIN_TOKEN}\"");
        }
        return admin;
    }

    /// <summary>A token that stands in the file itself is a secret all the same: it is shown nowhere.</summary>
    private static SourceText? Token(TableReader table)
    {
        if (table.Table.Find("token")?.Value is not { } value)
            return null;
        var file = table.Draft.Files.Find(file => file.Name == value.Origin.File);
        if (value is not TomlString)
        {
            file?.Hide(value.Origin);
            table.WrongType("token", value, "a string");
            return null;
        }
        var written = table.Text("token");
        if (written is null or { HasSecret: true })
            return written;
        file?.Hide(value.Origin);
        return new SourceText(written.Value, "***", written.Origin);
    }

    public static LogOptions Log(TableReader table)
    {
        var defaults = new LogOptions();
        var to = table.Text("to");
        string? path = null;
        if (to?.Value is "" or "stderr")
        {
            table.Refuse(to, "path", $"'{to.Value}' is no path", "write \"stdout\" or the path of a file");
        }
        else if (to is not null && to.Value != "stdout")
        {
            if (to.Value.Contains('\0', StringComparison.Ordinal) || to.Value.EndsWith('/'))
                table.Refuse(to, "path", "'to' is no path of a file", "write \"stdout\" or the path of a file");
            else
                path = Path.GetFullPath(ConfigPath.Beside(to.Origin.File!, to.Value));
        }
        return new LogOptions
        {
            Access = table.Word("access", defaults.Access,
                [("json", AccessFormat.Json), ("text", AccessFormat.Text), ("off", AccessFormat.Off)]),
            To = path,
            Level = table.Word("level", defaults.Level,
                [
                ("debug", LogLevel.Debug), ("info", LogLevel.Info), ("warn", LogLevel.Warn),
                ("error", LogLevel.Error),
            ]),
        };
    }

    public static ClientOptions Client(TableReader table)
    {
        var defaults = new ClientOptions();
        return new ClientOptions
        {
            HeadBytesMax = (int)table.Size("head_bytes_max", defaults.HeadBytesMax, HeadBytesMin, HeadBytesMax),
            HeadersMax = table.Count("headers_max", defaults.HeadersMax, 1, 10_000),
            BodyBytesMax = table.Size("body_bytes_max", defaults.BodyBytesMax, 1, Units.SizeBytesMax, none: Bound.None),
            ConnectionsMax = table.Count("connections_max", defaults.ConnectionsMax, 1, CountMax),
            RequestsPipelinedMax = table.Count("requests_pipelined_max", defaults.RequestsPipelinedMax, 1, 65_536),
            HeadTimeoutMs = table.Duration("head_timeout", defaults.HeadTimeoutMs),
            KeepAliveMs = table.Duration("keep_alive", defaults.KeepAliveMs),
            BodyRateMin = table.ByteRate("body_rate_min", defaults.BodyRateMin, none: 0),
            Path = table.Word("path", defaults.Path,
                [("normalize", PathHandling.Normalize), ("refuse", PathHandling.Refuse)]),
            UnderscoreHeaders = table.Word("underscore_headers", defaults.UnderscoreHeaders,
                [
                ("drop", UnderscoreHandling.Drop), ("refuse", UnderscoreHandling.Refuse),
                ("pass", UnderscoreHandling.Pass),
            ]),
        };
    }

    /// <summary>`timeout` of [defaults] or of a route; what it does not say is <paramref name="inherited"/>.</summary>
    public static TimeoutOptions Timeout(TableReader table, TimeoutOptions inherited)
    {
        if (table.SubTable("timeout", Shape.Timeout, "{ first_byte = \"30s\" }") is not { } timeout)
            return inherited;
        return new TimeoutOptions
        {
            ConnectMs = timeout.Duration("connect", inherited.ConnectMs),
            FirstByteMs = timeout.Duration("first_byte", inherited.FirstByteMs, none: Bound.None),
            IdleMs = timeout.Duration("idle", inherited.IdleMs, none: Bound.None),
            TunnelMs = timeout.Duration("tunnel", inherited.TunnelMs, none: Bound.None),
            TotalMs = timeout.Duration("total", inherited.TotalMs, none: Bound.None),
        };
    }

    public static void Listener(TableReader table)
    {
        var draft = table.Draft;
        var name = NameRules.Read(table, draft.ListenerNames, "web");
        if (!table.Has("bind"))
            table.Missing("bind", "write bind = \":8080\"");
        var bind = Bind(table, "bind", ":8080");
        if (name is not null && bind is not null)
        {
            var origin = table.Table.Find("bind")!.Value.Origin;
            draft.Listeners.Add((new ListenerOptions { Name = name, Bind = bind }, origin));
        }
    }

    private static BindAddress? Bind(TableReader table, string key, string example)
    {
        if (table.Text(key, example) is not { } text)
            return null;
        if (BindAddress.TryParse(text.Value, out var bind, out var error, out var hint))
            return bind;
        table.Refuse(text, "address", error, hint);
        return null;
    }
}
