using System.Globalization;

namespace FastGate.Gateway.Stats;

/// <summary>A named value of a line of the process log: <c>("upstream", name)</c> or <c>("errno", 24)</c>.</summary>
public readonly record struct LogValue(string Key, string? Text)
{
    public static implicit operator LogValue((string Key, string? Text) pair) => new(pair.Key, pair.Text);

    public static implicit operator LogValue((string Key, long Number) pair) =>
        new(pair.Key, pair.Number.ToString(CultureInfo.InvariantCulture));
}
