namespace FastGate.Gateway.Config;

/// <summary>Reads the values of one table and reports what is wrong with them. A value that is absent, wrong (and
/// reported) or not known offline reads as null or as the fallback, so that the reading goes on and finds every problem
/// in one run.</summary>
internal sealed partial class TableReader
{
    private readonly TableReader? _parent;
    private readonly Shape _shape;

    public TableReader(TomlTable table, Shape shape, string where, Draft draft, TableReader? parent = null)
    {
        Table = table;
        Where = where;
        Draft = draft;
        _shape = shape;
        _parent = parent;
    }

    public TomlTable Table { get; }

    /// <summary>This very table in a sentence: "[[route]] 'orders'".</summary>
    public string Where { get; }

    public Draft Draft { get; }

    private string Inside => _shape == Shape.Root ? "at the top level" : $"in {Where}";

    private ProblemList Problems => Draft.Problems;

    public bool Has(string key) => Table.Find(key) is not null;

    /// <summary>Where a key was written, or the table if it was not.</summary>
    public Origin KeyOrigin(string key) => Table.Find(key)?.KeyOrigin ?? Table.Origin;

    /// <summary>Reports every key that is not in the shape; those of <paramref name="reported"/> are already.</summary>
    public void CheckKeys(Shape? reported = null)
    {
        foreach (var entry in Table.Entries)
        {
            if (_shape.Keys.Contains(entry.Key) || (reported is not null && reported.Keys.Contains(entry.Key)))
                continue;
            if (_shape.Later.Contains(entry.Key))
                Problems.Error(entry.KeyOrigin, $"'{entry.Key}' {Inside} is not available yet", "remove it");
            else
                Problems.Error(entry.KeyOrigin, $"unknown key '{entry.Key}' {Inside}", UnknownHint(entry.Key));
        }
    }

    /// <summary>The usual trap of TOML first: a key below the header of a table belongs to that table, however far the
    /// line was meant for the one above.</summary>
    private string? UnknownHint(string key)
    {
        for (var above = _parent; above is not null; above = above._parent)
        {
            if (above._shape.Keys.Contains(key))
            {
                var place = Table.IsInline ? "outside of the braces"
                    : above._parent is null ? "above the first header"
                    : $"above the header in line {Table.Origin.Line}";
                return $"'{key}' belongs to {above.Where}: write it {place}";
            }
        }
        if (Spelling.DidYouMean(key, _shape.Keys) is { } hint)
            return hint;
        foreach (var other in Shape.All)
        {
            if (other != _shape && other.Keys.Contains(key))
                return $"'{key}' belongs to {other.Title}";
        }
        return Spelling.DidYouMean(key, _shape.Later) ?? $"keys here: {string.Join(", ", _shape.Keys)}";
    }

    public void Error(string key, string sentence, string? hint = null) =>
        Problems.Error(Table.Find(key)?.Value.Origin ?? Table.Origin, sentence, hint);

    /// <summary>A problem about a text. What came from a placeholder is not quoted, not even in part.</summary>
    public void Refuse(SourceText text, string noun, string sentence, string? hint = null) =>
        Draft.Refuse(text, noun, sentence, hint);

    /// <summary>Silent where the key was misspelt: that is one mistake, and reported already.</summary>
    public void Missing(string key, string hint)
    {
        if (!IsMisspelt(key))
            Problems.Error(Table.Origin, $"{Where} has no '{key}'", hint);
    }

    /// <summary>Whether an unknown key of this table looks like this one, or a table within has it by
    /// mistake.</summary>
    public bool IsMisspelt(string key) => Table.Entries.Exists(e =>
        (!_shape.Keys.Contains(e.Key) && Spelling.Nearest(e.Key, _shape.Keys) == key)
        || e.Value is TomlTable { IsInline: false } inner && inner.Find(key) is not null && e.Key != "upstream");

    public void WrongType(string key, TomlNode value, string expected, string? hint = null) =>
        Problems.Error(value.Origin, $"'{key}' must be {expected}, not {value.Noun}", hint);

    public SourceText? Text(string key, string? example = null, bool isTemplate = false)
    {
        if (Table.Find(key) is not { } entry)
            return null;
        if (entry.Value is TomlString text)
            return Draft.Resolve(text, isTemplate);
        WrongType(key, entry.Value, "a string", StringHint(entry.Value, example));
        return null;
    }

    /// <summary>The texts of a list; what is wrong in it is reported and left out. Null if there is no list.</summary>
    public List<SourceText>? Texts(string key, bool orOne = false)
    {
        var entry = Table.Find(key);
        if (entry is null)
            return null;
        if (entry.Value is TomlString one)
        {
            if (!orOne)
            {
                WrongType(key, one, "a list", $"write [\"{one.Raw}\"]");
                return null;
            }
            return Draft.Resolve(one) is { } text ? [text] : [];
        }
        if (entry.Value is not TomlArray { IsTables: false } array)
        {
            WrongType(key, entry.Value, orOne ? "a string or a list of strings" : "a list of strings");
            return null;
        }
        var texts = new List<SourceText>();
        foreach (var item in array.Items)
        {
            if (item is not TomlString element)
                Problems.Error(item.Origin, $"'{key}' holds strings, not {item.Noun}", StringHint(item, null));
            else if (Draft.Resolve(element) is { } text)
                texts.Add(text);
        }
        return texts;
    }

    /// <summary>Whether a list was written and has nothing in it, as opposed to nothing readable.</summary>
    public bool IsEmptyList(string key) => Table.Find(key)?.Value is TomlArray { Items.Count: 0 };

    /// <summary>Whether what is inherited or built in is cleared with "off".</summary>
    public bool IsOff(string key) => Table.Find(key)?.Value is TomlString { Raw: "off" };

    public bool Flag(string key, bool fallback)
    {
        var entry = Table.Find(key);
        if (entry is null)
            return fallback;
        if (entry.Value is TomlBoolean flag)
            return flag.Value;
        WrongType(key, entry.Value, "true or false", entry.Value is TomlString { Raw: "true" or "false" } word
            ? $"write {word.Raw} without quotes" : null);
        return fallback;
    }

    public TableReader? SubTable(string key, Shape shape, string? example = null)
    {
        var entry = Table.Find(key);
        if (entry is null)
            return null;
        if (entry.Value is TomlTable table)
        {
            var reader = new TableReader(table, shape, $"'{key}' of {Where}", Draft, this);
            reader.CheckKeys();
            return reader;
        }
        WrongType(key, entry.Value, "a table", example is null ? null : $"write {example}");
        return null;
    }

    private static string? StringHint(TomlNode value, string? example) => value switch
    {
        _ when example is not null => $"write \"{example}\"",
        TomlInteger number => $"write \"{number.Value}\"",
        TomlBoolean flag => flag.Value ? "write \"true\"" : "write \"false\"",
        _ => null,
    };
}
