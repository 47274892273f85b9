using FastGate.Gateway.Proxy;
using FastGate.Gateway.Routing;

namespace FastGate.Gateway.Config;

/// <summary>What came of reading a configuration.</summary>
public sealed record Reading
{
    /// <summary>Null if there are errors, or if a value is not known offline.</summary>
    public GateConfig? Config { get; init; }

    /// <summary>By file and position.</summary>
    public required IReadOnlyList<Problem> Problems { get; init; }

    /// <summary>The file and what it includes, for printing the problems.</summary>
    public required IReadOnlyList<SourceFile> Files { get; init; }

    public int Listeners { get; init; }

    public int Routes { get; init; }

    public int Upstreams { get; init; }

    public bool HasErrors => Problems.Any(p => p.Severity == Severity.Error);
}

/// <summary>Reads gate.toml and what it includes. A syntax error comes alone; everything else comes together.</summary>
public static class GateFile
{
    /// <summary>About 50,000 routes.</summary>
    public const int FileBytesMax = 16 << 20;

    public static Reading Read(string path, Surroundings surroundings)
    {
        var draft = new Draft(surroundings);
        if (ConfigPath.TryReadText(path, FileBytesMax, out var text, out var error))
            return Read(draft, new SourceFile(path, text));
        draft.Problems.Error(new Origin(path, 0, 0, 0), $"the file {error}");
        return Result(draft);
    }

    /// <summary>The same of a text that is at hand; <paramref name="name"/> says what relative paths are relative to.
    /// </summary>
    public static Reading ReadText(string name, string text, Surroundings surroundings) =>
        Read(new Draft(surroundings), new SourceFile(name, text));

    private static Reading Read(Draft draft, SourceFile file)
    {
        draft.Files.Add(file);
        if (TomlFile.Parse(file, draft.Problems) is not { } root)
            return Result(draft);
        var main = new TableReader(root, Shape.Root, "the top level", draft);
        if (Includes.Read(main) is not { } included)
            return Result(draft);
        main.CheckKeys();
        CheckVersion(main);
        ReadSections(main);
        foreach (var reader in included.Prepend(main))
            ReadShared(reader);
        CheckPresent(main, "listener", "write [[listener]] with a name and bind = \":8080\"");
        if (!included.Exists(i => i.Has("route")))
            CheckPresent(main, "route", "write [[route]] with a name, a match and an upstream");
        CrossChecks.Run(draft);
        RouteChecks.Run(draft);
        return Result(draft);
    }

    private static void CheckVersion(TableReader main)
    {
        if (!main.Has("version"))
        {
            if (!main.IsMisspelt("version"))
                main.Draft.Problems.Error(main.Table.Origin, "there is no 'version'",
                    "write version = 1 in the first line");
        }
        else if (main.Table.Find("version")!.Value is not TomlInteger number)
            _ = main.Count("version", 1, 1, 1);
        else if (number.Value != 1)
            main.Error("version", $"version {number.Value} is not known", "write version = 1");
    }

    private static void ReadSections(TableReader main)
    {
        var draft = main.Draft;
        if (Section(main, "server", Shape.Server) is { } server)
            draft.Server = ServerSections.Server(server);
        if (Section(main, "admin", Shape.Admin) is { } admin)
            draft.Admin = ServerSections.Admin(admin);
        if (Section(main, "log", Shape.Log) is { } log)
            draft.Log = ServerSections.Log(log);
        if (Section(main, "client", Shape.Client) is { } client)
            draft.Client = ServerSections.Client(client);
        if (Section(main, "defaults", Shape.Defaults) is { } defaults)
        {
            draft.Timeout = ServerSections.Timeout(defaults, draft.Timeout);
            draft.Retry = RetrySection.Read(defaults, draft.Retry);
        }
        var listeners = Tables(main, "listener", Shape.Listener);
        foreach (var listener in listeners.Take(RoutingLimits.ListenersMax))
            ServerSections.Listener(listener);
        if (listeners.Count > RoutingLimits.ListenersMax)
        {
            draft.Problems.Error(listeners[RoutingLimits.ListenersMax].Table.Origin, "there are too many listeners",
                $"at most {RoutingLimits.ListenersMax}");
        }
    }

    /// <summary>What may stand in an included file too.</summary>
    private static void ReadShared(TableReader file)
    {
        if (file.Table.Find("upstream") is { } upstream)
        {
            if (upstream.Value is TomlTable upstreams)
                ReadUpstreams(file, upstreams);
            else
                file.WrongType("upstream", upstream.Value, "tables by name", "write [upstream.NAME]");
        }
        foreach (var route in Tables(file, "route", Shape.Route))
            RouteSection.Read(route);
    }

    private static void ReadUpstreams(TableReader file, TomlTable upstreams)
    {
        foreach (var entry in upstreams.Entries)
        {
            if (entry.Value is TomlTable table)
            {
                var reader = new TableReader(table, Shape.Upstream, $"[upstream.{entry.Key}]", file.Draft, file);
                reader.CheckKeys();
                UpstreamSection.Read(reader, entry);
            }
            else
            {
                file.Draft.Problems.Error(entry.KeyOrigin, $"'{entry.Key}' in [upstream] is no table",
                    "an upstream has a name: write [upstream.NAME]");
            }
        }
    }

    private static TableReader? Section(TableReader main, string key, Shape shape)
    {
        var entry = main.Table.Find(key);
        if (entry is null)
            return null;
        if (entry.Value is TomlTable table)
        {
            var reader = new TableReader(table, shape, $"[{key}]", main.Draft, main);
            reader.CheckKeys();
            return reader;
        }
        main.WrongType(key, entry.Value, "a table", $"write [{key}]");
        return null;
    }

    private static List<TableReader> Tables(TableReader file, string key, Shape shape)
    {
        var readers = new List<TableReader>();
        var entry = file.Table.Find(key);
        if (entry is null)
            return readers;
        if (entry.Value is not TomlArray array)
        {
            file.WrongType(key, entry.Value, "an array of tables", $"write [[{key}]]");
            return readers;
        }
        foreach (var item in array.Items)
        {
            if (item is not TomlTable table)
            {
                file.Draft.Problems.Error(item.Origin, $"'{key}' holds tables, not {item.Noun}", $"write [[{key}]]");
                continue;
            }
            var name = table.Find("name")?.Value is TomlString text ? $" '{text.Raw}'" : "";
            var reader = new TableReader(table, shape, $"[[{key}]]{name}", file.Draft, file);
            reader.CheckKeys();
            readers.Add(reader);
        }
        return readers;
    }

    private static void CheckPresent(TableReader main, string key, string hint)
    {
        if ((!main.Has(key) && !main.IsMisspelt(key)) || main.IsEmptyList(key))
            main.Draft.Problems.Error(new Origin(main.Table.Origin.File, 0, 0, 0), $"there is no [[{key}]]", hint);
    }

    private static Reading Result(Draft draft)
    {
        var complete = !draft.Problems.HasErrors && draft.Listeners.Count == draft.ListenerNames.Count
            && draft.Upstreams.Count == draft.UpstreamNames.Count && draft.Routes.Count == draft.RouteNames.Count
            && !draft.HasUnknown;
        return new Reading
        {
            Config = complete ? Whole(draft) : null,
            Problems = draft.Problems.Sorted(draft.Files),
            Files = draft.Files,
            Listeners = draft.ListenerNames.Count,
            Routes = draft.RouteNames.Count,
            Upstreams = draft.UpstreamNames.Count,
        };
    }

    private static GateConfig Whole(Draft draft) => new()
    {
        Admin = draft.Admin,
        Hash = ConfigHash.Of(draft.Files),
        Gate = new GateOptions
        {
            Server = draft.Server,
            Log = draft.Log,
            Client = draft.Client,
            Listeners = [.. draft.Listeners.Select(l => l.Options)],
            Upstreams = [.. draft.Upstreams.Select(u => u.Options)],
            Routes = draft.Routes,
        },
    };
}
