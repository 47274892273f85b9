using System.Globalization;

namespace FastGate.Gateway.Config;

/// <summary>Durations, sizes, rates and shares: a whole number and its unit, without a space: "250ms", "32KiB",
/// "240B/s", "50%". A mistake gets a sentence and, where it can be guessed, what to write.</summary>
internal static class Units
{
    /// <summary>A year. What is meant to last longer is meant to be "none".</summary>
    public const long DurationMsMax = 365L * 24 * 60 * 60 * 1000;

    /// <summary>A pebibyte.</summary>
    public const long SizeBytesMax = 1L << 50;

    private static readonly (string Unit, long Factor)[] Durations =
        [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

    private static readonly (string Unit, long Factor)[] Sizes =
        [("B", 1), ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30)];

    /// <summary>A million a second.</summary>
    public const long RatePerDayMax = 1_000_000L * 86_400;

    private static readonly (string Unit, long Factor)[] Rates =
        [("/d", 1), ("/h", 24), ("/m", 1_440), ("/s", 86_400)];

    private static readonly (string Unit, long Factor)[] Shares = [("%", 1)];

    /// <summary>What people write instead, in lower case.</summary>
    private static readonly Dictionary<string, string> Meant = new(StringComparer.Ordinal)
    {
        ["msec"] = "ms",
        ["millis"] = "ms",
        ["milliseconds"] = "ms",
        ["sec"] = "s",
        ["secs"] = "s",
        ["second"] = "s",
        ["seconds"] = "s",
        ["min"] = "m",
        ["mins"] = "m",
        ["minute"] = "m",
        ["minutes"] = "m",
        ["hr"] = "h",
        ["hrs"] = "h",
        ["hour"] = "h",
        ["hours"] = "h",
        ["day"] = "d",
        ["days"] = "d",
        ["byte"] = "B",
        ["bytes"] = "B",
        ["k"] = "KiB",
        ["kb"] = "KiB",
        ["m"] = "MiB",
        ["mb"] = "MiB",
        ["g"] = "GiB",
        ["gb"] = "GiB",
    };

    /// <summary>Milliseconds; zero is a value here and the caller's to refuse.</summary>
    public static bool TryDuration(string text, out long milliseconds, out string error, out string? hint) =>
        TryParse(text, "duration", Durations, "s", DurationMsMax, "365d", out milliseconds, out error, out hint);

    /// <summary>Bytes.</summary>
    public static bool TrySize(string text, out long bytes, out string error, out string? hint) =>
        TryParse(text, "size", Sizes, "B", SizeBytesMax, "1048576GiB", out bytes, out error, out hint);

    /// <summary>Bytes per second.</summary>
    public static bool TryByteRate(string text, out long bytesPerSecond, out string error, out string? hint)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var size = slash < 0 ? text : text[..slash];
        if (!TryParse(size, "rate", Sizes, "B", SizeBytesMax, "1048576GiB", out bytesPerSecond, out error, out hint))
        {
            // The mistake is in the size, and what to write is still a rate.
            if (hint is not null && hint.EndsWith('"'))
                hint = hint[..^1] + "/s\"";
            return false;
        }
        if (slash >= 0 && text.AsSpan(slash) is "/s")
            return true;
        bytesPerSecond = 0;
        error = slash < 0 ? $"'{text}' is a size, not a rate" : $"'{text}' is not per second";
        hint = $"write \"{size}/s\"";
        return false;
    }

    /// <summary>Times a day, which every unit of time is a whole part of.</summary>
    public static bool TryRate(string text, out long perDay, out string error, out string? hint)
    {
        perDay = 0;
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var count = slash < 0 ? text : text[..slash];
        if (count.Length == 0 || !count.All(char.IsAsciiDigit))
        {
            (error, hint) = ($"'{text}' is no rate", "a whole number and a time: \"3/s\", \"180/m\"");
            return false;
        }
        var per = slash < 0 ? 0 : Rates.FirstOrDefault(u => u.Unit == text[slash..]).Factor;
        if (per == 0)
        {
            (error, hint) = (slash < 0 ? "a rate needs a time" : $"'{text[slash..]}' is no time of a rate",
                $"write \"{count}/s\"; times are /s, /m, /h, /d");
            return false;
        }
        if (!long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > RatePerDayMax / per)
        {
            (error, hint) = ("the rate is beyond all bounds", "at most \"1000000/s\"");
            return false;
        }
        perDay = number * per;
        (error, hint) = ("", null);
        return true;
    }

    /// <summary>With the unit that says it shortest.</summary>
    public static string WriteRate(long perDay) => Write(perDay, Rates);

    /// <summary>So many of a hundred.</summary>
    public static bool TryShare(string text, out long percent, out string error, out string? hint) =>
        TryParse(text, "share", Shares, "%", 100, "100%", out percent, out error, out hint);

    /// <summary>With the unit that says it shortest.</summary>
    public static string WriteDuration(long milliseconds) => Write(milliseconds, Durations);

    /// <summary>With the unit that says it shortest.</summary>
    public static string WriteSize(long bytes) => Write(bytes, Sizes);

    private static string Write(long value, (string Unit, long Factor)[] units)
    {
        var (unit, factor) = units.Last(u => u.Factor == 1 || (value > 0 && value % u.Factor == 0));
        return (value / factor).ToString(CultureInfo.InvariantCulture) + unit;
    }

    private static bool TryParse(string text, string noun, (string Unit, long Factor)[] units, string usual, long max,
        string maxText, out long value, out string error, out string? hint)
    {
        value = 0;
        (error, hint) = ("", null);
        var digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
            digits++;
        var number = text.AsSpan(0, digits);
        var unit = text[digits..];
        if (digits == 0)
        {
            error = text.StartsWith('-') ? $"a {noun} is not negative" : $"'{text}' is no {noun}";
            hint = $"a whole number and a unit: {Names(units)}";
            return false;
        }
        if (unit.Length == 0)
        {
            (error, hint) = ($"a {noun} needs a unit", $"write \"{text}{usual}\"");
            return false;
        }
        if (unit[0] is '.' or ',')
        {
            (error, hint) = ($"a {noun} is a whole number", "write it in a smaller unit");
            return false;
        }
        var factor = units.FirstOrDefault(u => u.Unit == unit).Factor;
        if (factor == 0)
        {
            error = char.IsWhiteSpace(unit[0]) || char.IsWhiteSpace(unit[^1])
                ? $"a {noun} holds no space"
                : $"'{unit}' is no unit of a {noun}";
            hint = Guess(unit.Trim(), units) is { } guess ? $"write \"{number}{guess}\"" : $"units are {Names(units)}";
            return false;
        }
        if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || count > max / factor)
        {
            (error, hint) = ($"the {noun} is beyond all bounds", $"at most \"{maxText}\"");
            return false;
        }
        value = count * factor;
        return true;
    }

    private static string? Guess(string unit, (string Unit, long Factor)[] units)
    {
        var known = units.FirstOrDefault(u => u.Unit.Equals(unit, StringComparison.OrdinalIgnoreCase)).Unit;
        if (known is not null)
            return known;
        return Meant.TryGetValue(unit.ToLowerInvariant(), out var meant) && units.Any(u => u.Unit == meant)
            ? meant
            : null;
    }

    private static string Names((string Unit, long Factor)[] units) => string.Join(", ", units.Select(u => u.Unit));
}
