using FastGate.Http;

namespace FastGate.Fuzz.Targets;

/// <summary>What is demanded of the table of fields, whoever filled it.</summary>
internal static class Fields
{
    private static readonly HeaderId[] s_ids = Enum.GetValues<HeaderId>();

    /// <summary>Lines follow each other without a gap from <paramref name="start"/> to the empty line before <paramref
    /// name="end"/>, each is its name, a colon and its value, and the table's answers are those of a search.</summary>
    public static void AreSound(ReadOnlySpan<byte> bytes, HeaderTable headers, int start, int end)
    {
        foreach (ref readonly Header header in headers.Items)
        {
            Demand.Same(start, header.Line.Offset, "the line's beginning");
            Demand.Same(start, header.Name.Offset, "the name's beginning");
            start = header.Line.End;
            string name = Plain.Text(bytes, header.Name);
            string line = Plain.Text(bytes, header.Line);
            string value = Plain.Text(bytes, header.Value);
            Demand.That(line.StartsWith(name, StringComparison.Ordinal) && line[name.Length] == ':'
                && line.EndsWith("\r\n", StringComparison.Ordinal), "a line is not name, colon and value");
            string sent = line[(name.Length + 1)..^2].Trim(' ', '\t');
            if (header.Id == HeaderId.ContentLength && sent != value)
            {
                // Zeros in front of a length are no part of what goes on.
                Demand.That((header.Flags & HeaderFlags.Reshaped) != 0 && sent[0] == '0', "a length is another one");
                sent = sent.TrimStart('0') is { Length: > 0 } digits ? digits : "0";
            }
            Demand.Same(sent, value, "the value");
            Demand.That(header.Value.Offset > header.Name.End && header.Value.End <= header.Line.End - 2,
                "the value lies outside of its line");
            Demand.Same(Plain.IdOf(name), header.Id, "the id of a name");
            Demand.Same(header.Id == HeaderId.Unknown && name.Contains('_', StringComparison.Ordinal),
                (header.Flags & HeaderFlags.Underscore) != 0, "an underscore");
        }
        Demand.Same(end, start + 2, "the end");
        Demand.That(bytes[start..end].SequenceEqual("\r\n"u8), "no empty line at the end");
        AnswersAreThoseOfASearch(headers);
    }

    private static void AnswersAreThoseOfASearch(HeaderTable headers)
    {
        foreach (HeaderId id in s_ids)
        {
            int first = -1;
            int last = -1;
            int count = 0;
            for (int i = 0; i < headers.Count; i++)
            {
                if (headers[i].Id == id)
                {
                    first = first < 0 ? i : first;
                    last = i;
                    count++;
                }
            }
            Demand.Same(count > 0, headers.Has(id), "a field is there");
            Demand.Same(first, headers.IndexOf(id), "the first field of a name");
            Demand.Same(last, headers.LastIndexOf(id), "the last field of a name");
            Demand.Same(count > 1, headers.IsRepeated(id), "a name is repeated");
        }
    }

    /// <summary>What Connection says, all of its fields taken together, in lower case.</summary>
    public static HashSet<string> Options(ReadOnlySpan<byte> bytes, HeaderTable headers) =>
        [.. Elements(bytes, headers, HeaderId.Connection)];

    /// <summary>The elements of all fields with this id, trimmed and in lower case.</summary>
    public static List<string> Elements(ReadOnlySpan<byte> bytes, HeaderTable headers, HeaderId id)
    {
        var elements = new List<string>();
        foreach (ref readonly Header header in headers.Items)
        {
            if (header.Id == id)
            {
                elements.AddRange(Plain.Text(bytes, header.Value).ToLowerInvariant().Split(',')
                    .Select(element => element.Trim(' ', '\t')));
            }
        }
        return elements;
    }

    /// <summary>What is hop-by-hop by its name stops here, what frames and routes the message does not, and of the
    /// unknown fields those stop that Connection names.</summary>
    public static void StopWhereTheyMust(ReadOnlySpan<byte> bytes, HeaderTable headers, HashSet<string> options)
    {
        foreach (ref readonly Header header in headers.Items)
        {
            bool stops = (header.Flags & HeaderFlags.HopByHop) != 0;
            switch (header.Id)
            {
                case HeaderId.Connection or HeaderId.TransferEncoding or HeaderId.TE or HeaderId.Upgrade
                    or HeaderId.KeepAlive or HeaderId.ProxyConnection or HeaderId.ProxyAuthorization:
                    Demand.That(stops, "a hop-by-hop field goes on");
                    break;
                case HeaderId.Host or HeaderId.Authorization or HeaderId.Cookie or HeaderId.SetCookie
                    or HeaderId.XForwardedFor:
                    Demand.That(!stops, "a field stops that Connection may not name");
                    break;
                case HeaderId.Unknown:
                    string name = Plain.Text(bytes, header.Name).ToLowerInvariant();
                    Demand.Same(options.Contains(name) && name is not ("close" or "keep-alive" or "upgrade"), stops,
                        "a field stops that Connection names");
                    break;
            }
        }
    }

    /// <summary>Two tables are equal to the last flag.</summary>
    public static void AreSame(HeaderTable expected, HeaderTable actual)
    {
        Demand.Same(expected.Count, actual.Count, "the count of fields");
        Demand.Same(expected.HasUnderscores, actual.HasUnderscores, "underscores");
        for (int i = 0; i < expected.Count; i++)
        {
            ref readonly Header one = ref expected[i];
            ref readonly Header other = ref actual[i];
            Demand.Same((one.Name, one.Value, one.Line, one.Id, one.Flags),
                (other.Name, other.Value, other.Line, other.Id, other.Flags), "a field");
        }
    }

    /// <summary>The fields that go on, in order, as name and value; those of <paramref name="but"/> left out.</summary>
    public static string Passed(ReadOnlySpan<byte> bytes, HeaderTable headers, params ReadOnlySpan<HeaderId> but)
    {
        var passed = new List<string>();
        foreach (ref readonly Header header in headers.Items)
        {
            if ((header.Flags & HeaderFlags.HopByHop) == 0 && !but.Contains(header.Id))
            {
                passed.Add($"{Plain.Text(bytes, header.Name)}={Plain.Text(bytes, header.Value)}");
            }
        }
        return string.Join('\n', passed);
    }
}
