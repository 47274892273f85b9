using System.Text;
using FastGate.Http;

namespace FastGate.Fuzz.Targets;

/// <summary>Bytes as text for the twins, one character a byte, and what the twins of the parsers do not say.</summary>
internal static class Plain
{
    private static readonly Dictionary<string, HeaderId> s_ids = Enum.GetValues<HeaderId>()
        .Where(id => id != HeaderId.Unknown).ToDictionary(FieldName, StringComparer.OrdinalIgnoreCase);

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static string Text(ReadOnlySpan<byte> bytes, Slice slice) => Text(slice.Of(bytes));

    /// <summary>The fields as <see cref="FastGate.Tests.Http.PlainParser"/> writes them.</summary>
    public static string Fields(ReadOnlySpan<byte> bytes, HeaderTable headers)
    {
        var fields = new List<string>();
        foreach (ref readonly Header header in headers.Items)
        {
            fields.Add($"{Text(bytes, header.Name)}={Text(bytes, header.Value)}");
        }
        return string.Join('\n', fields);
    }

    /// <summary>The id of a field name, found in a table.</summary>
    public static HeaderId IdOf(string name) => s_ids.GetValueOrDefault(name, HeaderId.Unknown);

    /// <summary>X-Forwarded-For for XForwardedFor, and so on.</summary>
    private static string FieldName(HeaderId id) => id switch
    {
        HeaderId.TE or HeaderId.ETag or HeaderId.TraceParent => $"{id}",
        HeaderId.SecWebSocketKey => "Sec-WebSocket-Key",
        _ => string.Concat($"{id}".Select((c, i) => i > 0 && char.IsAsciiLetterUpper(c) ? $"-{c}" : $"{c}")),
    };
}
