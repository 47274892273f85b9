using System.Globalization;

namespace FastGate.Gateway.Upstreams.Health;

/// <summary>`health` of an upstream: each of its servers is asked again and again whether it works.</summary>
public sealed record HealthOptions
{
    /// <summary>What is asked for; begins with '/'.</summary>
    public required string Path { get; init; }

    /// <summary>The longest time between two checks of a server; each comes up to a fifth sooner.</summary>
    public long EveryMs { get; init; } = 5_000;

    /// <summary>For one check as a whole: connect, answer, body.</summary>
    public long TimeoutMs { get; init; } = 1_000;

    /// <summary>Statuses of a server that works.</summary>
    public IReadOnlyList<StatusRange> Status { get; init; } = [new(200, 299)];

    /// <summary>Good checks in a row until a server that is down is up.</summary>
    public int Rise { get; init; } = 2;

    /// <summary>Bad checks in a row until a server that is up is down.</summary>
    public int Fall { get; init; } = 3;

    /// <summary>What the body must contain, within its first <see cref="HealthProbe.BodyBytesMax"/>; null for
    /// nothing.</summary>
    public string? Body { get; init; }

    public bool Expects(int status)
    {
        foreach (StatusRange range in Status)
        {
            if (status >= range.First && status <= range.Last)
            {
                return true;
            }
        }
        return false;
    }
}

/// <summary>Statuses from <paramref name="First"/> to <paramref name="Last"/>: "204", "200-299".</summary>
public readonly record struct StatusRange(int First, int Last)
{
    public static bool TryParse(string text, out StatusRange range)
    {
        int dash = text.IndexOf('-', StringComparison.Ordinal);
        bool isRead = TryStatus(dash < 0 ? text : text[..dash], out int first);
        int last = first;
        isRead = isRead && (dash < 0 || TryStatus(text[(dash + 1)..], out last)) && first <= last;
        range = new StatusRange(first, last);
        return isRead;
    }

    private static bool TryStatus(string text, out int status) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out status) && status is >= 200 and <= 599;
}
