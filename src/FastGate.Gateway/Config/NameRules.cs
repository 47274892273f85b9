namespace FastGate.Gateway.Config;

/// <summary>Names stand in logs, labels of metrics and paths of the admin address: a few safe characters, and never
/// the value of a placeholder.</summary>
internal static class NameRules
{
    public const int NameCharsMax = 64;

    /// <summary>The `name` of a table, or null (and reported) if it has none that can be used.</summary>
    public static string? Read(TableReader table, Names names, string example)
    {
        if (!table.Has("name"))
        {
            table.Missing("name", $"write name = \"{example}\"");
            return null;
        }
        if (table.Table.Find("name")!.Value is not TomlString raw)
        {
            _ = table.Text("name", example);
            return null;
        }
        if (raw.Raw.Contains("${", StringComparison.Ordinal))
        {
            table.Error("name", "a name holds no placeholder", "names stand in logs and metrics");
            return null;
        }
        return Check(raw.Raw, raw.Origin, names, table.Draft.Problems) ? raw.Raw : null;
    }

    public static bool Check(string name, Origin origin, Names names, ProblemList problems)
    {
        if (name.Length is 0 or > NameCharsMax
            || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.'))
        {
            problems.Error(origin, $"'{name}' cannot be a name", "1 to 64 letters, digits, '_', '-' and '.'");
            return false;
        }
        names.Define(name, origin, problems);
        return true;
    }
}
