using System.Globalization;

namespace FastGate.Gateway.Config;

/// <summary>Values with a range: durations, sizes, rates, counts, and words of a closed list.</summary>
internal sealed partial class TableReader
{
    private delegate bool Parser(string text, out long value, out string error, out string? hint);

    /// <summary>Milliseconds. <paramref name="none"/> is what "none" means here; null where a bound must be.</summary>
    public long Duration(string key, long fallback, long? none = null) =>
        Measure(key, "duration", fallback, 1, Units.DurationMsMax, none, Units.TryDuration,
            Units.WriteDuration, static number => $"{number}s");

    /// <summary>Bytes.</summary>
    public long Size(string key, long fallback, long min, long max, long? none = null) =>
        Measure(key, "size", fallback, min, max, none, Units.TrySize, Units.WriteSize, Units.WriteSize);

    /// <summary>Bytes per second.</summary>
    public long ByteRate(string key, long fallback, long? none = null) =>
        Measure(key, "rate", fallback, 1, Units.SizeBytesMax, none, Units.TryByteRate,
            static rate => Units.WriteSize(rate) + "/s", static number => Units.WriteSize(number) + "/s");

    /// <summary>Times a day.</summary>
    public long Rate(string key, long fallback, long? none = null) =>
        Measure(key, "rate", fallback, 1, Units.RatePerDayMax, none, Units.TryRate,
            Units.WriteRate, static number => $"{number}/s");

    /// <summary>Of a hundred, 1 to 100.</summary>
    public int Share(string key, int fallback, int? none = null) =>
        (int)Measure(key, "share", fallback, 1, 100, none, Units.TryShare,
            static share => $"{share}%", static number => $"{number}%");

    private long Measure(string key, string noun, long fallback, long min, long max, long? none, Parser parse,
        Func<long, string> write, Func<long, string> guess)
    {
        var entry = Table.Find(key);
        if (entry is null)
            return fallback;
        var zeroHint = none is null ? $"at least \"{write(min)}\"" : "write \"none\"";
        if (entry.Value is TomlInteger number)
        {
            Problems.Error(number.Origin, $"'{key}' is a bare number; a {noun} is a string with a unit",
                number.Value > 0 ? $"write \"{guess(number.Value)}\"" : zeroHint);
            return fallback;
        }
        if (entry.Value is not TomlString node)
        {
            var example = fallback is > 0 and < Bound.None ? fallback : min;
            WrongType(key, entry.Value, $"a {noun}", $"write \"{write(example)}\"");
            return fallback;
        }
        if (Draft.Resolve(node) is not { } text)
            return fallback;
        if (text.Value == "none")
        {
            if (none is not null)
                return none.Value;
            Refuse(text, noun, $"'{key}' must have a bound", $"at least \"{write(min)}\"");
            return fallback;
        }
        if (!parse(text.Value, out var value, out var error, out var hint))
            Refuse(text, noun, $"'{key}': {error}", hint);
        else if (value == 0)
            Refuse(text, noun, $"'{key}' is zero", zeroHint);
        else if (value < min)
            Refuse(text, noun, $"'{key}' is too small", $"at least \"{write(min)}\"");
        else if (value > max)
            Refuse(text, noun, $"'{key}' is too large", $"at most \"{write(max)}\"");
        else
            return value;
        return fallback;
    }

    /// <summary><paramref name="none"/> is what "none" means here; null where there must be a number.</summary>
    public int Count(string key, int fallback, int min, int max, int? none = null)
    {
        var entry = Table.Find(key);
        if (entry is null)
            return fallback;
        if (none is not null && entry.Value is TomlString { Raw: "none" })
            return none.Value;
        if (entry.Value is not TomlInteger number)
        {
            var isNumber = entry.Value is TomlString { Raw.Length: > 0 } text && text.Raw.All(char.IsAsciiDigit);
            WrongType(key, entry.Value, "a whole number",
                isNumber ? $"write {((TomlString)entry.Value).Raw} without quotes" : null);
            return fallback;
        }
        if (number.Value >= min && number.Value <= max)
            return (int)number.Value;
        Problems.Error(number.Origin, string.Create(CultureInfo.InvariantCulture, $"'{key}' may not be {number.Value}"),
            string.Create(CultureInfo.InvariantCulture, $"{min} to {max}{(none is null ? "" : ", or \"none\"")}"));
        return fallback;
    }

    /// <summary>One word of a closed list. A word of <paramref name="later"/> is promised and does not exist
    /// yet.</summary>
    public T Word<T>(string key, T fallback, (string Word, T Value)[] words, string[]? later = null)
    {
        if (Text(key, words[0].Word) is not { } text)
            return fallback;
        foreach (var (word, value) in words)
        {
            if (word == text.Value)
                return value;
        }
        if (later is not null && later.Contains(text.Value))
        {
            Refuse(text, key, $"'{text.Shown}' of '{key}' is not available yet", OneOf(words));
            return fallback;
        }
        Refuse(text, key, $"unknown {key} '{text.Shown}'",
            Spelling.DidYouMean(text.Value, words.Select(w => w.Word)) ?? OneOf(words));
        return fallback;
    }

    private static string OneOf<T>((string Word, T Value)[] words)
    {
        var names = words.Select(w => $"\"{w.Word}\"").ToArray();
        return names.Length == 1 ? $"write {names[0]}" : $"write {string.Join(", ", names[..^1])} or {names[^1]}";
    }
}
