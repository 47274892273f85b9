using System.Globalization;
using System.Text;
using System.Text.Json;

namespace FastGate.Cli;

/// <summary>Writes <c>/stats</c> for people: what one looks for first, and of routes the busy ones.</summary>
internal static class StatsTable
{
    private const int RoutesMax = 20;
    private const int ServersMax = 100;

    public static void Write(JsonElement stats, TextWriter to)
    {
        var text = new StringBuilder();
        WriteProcess(stats, text);
        WriteRoutes(stats.GetProperty("routes"), text);
        WriteServers(stats.GetProperty("upstreams"), text);
        List<string[]> lanes = [["lane", "connections", "requests", "lag p50", "p99", "max"]];
        foreach (var lane in stats.GetProperty("lanes").EnumerateArray())
        {
            var lag = lane.GetProperty("loop_lag_us");
            lanes.Add([Text(lane, "index"), Text(lane, "connections"), Text(lane, "requests"), Time(lag, "p50"),
                Time(lag, "p99"), Time(lag, "max")]);
        }
        Align(lanes, labels: 1, text);
        to.Write(text.ToString());
    }

    private static void WriteProcess(JsonElement stats, StringBuilder text)
    {
        var requests = stats.GetProperty("requests");
        var connections = stats.GetProperty("connections");
        var fds = stats.GetProperty("fds");
        var memory = stats.GetProperty("memory");
        var hash = Text(stats.GetProperty("config"), "hash");
        text.Append(CultureInfo.InvariantCulture,
            $"fastgate {Text(stats, "version")} since {Text(stats, "started_at")}");
        text.Append(hash == "-" ? "" : $", config {hash[..Math.Min(12, hash.Length)]}");
        text.Append(stats.GetProperty("draining").GetBoolean() ? ", draining\n" : "\n");
        text.Append(CultureInfo.InvariantCulture,
            $"connections: {Text(connections, "client")} of clients, {Text(connections, "upstream")} to upstreams; ");
        text.Append(CultureInfo.InvariantCulture, $"descriptors: {Text(fds, "open")} of {Text(fds, "max")}; ");
        text.Append(CultureInfo.InvariantCulture,
            $"memory: {Size(memory, "rss_bytes")}; log lines dropped: {Text(stats, "log_dropped")}\n");
        text.Append(CultureInfo.InvariantCulture,
            $"requests: {Text(requests, "total")}, {Text(requests, "per_second")}/s in the last minute");
        foreach (var status in requests.GetProperty("by_status").EnumerateObject())
            text.Append(CultureInfo.InvariantCulture, $"; {Clean(status.Name)}: {status.Value.GetInt64()}");
        text.Append('\n');
        var unrouted = requests.GetProperty("unrouted").GetProperty("requests").GetInt64();
        if (unrouted > 0)
            text.Append(CultureInfo.InvariantCulture, $"of these no route took {unrouted}\n");
    }

    private static void WriteRoutes(JsonElement routes, StringBuilder text)
    {
        List<string[]> rows = [["route", "requests", "in flight", "2xx", "3xx", "4xx", "5xx", "in", "out", "errors"]];
        var busy = routes.EnumerateArray().Where(IsBusy)
            .OrderByDescending(route => route.GetProperty("requests").GetInt64()).Take(RoutesMax);
        foreach (var route in busy)
        {
            long errors = route.GetProperty("errors").EnumerateObject().Sum(error => error.Value.GetInt64());
            rows.Add([Text(route, "name"), Text(route, "requests"), Text(route, "in_flight"), Class(route, '2'),
                Class(route, '3'), Class(route, '4'), Class(route, '5'), Size(route, "bytes_in"),
                Size(route, "bytes_out"), errors.ToString(CultureInfo.InvariantCulture)]);
        }
        Align(rows, labels: 1, text);
        SayLeftOut("routes", routes.GetArrayLength() - rows.Count + 1, text);
    }

    private static bool IsBusy(JsonElement route) =>
        route.GetProperty("requests").GetInt64() > 0 || route.GetProperty("in_flight").GetInt64() > 0;

    private static void SayLeftOut(string things, int count, StringBuilder text)
    {
        if (count > 0)
            text.Append(CultureInfo.InvariantCulture, $"{things} not shown: {count} (--json has all)\n");
    }

    private static void WriteServers(JsonElement upstreams, StringBuilder text)
    {
        var total = 0;
        List<string[]> rows =
            [["upstream", "server", "state", "active", "idle", "queued", "requests", "errors", "p50", "p99", "max"]];
        foreach (var upstream in upstreams.EnumerateArray())
        {
            foreach (var server in upstream.GetProperty("servers").EnumerateArray())
            {
                if (++total > ServersMax)
                    continue;
                var latency = server.GetProperty("latency_us");
                rows.Add([Text(upstream, "name"), Text(server, "address"), State(server),
                    Text(server, "active"), Text(server, "idle"), Text(upstream, "queued"), Text(server, "requests"),
                    Text(server, "errors"), Time(latency, "p50"), Time(latency, "p99"), Time(latency, "max")]);
            }
        }
        Align(rows, labels: 3, text);
        SayLeftOut("servers", total - rows.Count + 1, text);
    }

    /// <summary>Labels to the left, numbers to the right; nothing for a table without rows.</summary>
    private static void Align(List<string[]> rows, int labels, StringBuilder text)
    {
        if (rows.Count == 1)
            return;
        text.Append('\n');
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(i => rows.Max(row => row[i].Length))];
        foreach (var row in rows)
        {
            var cells = row.Select((cell, i) => i < labels ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]));
            text.Append(string.Join("  ", cells).TrimEnd()).Append('\n');
        }
    }

    private static string Class(JsonElement route, char first) => route.GetProperty("by_status").EnumerateObject()
        .Where(status => status.Name.StartsWith(first)).Sum(status => status.Value.GetInt64())
        .ToString(CultureInfo.InvariantCulture);

    private static string Text(JsonElement of, string name)
    {
        var value = of.GetProperty(name);
        return value.ValueKind == JsonValueKind.Null ? "-" : Clean(value.ToString());
    }

    /// <summary>What comes over the network must not be able to write to the terminal.</summary>
    private static string Clean(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) ? '\uFFFD' : c));

    private static string State(JsonElement server)
    {
        var state = Text(server, "state");
        var reason = Text(server, "state_reason");
        return state == "up" || reason == "-" ? state : $"{state}: {reason}";
    }

    private static string Size(JsonElement of, string name)
    {
        double size = of.GetProperty(name).GetInt64();
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var unit = 0;
        for (; size >= 1024 && unit < units.Length - 1; unit++)
            size /= 1024;
        return string.Create(CultureInfo.InvariantCulture, $"{size:0.#}{units[unit]}");
    }

    private static string Time(JsonElement histogram, string name)
    {
        var value = histogram.ValueKind == JsonValueKind.Object ? histogram.GetProperty(name) : default;
        if (value.ValueKind != JsonValueKind.Number)
            return "-";
        var us = value.GetInt64();
        return us switch
        {
            < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{us}us"),
            < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{us / 1e3:0.#}ms"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{us / 1e6:0.#}s"),
        };
    }
}
