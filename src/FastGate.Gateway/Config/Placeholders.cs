using System.Text;

namespace FastGate.Gateway.Config;

/// <summary>Replaces ${env:NAME} and ${file:PATH} in a string. What comes in is not looked at again, so a value may
/// hold "${"; in the file itself "$${" stands for it.</summary>
internal static class Placeholders
{
    /// <summary>A secret is a token or a key, not a document.</summary>
    public const int FileBytesMax = 64 * 1024;

    /// <summary>Null if a placeholder has no value; that is reported, as a warning when offline. In the text of a
    /// template the braces of a value are doubled: a password may hold "{id}" and means just that.</summary>
    public static SourceText? Resolve(TomlString text, bool isTemplate, Surroundings surroundings, ProblemList problems)
    {
        var raw = text.Raw;
        var next = raw.IndexOf("${", StringComparison.Ordinal);
        if (next < 0)
            return new SourceText(raw, raw, text.Origin) { IsVerbatim = text.IsVerbatim };
        var shown = new SourceText(raw, raw, text.Origin) { IsVerbatim = text.IsVerbatim };
        var value = new StringBuilder();
        var done = 0;
        var secret = false;
        var complete = true;
        for (; next >= 0; next = raw.IndexOf("${", done, StringComparison.Ordinal))
        {
            if (next > done && raw[next - 1] == '$')
            {
                value.Append(raw, done, next - 1 - done).Append("${");
                done = next + 2;
                continue;
            }
            value.Append(raw, done, next - done);
            var end = raw.IndexOf('}', next);
            if (end < 0)
            {
                problems.Error(shown.At(next, 2), "a placeholder is not closed",
                    "write \"${env:NAME}\", or \"$${\" for a literal \"${\"");
                return null;
            }
            done = end + 1;
            secret = true;
            var place = shown.At(next, done - next);
            if (Value(raw[(next + 2)..end], place, surroundings, problems) is { } found)
                value.Append(isTemplate ? Doubled(found) : found);
            else
                complete = false;
        }
        value.Append(raw, done, raw.Length - done);
        if (!complete)
            return null;
        return new SourceText(value.ToString(), raw, text.Origin) { HasSecret = secret };
    }

    private static string Doubled(string value) =>
        value.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);

    private static string? Value(string placeholder, Origin place, Surroundings surroundings, ProblemList problems)
    {
        if (placeholder.StartsWith("env:", StringComparison.Ordinal))
        {
            var name = placeholder["env:".Length..];
            if (name.Length == 0 || char.IsAsciiDigit(name[0])
                || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            {
                problems.Error(place, $"'{name}' is no name of an environment variable", "letters, digits and '_'");
                return null;
            }
            if (surroundings.Environment(name) is { } value)
                return value;
            Missing(place, $"the environment variable {name} is not set", "set it", surroundings, problems);
            return null;
        }
        if (placeholder.StartsWith("file:", StringComparison.Ordinal))
            return FileValue(placeholder["file:".Length..], place, surroundings, problems);
        problems.Error(place, $"'${{{placeholder}}}' is no placeholder",
            "there are ${env:NAME} and ${file:PATH}; a literal \"${\" is written \"$${\"");
        return null;
    }

    private static string? FileValue(string path, Origin place, Surroundings surroundings, ProblemList problems)
    {
        if (path.Length == 0)
        {
            problems.Error(place, "the placeholder names no file", "write \"${file:/run/secrets/x}\"");
            return null;
        }
        if (!ConfigPath.TryReadText(ConfigPath.Beside(place.File!, path), FileBytesMax, out var text, out var error))
        {
            Missing(place, $"the file '{path}' {error}", "write it", surroundings, problems);
            return null;
        }
        // An editor ends the line that holds the secret; the secret does not end with one.
        if (text.EndsWith('\n'))
            text = text[..^1];
        return text.EndsWith('\r') ? text[..^1] : text;
    }

    private static void Missing(Origin place, string sentence, string hint, Surroundings surroundings,
        ProblemList problems)
    {
        if (surroundings.IsOffline)
            problems.Warning(place, sentence);
        else
            problems.Error(place, sentence, $"{hint}, or check with --offline");
    }
}
