using FastGate.Gateway.Proxy;

namespace FastGate.Gateway.Config;

/// <summary>Reads `request_headers` and `response_headers` of a route and the fields of an answer of our own.</summary>
internal static class HeaderSection
{
    public static HeaderOptions Changes(TableReader route, string key, Shape shape)
    {
        if (route.SubTable(key, shape, "{ set = { \"X-Gate\" = \"fastgate\" } }") is not { } table)
            return HeaderOptions.Empty;
        var remove = new List<string>();
        foreach (var name in table.Texts("remove") ?? [])
        {
            if (FieldRules.IsName(name.Value, out var error, out var hint))
                remove.Add(name.Value);
            else
                table.Refuse(name, "header name", error, hint);
        }
        return new HeaderOptions
        {
            Set = Fields(table, "set", areTemplates: true),
            Add = Fields(table, "add", areTemplates: true),
            Default = Fields(table, "default", areTemplates: true),
            Remove = remove,
        };
    }

    public static List<HeaderField> Fields(TableReader table, string key, bool areTemplates = false)
    {
        var fields = new List<HeaderField>();
        var entry = table.Table.Find(key);
        if (entry is null)
            return fields;
        if (entry.Value is not TomlTable values)
        {
            table.WrongType(key, entry.Value, "a table", $"write {key} = {{ \"X-Name\" = \"value\" }}");
            return fields;
        }
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var field in values.Entries)
        {
            var problems = table.Draft.Problems;
            if (!FieldRules.IsName(field.Key, out var error, out var hint))
                problems.Error(field.KeyOrigin, error, hint);
            else if (!seen.Add(field.Key))
                problems.Error(field.KeyOrigin, $"'{field.Key}' is twice in '{key}'", "header names ignore case");
            else if (field.Value is not TomlString text)
                problems.Error(field.Value.Origin,
                    $"the value of '{field.Key}' must be a string, not {field.Value.Noun}");
            else if (table.Draft.Resolve(text, areTemplates) is { } value)
                Add(table, fields, field.Key, value);
        }
        return fields;
    }

    private static void Add(TableReader table, List<HeaderField> fields, string name, SourceText value)
    {
        if (FieldRules.IsValue(value.Value, out var error, out var hint))
            fields.Add(new HeaderField(name, value));
        else
            table.Refuse(value, "header value", error, hint);
    }
}
