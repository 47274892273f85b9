using FastGate.Gateway.Routing;
using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Config;

/// <summary>Reads [upstream.NAME].</summary>
internal static class UpstreamSection
{
    private const int CountMax = 1_000_000;
    private const string Example = "write hash = \"cookie:sid\", a key";

    public static void Read(TableReader table, TomlEntry entry)
    {
        var draft = table.Draft;
        var named = NameRules.Check(entry.Key, entry.KeyOrigin, draft.UpstreamNames, draft.Problems);
        var servers = Servers(table);
        var balance = table.Word<Balance?>("balance", null,
        [
            ("p2c_ewma", Balance.P2cEwma), ("p2c", Balance.P2c), ("least", Balance.Least),
            ("round_robin", Balance.RoundRobin), ("hash", Balance.Hash),
        ]);
        var hash = Hash(table, entry.Key, balance);
        var slowStart = table.Duration("slow_start", 0, none: 0);
        var health = HealthSection.Health(table);
        var eject = HealthSection.Eject(table);
        var pool = Pool(table);
        if (!named || servers.Count == 0)
            return;
        draft.Upstreams.Add((
            new UpstreamOptions
            {
                Name = entry.Key,
                Servers = [.. servers.Select(s => s.Server)],
                Balance = balance ?? Balance.P2cEwma,
                Hash = hash,
                SlowStartMs = slowStart,
                Health = health,
                Eject = eject,
                Pool = pool,
            },
            [.. servers.Select(s => s.Origin)]));
    }

    private static List<(UpstreamServer Server, Origin Origin)> Servers(TableReader table)
    {
        const string key = "servers";
        var servers = new List<(UpstreamServer Server, Origin Origin)>();
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
            var (text, weight, isBackup) = Server(table, item);
            if (text is null || Address(table, text) is not { } address)
                continue;
            if (seen.Add(address.Text))
                servers.Add((new UpstreamServer(address, weight, isBackup), item.Origin));
            else
                table.Refuse(text, "address", $"'{address.Text}' is twice in {table.Where}", "name each server once");
        }
        if (servers.Count > 0 && servers.Count == array.Items.Count && servers.TrueForAll(s => s.Server.IsBackup))
        {
            table.Error(key, $"every server of {table.Where} is a backup",
                "a backup stands in for servers that are none");
        }
        return servers;
    }

    private static (SourceText? Address, int Weight, bool IsBackup) Server(TableReader table, TomlNode item)
    {
        switch (item)
        {
            case TomlString text:
                return (table.Draft.Resolve(text), 1, false);
            case TomlTable inner:
                var where = $"a server of {table.Where}";
                var server = new TableReader(inner, Shape.UpstreamServer, where, table.Draft, table);
                server.CheckKeys();
                if (!server.Has("address"))
                    server.Missing("address", "write { address = \"127.0.0.1:9000\" }");
                return (server.Text("address", "127.0.0.1:9000"),
                    server.Count("weight", 1, 1, UpstreamServer.WeightMax), server.Flag("backup", false));
            default:
                table.Draft.Problems.Error(item.Origin, $"a server is a string or a table, not {item.Noun}",
                    "write \"127.0.0.1:9000\"");
                return (null, 1, false);
        }
    }

    /// <summary>What requests are told apart by: there with <c>hash</c>, and only then.</summary>
    private static List<string> Hash(TableReader table, string upstream, Balance? balance)
    {
        const string key = "hash";
        if (!table.Has(key))
        {
            if (balance == Balance.Hash && !table.IsMisspelt(key))
                table.Error("balance", $"{table.Where} hashes, and has no 'hash'", Example);
            return [];
        }
        // A balance that is no word of the list is one mistake, and reported already.
        if (balance != Balance.Hash && (balance is not null || !table.Has("balance")))
        {
            table.Draft.Problems.Error(table.KeyOrigin(key), "'hash' has no effect without balance = \"hash\"",
                table.Has("balance") ? null : "write balance = \"hash\" too");
        }
        if (table.IsEmptyList(key))
            table.Error(key, "'hash' is empty", Example);
        var keys = new List<string>();
        var seen = new HashSet<RequestKey>();
        foreach (var text in table.Texts(key, orOne: true) ?? [])
        {
            var problems = new List<RoutingProblem>();
            var known = RequestKey.TryParse(text.Value, KeyUse.Hash, problems, out var parsed);
            foreach (var problem in problems)
                table.Draft.Refuse(text, text.At(problem.Offset, problem.Length), "key", problem.Message, problem.Hint);
            if (known && !seen.Add(parsed))
                table.Refuse(text, "key", $"'{text.Value}' is twice in 'hash'", "name each key once");
            if (known && parsed.Source == KeySource.Path)
                table.Draft.PathKeys.Add((upstream, parsed.Name, text));
            keys.Add(text.Value);
        }
        return keys;
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
