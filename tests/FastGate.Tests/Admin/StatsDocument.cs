using System.Buffers;
using System.Text.Json;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;

namespace FastGate.Tests.Admin;

/// <summary>Reads <c>/stats</c> without the address around it.</summary>
internal static class StatsDocument
{
    public static readonly DateTimeOffset StartedAt = new(2026, 11, 24, 13, 14, 25, 678, TimeSpan.FromHours(1));

    public static StatsPage Page(Gate gate, long startedMs = 0) => new(gate,
        new ProcessFacts
        {
            Version = "1.2.3",
            StartedAt = StartedAt,
            StartedMs = startedMs,
            DescriptorsMax = 1024,
            LogDropped = () => 7,
        },
        new LoadedConfig("c0ffee", StartedAt));

    public static JsonElement Read(StatsPage page, long now)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
        {
            foreach (bool _ in page.Write(json, () => now))
            {
            }
        }
        using JsonDocument document = JsonDocument.Parse(bytes.WrittenMemory);
        return document.RootElement.Clone();
    }

    /// <summary>Names on the way to a value: <c>routes/0/by_status/200</c>.</summary>
    public static JsonElement At(this JsonElement element, string path)
    {
        foreach (string name in path.Split('/'))
        {
            element = element.ValueKind == JsonValueKind.Array ? element[int.Parse(name)] : element.GetProperty(name);
        }
        return element;
    }

    public static long Number(this JsonElement element, string path) => element.At(path).GetInt64();

    public static bool IsNull(this JsonElement element, string path) => element.At(path).ValueKind == JsonValueKind.Null;

    /// <summary>Every name with what kind of value it has, in order; of a list its first element stands for all, and
    /// what is keyed by status or reason is a value.</summary>
    public static IEnumerable<string> Shape(JsonElement element, string at = "")
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object when !at.EndsWith("by_status", StringComparison.Ordinal)
                && !at.EndsWith("errors", StringComparison.Ordinal):
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    foreach (string line in Shape(property.Value, at.Length == 0 ? property.Name : $"{at}.{property.Name}"))
                    {
                        yield return line;
                    }
                }
                break;
            case JsonValueKind.Array when element.GetArrayLength() > 0:
                foreach (string line in Shape(element[0], at + "[]"))
                {
                    yield return line;
                }
                break;
            default:
                yield return $"{at}: {element.ValueKind.ToString().ToLowerInvariant()}";
                break;
        }
    }
}
