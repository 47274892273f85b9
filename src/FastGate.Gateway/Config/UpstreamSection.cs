using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Config;

/// <summary>Reads [upstream.NAME].</summary>
internal static class UpstreamSection
{
    private const int CountMax = 1_000_000;

    public static void Read(TableReader table, TomlEntry entry)
    {
        var draft = table.Draft;
        var named = NameRules.Check(entry.Key, entry.KeyOrigin, draft.UpstreamNames, draft.Problems);
        var servers = Servers(table);
        var balance = table.Word("balance", Balance.Least,
            [("least", Balance.Least), ("round_robin", Balance.RoundRobin)], ["p2c", "p2c_ewma", "hash"]);
        var pool = Pool(table);
        if (!named || servers.Count == 0)
            return;
        draft.Upstreams.Add((
            new UpstreamOptions
            {
                Name = entry.Key,
                Servers = [.. servers.Select(s => new UpstreamServer(s.Address))],
                Balance = balance,
                Pool = pool,
            },
            [.. servers.Select(s => s.Origin)]));
    }

    private static List<(ServerAddress Address, Origin Origin)> Servers(TableReader table)
    {
        const string key = "servers";
        var servers = new List<(ServerAddress Address, Origin Origin)>();
        var entry = table.Table.Find(key);
        if (entry is null)
        {
            table.Missing(key, "write servers = [\"127.0.0.1:9000\"]");
            return servers;
        }
        if (entry.Value is not TomlArray array)
        {
            table.WrongType(key, entry.Value, "a list",
                entry.Value is TomlString one ? $"write [\"{one.Raw}\"]" : null);
            return servers;
        }
        if (array.Items.Count == 0)
            table.Error(key, $"{table.Where} has no servers", "write servers = [\"127.0.0.1:9000\"]");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in array.Items)
        {
            if (Server(table, item) is not { } text || Address(table, text) is not { } address)
                continue;
            if (seen.Add(address.Text))
                servers.Add((address, item.Origin));
            else
                table.Refuse(text, "address", $"'{address.Text}' is twice in {table.Where}", "name each server once");
        }
        return servers;
    }

    private static SourceText? Server(TableReader table, TomlNode item)
    {
        switch (item)
        {
            case TomlString text:
                return table.Draft.Resolve(text);
            case TomlTable inner:
                var where = $"a server of {table.Where}";
                var server = new TableReader(inner, Shape.UpstreamServer, where, table.Draft, table);
                server.CheckKeys();
                if (!server.Has("address"))
                    server.Missing("address", "write { address = \"127.0.0.1:9000\" }");
                return server.Text("address", "127.0.0.1:9000");
            default:
                table.Draft.Problems.Error(item.Origin, $"a server is a string or a table, not {item.Noun}",
                    "write \"127.0.0.1:9000\"");
                return null;
        }
    }

    private static ServerAddress? Address(TableReader table, SourceText text)
    {
        foreach (var scheme in (ReadOnlySpan<string>)["srv:", "file:"])
        {
            if (!text.Value.StartsWith(scheme, StringComparison.Ordinal))
                continue;
            table.Refuse(text, "address", $"'{scheme}' in 'servers' is not available yet", "write host:port");
            return null;
        }
        if (ServerAddress.TryParse(text.Value, out var address, out var error, out var hint))
            return address;
        table.Refuse(text, "address", error, hint);
        return null;
    }

    private static PoolOptions Pool(TableReader table)
    {
        var defaults = new PoolOptions();
        if (table.SubTable("pool", Shape.Pool, "{ connections_max = 1024 }") is not { } pool)
            return defaults;
        return new PoolOptions
        {
            ConnectionsMax = pool.Count("connections_max", defaults.ConnectionsMax, 1, CountMax),
            TunnelsMax = pool.Count("tunnels_max", defaults.TunnelsMax, 1, CountMax),
            IdleMs = pool.Duration("idle", defaults.IdleMs, none: Bound.None),
            QueueMax = pool.Count("queue_max", defaults.QueueMax, 1, CountMax),
            QueueTimeoutMs = pool.Duration("queue_timeout", defaults.QueueTimeoutMs),
        };
    }
}
