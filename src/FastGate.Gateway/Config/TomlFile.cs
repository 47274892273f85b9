using Tomlyn;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace FastGate.Gateway.Config;

/// <summary>Turns the text of a file into tables with positions. The only code that knows the TOML parser.</summary>
internal static class TomlFile
{
    /// <summary>Null after a syntax error, which is then the only problem: what follows the first one is guesswork.
    /// </summary>
    public static TomlTable? Parse(SourceFile file, ProblemList problems)
    {
        DocumentSyntax document;
        try
        {
            document = SyntaxParser.Parse(file.Text, file.Name, validate: true);
        }
        catch (TomlException e)
        {
            // So far only nesting beyond the parser's bound, which has no place.
            problems.Error(new Origin(file.Name, e.Line ?? 0, e.Column ?? 0, 1), Plain(e.Message));
            return null;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or NullReferenceException
            or IndexOutOfRangeException)
        {
            // The parser stumbles over a few texts itself, a file that ends in a backslash within a string for one.
            // A reload must not fall with it.
            var last = file.Text.AsSpan().TrimEnd().Count('\n') + 1;
            problems.Error(new Origin(file.Name, last, 1, file.Line(last).Length), "the file is not TOML up to its end",
                "is a string or an escape left open?");
            return null;
        }
        DiagnosticMessage? first = null;
        foreach (var message in document.Diagnostics)
        {
            if (message.Kind == DiagnosticMessageKind.Error
                && (first is null || message.Span.Offset < first.Span.Offset))
                first = message;
        }
        if (first is not null)
        {
            Report(first, file, problems);
            return null;
        }
        var root = new TomlTable(new Origin(file.Name, 0, 0, 0), isInline: false);
        foreach (var pair in document.KeyValues)
            Add(root, pair, file);
        foreach (var table in document.Tables)
        {
            var target = Open(root, table, file);
            foreach (var pair in table.Items)
                Add(target, pair, file);
        }
        return root;
    }

    /// <summary>The parser reports a second definition with a whole table as its text; the key is enough.</summary>
    private static void Report(DiagnosticMessage message, SourceFile file, ProblemList problems)
    {
        const string again = "is already defined at (";
        var origin = At(message.Span, file);
        var at = message.Message.IndexOf(again, StringComparison.Ordinal);
        if (at < 0)
        {
            problems.Error(origin, Plain(message.Message));
            return;
        }
        var key = message.Message.IndexOf('`', StringComparison.Ordinal);
        var keyEnd = message.Message.LastIndexOf('`', at);
        var place = message.Message[(at + again.Length)..];
        var line = place[..Math.Max(0, place.IndexOf(',', StringComparison.Ordinal))];
        var text = file.Text.AsSpan(Math.Clamp(message.Span.Offset, 0, file.Text.Length));
        var equals = text[..Math.Min(text.Length, origin.Length)].IndexOf('=');
        if (equals > 0)
            origin = origin with { Length = SourceText.Runes(text[..equals].TrimEnd()) };
        problems.Error(origin, $"'{message.Message[(key + 1)..keyEnd]}' is defined twice", $"first in line {line}");
    }

    private static TomlTable Open(TomlTable root, TableSyntaxBase header, SourceFile file)
    {
        var keys = Keys(header.Name!, file);
        var table = root;
        for (var i = 0; i < keys.Count; i++)
        {
            var (key, origin) = keys[i];
            var last = i == keys.Count - 1;
            var existing = table.Find(key)?.Value;
            if (last && header is TableArraySyntax)
            {
                var array = existing as TomlArray;
                if (array is null)
                {
                    array = new TomlArray(origin, isTables: true);
                    table.TryAdd(new TomlEntry(key, origin, array));
                }
                table = new TomlTable(origin, isInline: false);
                array.Items.Add(table);
            }
            else
            {
                table = Descend(table, key, origin, existing);
            }
        }
        return table;
    }

    private static TomlTable Descend(TomlTable table, string key, Origin origin, TomlNode? existing)
    {
        if (existing is TomlTable found)
            return found;
        if (existing is TomlArray { IsTables: true, Items: [.., TomlTable latest] })
            return latest;
        var created = new TomlTable(origin, isInline: false);
        table.TryAdd(new TomlEntry(key, origin, created));
        return created;
    }

    private static void Add(TomlTable table, KeyValueSyntax pair, SourceFile file)
    {
        var keys = Keys(pair.Key!, file);
        for (var i = 0; i < keys.Count - 1; i++)
            table = Descend(table, keys[i].Key, keys[i].Origin, table.Find(keys[i].Key)?.Value);
        var (key, origin) = keys[^1];
        table.TryAdd(new TomlEntry(key, origin, Value(pair.Value!, file)));
    }

    private static TomlNode Value(ValueSyntax value, SourceFile file)
    {
        var origin = At(value.Span, file);
        switch (value)
        {
            case StringValueSyntax text:
                var token = text.Token!.Text!;
                var raw = text.Value!;
                var verbatim = token.Length == raw.Length + 2
                    && token.AsSpan(1, raw.Length).SequenceEqual(raw) && !raw.Contains('\n', StringComparison.Ordinal);
                return new TomlString(origin, raw, verbatim);
            case IntegerValueSyntax number:
                return new TomlInteger(origin, number.Value);
            case BooleanValueSyntax boolean:
                return new TomlBoolean(origin, boolean.Value);
            case ArraySyntax list:
                var array = new TomlArray(origin, isTables: false);
                foreach (var item in list.Items)
                    array.Items.Add(Value(item.Value!, file));
                return array;
            case InlineTableSyntax inline:
                var table = new TomlTable(origin, isInline: true);
                foreach (var item in inline.Items)
                    Add(table, item.KeyValue!, file);
                return table;
            case FloatValueSyntax:
                return new TomlForeign(origin, "a float");
            default:
                return new TomlForeign(origin, "a date");
        }
    }

    private static List<(string Key, Origin Origin)> Keys(KeySyntax name, SourceFile file)
    {
        var keys = new List<(string, Origin)> { Key(name.Key!, file) };
        foreach (var dotted in name.DotKeys)
            keys.Add(Key(dotted.Key!, file));
        return keys;
    }

    private static (string Key, Origin Origin) Key(BareKeyOrStringValueSyntax key, SourceFile file) =>
        (key is StringValueSyntax quoted ? quoted.Value! : ((BareKeySyntax)key).Key!.Text!, At(key.Span, file));

    /// <summary>What spans lines is shown as far as the end of its first line.</summary>
    private static Origin At(SourceSpan span, SourceFile file)
    {
        var start = Math.Clamp(span.Offset, 0, file.Text.Length);
        var end = Math.Clamp(start + span.Length, start, file.Text.Length);
        var text = file.Text.AsSpan(start, end - start);
        var lineEnd = text.IndexOfAny('\r', '\n');
        var length = SourceText.Runes(lineEnd < 0 ? text : text[..lineEnd]);
        return new Origin(file.Name, span.Start.Line + 1, span.Start.Column + 1, Math.Max(1, length));
    }

    /// <summary>The parser's words without its inner names.</summary>
    private static string Plain(string message)
    {
        if (message.StartsWith("The maximum depth", StringComparison.Ordinal))
            return "tables and lists are nested too deep";
        const string inner = " (token: `";
        for (var at = 0; (at = message.IndexOf(inner, at, StringComparison.Ordinal)) >= 0;)
        {
            var end = message.IndexOf("`)", at, StringComparison.Ordinal);
            if (end < 0)
                break;
            message = message.Remove(at, end + 2 - at);
        }
        message = message.Replace("`\u2424`", "the end of the line", StringComparison.Ordinal)
            .Replace("\u2424", "the end of the line", StringComparison.Ordinal)
            .Replace("`<eof>`", "the end of the file", StringComparison.Ordinal)
            .Replace("<eof>", "the end of the file", StringComparison.Ordinal)
            .Replace('`', '\'').TrimEnd('.');
        return message.Length > 0 ? char.ToLowerInvariant(message[0]) + message[1..] : "this is not TOML";
    }
}
