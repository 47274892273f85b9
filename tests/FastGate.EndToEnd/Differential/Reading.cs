using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FastGate.EndToEnd.Differential;

/// <summary>What a reader made of one message. One character is one byte.</summary>
/// <param name="Start">Method and target, or status and reason.</param>
/// <param name="Fields">Name and value of each, in order.</param>
/// <param name="Body">Without its coding.</param>
/// <param name="Trailers">Name and value of each, in order.</param>
internal sealed record Reading(string Start, string[][] Fields, string Body, string[][] Trailers)
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The field with which a reader tells what it read of a request, in base64.</summary>
    public const string TellingField = "X-Read";

    [JsonIgnore]
    public string Method => Start.Split(' ')[0];

    [JsonIgnore]
    public string Target => Start.Split(' ')[1];

    [JsonIgnore]
    public int Status => int.Parse(Start.AsSpan(0, 3), CultureInfo.InvariantCulture);

    public static Reading FromJson(string text) => JsonSerializer.Deserialize<Reading>(text, s_json)!;

    /// <summary>What a reader told of a request in its answer; null when it told nothing.</summary>
    public static Reading? ToldIn(Reading answer) => answer.Value(TellingField) is { } told
        ? FromJson(Encoding.UTF8.GetString(Convert.FromBase64String(told)))
        : null;

    /// <summary>The telling field with its value.</summary>
    public string Telling() =>
        $"{TellingField}: {Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(this, s_json))}";

    /// <summary>The value of the only field of that name; null when there is none.</summary>
    public string? Value(string name)
    {
        string[] values = Values(name);
        Assert.True(values.Length < 2, $"{name} stands {values.Length} times");
        return values.Length == 0 ? null : values[0];
    }

    public string[] Values(string name) =>
        [.. Fields.Where(field => Same(field[0], name)).Select(field => field[1])];

    public bool Has(string name) => Fields.Any(field => Same(field[0], name));

    /// <summary>Without the fields of these names.</summary>
    public Reading Without(params string[] names) => this with
    {
        Fields = [.. Fields.Where(field => !names.Any(name => Same(field[0], name)))],
    };

    /// <summary>Everything as it was read.</summary>
    public string InOrder() => Text(Fields, Trailers);

    /// <summary>For readers that do not keep the order of different names, nor their case, nor that of Connection, nor
    /// zeros in front of a length.</summary>
    public string ByName() => Text(Grouped(Fields), Grouped(Trailers));

    private string Text(IEnumerable<string[]> fields, IEnumerable<string[]> trailers) =>
        $"{Start}\n{Lines(fields)}\n{Shown(Body)}\n{Lines(trailers)}";

    private static string Lines(IEnumerable<string[]> fields) =>
        string.Concat(fields.Select(field => $"{field[0]}={Shown(field[1])}\n"));

    private static IEnumerable<string[]> Grouped(string[][] fields) => fields
        .Select(field => (string[])[field[0].ToLowerInvariant(),
            Same(field[0], "content-length") ? Digits(field[1])
                : Same(field[0], "connection") ? field[1].ToLowerInvariant()
                : field[1]])
        .OrderBy(field => field[0], StringComparer.Ordinal);

    private static string Digits(string length) => length.TrimStart('0') is { Length: > 0 } digits ? digits : "0";

    private static bool Same(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);

    /// <summary>As the case files write it.</summary>
    public static string Shown(string text)
    {
        var shown = new StringBuilder();
        foreach (char c in text)
        {
            shown.Append(c switch
            {
                '\r' => "\\r",
                '\n' => "\\n",
                '\t' => "\\t",
                '\\' => "\\\\",
                >= ' ' and <= '~' => c.ToString(),
                _ => $"\\x{(int)c:X2}",
            });
        }
        return shown.ToString();
    }
}
