using FastGate.Gateway.Upstreams.Health;

namespace FastGate.Gateway.Config;

/// <summary>Reads `health` and `eject` of [upstream.NAME].</summary>
internal static class HealthSection
{
    private const int CountMax = 1_000_000;
    private const int PathCharsMax = 4096;
    private const int BodyCharsMax = 4096;

    /// <summary>Null for no checks.</summary>
    public static HealthOptions? Health(TableReader table)
    {
        if (table.IsOff("health")
            || table.SubTable("health", Shape.Health, "{ path = \"/healthz\" }") is not { } health)
        {
            return null;
        }
        var defaults = new HealthOptions { Path = "/" };
        if (!health.Has("path"))
            health.Missing("path", "write path = \"/healthz\"");
        var path = Path(health);
        var body = health.Text("body", "ok");
        if (body is { Value.Length: 0 or > BodyCharsMax })
            health.Refuse(body, "text", "'body' is a text of 1 to 4096 characters", "remove it where any body will do");
        var options = new HealthOptions
        {
            Path = path ?? defaults.Path,
            EveryMs = health.Duration("every", defaults.EveryMs),
            TimeoutMs = health.Duration("timeout", defaults.TimeoutMs),
            Status = Statuses(health) ?? defaults.Status,
            Rise = health.Count("rise", defaults.Rise, 1, 1000),
            Fall = health.Count("fall", defaults.Fall, 1, 1000),
            Body = body?.Value,
        };
        return options;
    }

    public static EjectOptions Eject(TableReader table)
    {
        var defaults = new EjectOptions();
        if (table.IsOff("eject"))
            return EjectOptions.Off;
        if (table.SubTable("eject", Shape.Eject, "{ consecutive = 5 }") is not { } eject)
            return defaults;
        return new EjectOptions
        {
            Consecutive = eject.Count("consecutive", defaults.Consecutive, 1, CountMax, none: 0),
            RatioPercent = eject.Share("ratio", defaults.RatioPercent, none: 0),
            RequestsMin = eject.Count("requests_min", defaults.RequestsMin, 1, CountMax),
            WindowMs = eject.Duration("window", defaults.WindowMs),
            BaseMs = eject.Duration("base", defaults.BaseMs),
            MaxPercent = eject.Share("max", defaults.MaxPercent),
            PanicPercent = eject.Share("panic", defaults.PanicPercent, none: 0),
        };
    }

    private static string? Path(TableReader health)
    {
        if (health.Text("path", "/healthz") is not { } text)
            return null;
        var path = text.Value;
        if (path.Length is > 0 and <= PathCharsMax && path[0] == '/'
            && path.All(static c => c is > ' ' and <= '~' and not '#'))
            return path;
        health.Refuse(text, "path", $"'{text.Shown}' is no path to ask for", "begin it with \"/\": \"/healthz\"");
        return null;
    }

    private static List<StatusRange>? Statuses(TableReader health)
    {
        const string key = "status";
        if (health.IsEmptyList(key))
            health.Error(key, "'status' is empty", "write status = \"200-299\"");
        if (health.Texts(key, orOne: true) is not { Count: > 0 } texts)
            return null;
        var ranges = new List<StatusRange>();
        foreach (var text in texts)
        {
            if (StatusRange.TryParse(text.Value, out var range))
                ranges.Add(range);
            else
                health.Refuse(text, "status", $"'{text.Shown}' is no status", "write \"204\" or \"200-299\"");
        }
        return ranges;
    }
}
