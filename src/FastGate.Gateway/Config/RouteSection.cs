using System.Buffers;
using FastGate.Gateway.Proxy;

namespace FastGate.Gateway.Config;

/// <summary>Reads [[route]]: which requests, what happens to them, and what is inherited. Patterns, conditions and
/// templates stay texts; the routing room knows their grammar.</summary>
internal static class RouteSection
{
    private static readonly string[] Actions = ["upstream", "respond", "redirect"];

    /// <summary>Keys that say how to forward: next to an answer of our own they would be ignored without a
    /// word.</summary>
    private static readonly string[] Forwarding = ["strip_prefix", "host", "request_headers", "timeout", "retry"];

    private static readonly SearchValues<char> NoPrefixChars = SearchValues.Create("?#{}*\\ ");

    public static void Read(TableReader table)
    {
        var draft = table.Draft;
        var name = NameRules.Read(table, draft.RouteNames, "api");
        CheckActions(table);
        var match = table.Texts("match", orOne: true);
        if (!table.Has("match"))
            table.Missing("match", "write match = \"/*\" for every path");
        else if (table.IsEmptyList("match"))
            table.Error("match", "'match' is empty", "write match = \"/*\" for every path");
        var upstream = table.Text("upstream");
        if (upstream is not null)
            draft.UpstreamNames.Refer(upstream);
        var route = new RouteOptions
        {
            Name = name ?? "",
            Match = match ?? [],
            When = When(table),
            Upstream = upstream?.Value,
            Respond = Respond(table),
            Redirect = Redirect(table),
            StripPrefix = StripPrefix(table, match),
            Host = Host(table),
            RequestHeaders = HeaderSection.Changes(table, "request_headers", Shape.RequestHeaders),
            ResponseHeaders = HeaderSection.Changes(table, "response_headers", Shape.ResponseHeaders),
            Listener = Listeners(table),
            Order = table.Count("order", 0, -1_000_000, 1_000_000),
            IgnoreCase = table.Flag("ignore_case", false),
            EncodedSlash = table.Flag("encoded_slash", false),
            Timeout = ServerSections.Timeout(table, draft.Timeout),
            Retry = RetrySection.Read(table, draft.Retry),
            BodyBytesMax = table.Size("body_bytes_max", draft.Client.BodyBytesMax, 1, Units.SizeBytesMax, Bound.None),
            Origin = table.Table.Find("name")?.Value.Origin ?? table.Table.Origin,
        };
        if (name is not null && route.Match.Count > 0)
            draft.Routes.Add(route);
    }

    private static void CheckActions(TableReader table)
    {
        var present = table.Table.Entries.Where(e => Actions.Contains(e.Key)).ToArray();
        // Whoever wrote split meant an action, and has read already that it is not there.
        if (present.Length == 0 && !table.Has("split") && !Actions.Any(table.IsMisspelt))
        {
            table.Draft.Problems.Error(table.Table.Origin, $"{table.Where} does nothing",
                "write one of upstream, respond and redirect");
        }
        if (present.Length > 1)
        {
            table.Draft.Problems.Error(present[1].KeyOrigin,
                $"{table.Where} has {string.Join(" and ", present.Select(e => $"'{e.Key}'"))}",
                "a route has one of upstream, respond and redirect");
        }
        if (present.Length == 1 && present[0].Key != "upstream")
        {
            foreach (var entry in table.Table.Entries.Where(e => Forwarding.Contains(e.Key)))
            {
                table.Draft.Problems.Error(entry.KeyOrigin, $"'{entry.Key}' has no effect with '{present[0].Key}'",
                    "it belongs to a route with an upstream");
            }
        }
    }

    private static List<WhenOptions> When(TableReader table)
    {
        var conditions = new List<WhenOptions>();
        var entry = table.Table.Find("when");
        if (entry is null)
            return conditions;
        if (entry.Value is not TomlTable when)
        {
            table.WrongType("when", entry.Value, "a table", "write { \"header:X-Beta\" = \"1\" }");
            return conditions;
        }
        foreach (var condition in when.Entries)
        {
            var quoted = condition.KeyOrigin.Length == SourceText.Runes(condition.Key) + 2;
            var key = new SourceText(condition.Key, condition.Key, condition.KeyOrigin) { IsVerbatim = quoted };
            switch (condition.Value)
            {
                case TomlBoolean present:
                    conditions.Add(new WhenOptions(key) { Present = present.Value });
                    break;
                case TomlString or TomlArray { IsTables: false, Items.Count: > 0 }:
                    var reader = new TableReader(when, Shape.Route, $"'when' of {table.Where}", table.Draft, table);
                    var values = reader.Texts(condition.Key, orOne: true)!;
                    conditions.Add(new WhenOptions(key) { Values = values });
                    break;
                default:
                    table.Draft.Problems.Error(condition.Value.Origin,
                        $"'{condition.Key}' in 'when' is a string, a list of strings, true or false",
                        "a value, one of several, present or absent");
                    break;
            }
        }
        return conditions;
    }

    private static RespondOptions? Respond(TableReader table)
    {
        if (table.SubTable("respond", Shape.Respond, "{ status = 200, body = \"pong\" }") is not { } respond)
            return null;
        var status = respond.Count("status", 200, 200, 599);
        var body = respond.Text("body");
        // RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5.
        if (status is 204 or 205 or 304 && body is { Value.Length: > 0 })
            respond.Error("body", $"an answer with status {status} has no body", "remove it");
        return new RespondOptions
        {
            Status = status,
            Body = body ?? "",
            Headers = HeaderSection.Fields(respond, "headers"),
        };
    }

    private static RedirectOptions? Redirect(TableReader table)
    {
        if (table.SubTable("redirect", Shape.Redirect, "{ to = \"/new/{rest}\" }") is not { } redirect)
            return null;
        if (!redirect.Has("to"))
            redirect.Missing("to", "write to = \"/new/{rest}\"");
        var status = RedirectStatus(redirect);
        if (redirect.Text("to", "/new/{rest}", isTemplate: true) is not { } to)
            return null;
        return new RedirectOptions { To = to, Status = status };
    }

    private static int RedirectStatus(TableReader redirect)
    {
        var entry = redirect.Table.Find("status");
        if (entry?.Value is TomlInteger number && number.Value is not (301 or 302 or 303 or 307 or 308))
        {
            redirect.Error("status", $"{number.Value} is no status of a redirect", "301, 302, 303, 307 or 308");
            return 308;
        }
        return redirect.Count("status", 308, 301, 308);
    }

    private static string? StripPrefix(TableReader table, List<SourceText>? match)
    {
        const string key = "strip_prefix";
        if (table.Text(key, "/v1") is not { } text)
            return null;
        var prefix = text.Value;
        if (prefix.Length < 2 || prefix[0] != '/' || prefix[^1] == '/' || prefix.AsSpan().ContainsAny(NoPrefixChars))
        {
            table.Refuse(text, "prefix", $"'{prefix}' is no prefix to strip",
                "begin it with \"/\", end it without: \"/v1\"");
            return null;
        }
        var ignoreCase = table.Table.Find("ignore_case")?.Value is TomlBoolean { Value: true };
        if (match is { Count: > 0 } && !match.Exists(m => MayBegin(m.Value, prefix, ignoreCase)))
        {
            table.Refuse(text, "prefix", $"no 'match' of {table.Where} begins with '{prefix}'",
                "it would never be stripped");
        }
        return prefix;
    }

    private static bool MayBegin(string pattern, string prefix, bool ignoreCase)
    {
        var slash = pattern.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return true;
        var segments = pattern[(slash + 1)..].Split('/');
        var wanted = prefix[1..].Split('/');
        var comparison = ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        for (var i = 0; i < wanted.Length; i++)
        {
            if (i >= segments.Length)
                return false;
            if (segments[i] == "*")
                return true;
            if (!segments[i].StartsWith('{') && !segments[i].Equals(wanted[i], comparison))
                return false;
        }
        return true;
    }

    private static HostOptions Host(TableReader table)
    {
        if (table.Text("host", "client") is not { } text || text.Value == "client")
            return HostOptions.Client;
        if (text.Value == "upstream")
            return new HostOptions(HostHandling.Upstream);
        if (AddressText.IsAuthority(text.Value))
            return new HostOptions(HostHandling.Literal, text);
        table.Refuse(text, "host", $"'{text.Value}' is no host", "write \"client\", \"upstream\" or a name");
        return HostOptions.Client;
    }

    private static List<string> Listeners(TableReader table)
    {
        var texts = table.Texts("listener") ?? [];
        if (table.IsEmptyList("listener"))
            table.Error("listener", "'listener' is empty", "remove it: a route without it is on every listener");
        foreach (var text in texts)
            table.Draft.ListenerNames.Refer(text);
        return [.. texts.Select(t => t.Value).Distinct(StringComparer.Ordinal)];
    }
}
