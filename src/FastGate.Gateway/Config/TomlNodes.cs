namespace FastGate.Gateway.Config;

/// <summary>A value of a TOML file with the place where it was written.</summary>
internal abstract class TomlNode(Origin origin)
{
    public Origin Origin { get; } = origin;

    /// <summary>As in "must be a string, not ...".</summary>
    public abstract string Noun { get; }
}

internal sealed class TomlString(Origin origin, string raw, bool isVerbatim) : TomlNode(origin)
{
    /// <summary>Escapes of TOML resolved, placeholders not.</summary>
    public string Raw { get; } = raw;

    public bool IsVerbatim { get; } = isVerbatim;

    public override string Noun => "a string";
}

internal sealed class TomlInteger(Origin origin, long value) : TomlNode(origin)
{
    public long Value { get; } = value;

    public override string Noun => "an integer";
}

internal sealed class TomlBoolean(Origin origin, bool value) : TomlNode(origin)
{
    public bool Value { get; } = value;

    public override string Noun => "a boolean";
}

/// <summary>A kind of value that no key takes: a float or a date.</summary>
internal sealed class TomlForeign(Origin origin, string noun) : TomlNode(origin)
{
    public override string Noun { get; } = noun;
}

internal sealed class TomlArray(Origin origin, bool isTables) : TomlNode(origin)
{
    public List<TomlNode> Items { get; } = [];

    /// <summary>Written as [[name]].</summary>
    public bool IsTables { get; } = isTables;

    public override string Noun => IsTables ? "an array of tables" : "a list";
}

internal sealed record TomlEntry(string Key, Origin KeyOrigin, TomlNode Value);

internal sealed class TomlTable(Origin origin, bool isInline) : TomlNode(origin)
{
    private readonly Dictionary<string, TomlEntry> _byKey = new(StringComparer.Ordinal);

    /// <summary>In the order of the file.</summary>
    public List<TomlEntry> Entries { get; } = [];

    /// <summary>Written in braces.</summary>
    public bool IsInline { get; } = isInline;

    public override string Noun => "a table";

    public TomlEntry? Find(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>False if the key is there already.</summary>
    public bool TryAdd(TomlEntry entry)
    {
        if (!_byKey.TryAdd(entry.Key, entry))
            return false;
        Entries.Add(entry);
        return true;
    }
}
