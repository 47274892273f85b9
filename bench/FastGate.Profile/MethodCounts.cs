using System.Globalization;

namespace FastGate.Profile;

/// <summary>What the runtime counted in one method, as its text has it (<c>DOTNET_WritePGOData</c>).</summary>
/// <param name="Type">The declaring type, as in <c>Name.Space.Outer+Inner`1[Argument]</c>.</param>
/// <param name="Name">The method's.</param>
/// <param name="Parameters">How many it takes.</param>
/// <param name="IsStatic">It has no instance.</param>
/// <param name="CodeBytes">The length of its intermediate code.</param>
/// <param name="Records">Of edges, types and values, in the runtime's order.</param>
internal sealed record MethodCounts(
    string Type, string Name, int Parameters, bool IsStatic, int CodeBytes, IReadOnlyList<CountRecord> Records)
{
    private const string Start = "@@@";

    /// <summary>The most often that any branch was taken.</summary>
    public long Most => Records.Where(record => record.IsNumber).SelectMany(record => record.Values)
        .Max(static value => (long?)Number(value)) ?? 0;

    /// <param name="text">All that the runtime wrote.</param>
    public static IEnumerable<MethodCounts> Parse(string text)
    {
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        for (int at = 0; at < lines.Length; at++)
        {
            if (!lines[at].StartsWith(Start, StringComparison.Ordinal))
            {
                continue;
            }
            int codeBytes = int.Parse(lines[at].Split("ilSize 0x")[1].AsSpan(0, 8), NumberStyles.HexNumber,
                CultureInfo.InvariantCulture);
            (string type, string name) = Split(lines[at + 1]["MethodName: ".Length..]);
            string signature = lines[at + 2]["Signature: ".Length..];
            int end = at + 3;
            while (end < lines.Length && !lines[end].StartsWith(Start, StringComparison.Ordinal)
                && !lines[end].StartsWith("***", StringComparison.Ordinal))
            {
                end++;
            }
            yield return new MethodCounts(type, name, CountParameters(signature),
                !signature.StartsWith("instance", StringComparison.Ordinal), codeBytes,
                RecordsOf(lines[(at + 3)..end]));
            at = end - 1;
        }
    }

    public static long Number(string value) => long.Parse(value.Split(' ')[0], CultureInfo.InvariantCulture);

    private static List<CountRecord> RecordsOf(string[] lines)
    {
        var records = new List<CountRecord>();
        List<string> values = [];
        foreach (string line in lines)
        {
            // Schema InstrumentationKind 385 ILOffset 8 Count 1 Other 34, and a line for each value.
            if (line.Split(' ') is ["Schema", _, var kind, _, var offset, _, var count, _, var other])
            {
                values = [];
                records.Add(new CountRecord(Bits(kind), Bits(offset), Bits(count), Bits(other), values));
            }
            else
            {
                values.Add(line);
            }
        }
        return records;
    }

    private static int Bits(string number) => unchecked((int)long.Parse(number, CultureInfo.InvariantCulture));

    /// <summary>At the last dot that is in no name and no argument of a type: names of methods have dots themselves
    /// (<c>..ctor</c>), and those that the compiler makes have more (<c>&lt;A.B&gt;g__C</c>).</summary>
    private static (string Type, string Name) Split(string full)
    {
        int depth = 0;
        for (int at = full.Length - 1; at > 0; at--)
        {
            switch (full[at])
            {
                case ']' or '>':
                    depth++;
                    break;
                case '[' or '<':
                    depth--;
                    break;
                case '.' when depth == 0:
                    int dot = full[at - 1] == '.' ? at - 1 : at;
                    return (full[..dot], full[(dot + 1)..]);
            }
        }
        return ("", full);
    }

    private static int CountParameters(string signature)
    {
        string parameters = signature[(signature.LastIndexOf("  (", StringComparison.Ordinal) + 3)..^1];
        int depth = 0;
        int commas = 0;
        foreach (char c in parameters)
        {
            depth += c switch { '<' or '[' => 1, '>' or ']' => -1, _ => 0 };
            commas += c == ',' && depth == 0 ? 1 : 0;
        }
        return parameters.Length == 0 ? 0 : commas + 1;
    }
}

/// <summary>One record: a number, or some values of a histogram.</summary>
/// <param name="Kind">The runtime's <c>PgoInstrumentationKind</c>; its last four bits say what the values are.</param>
/// <param name="Offset">Where in the code.</param>
/// <param name="Count">How many values.</param>
/// <param name="Other">For an edge, where it leads.</param>
/// <param name="Values">As the text has them.</param>
internal sealed record CountRecord(int Kind, int Offset, int Count, int Other, IReadOnlyList<string> Values)
{
    /// <summary>They are counts of 4 or 8 bytes, rather than types or methods.</summary>
    public bool IsNumber => (Kind & 0xF) is 1 or 2;
}
