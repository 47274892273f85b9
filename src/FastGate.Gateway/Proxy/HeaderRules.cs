using FastGate.Gateway.Routing;
using FastGate.Http;

namespace FastGate.Gateway.Proxy;

/// <summary>Changes to the fields of a message, compiled: remove, set, add, default, in this order.</summary>
internal sealed class HeaderRules
{
    /// <summary>Fields that the gate writes itself, unless a rule removes or sets them.</summary>
    private static readonly (HeaderId Id, byte[] Name)[] s_gates =
    [
        (HeaderId.XForwardedFor, "X-Forwarded-For"u8.ToArray()),
        (HeaderId.XForwardedProto, "X-Forwarded-Proto"u8.ToArray()),
        (HeaderId.XForwardedHost, "X-Forwarded-Host"u8.ToArray()),
        (HeaderId.XRequestId, "X-Request-Id"u8.ToArray()),
        (HeaderId.Via, "Via"u8.ToArray()),
        (HeaderId.Date, "Date"u8.ToArray()),
    ];

    // Behind the table, which the constructor reads: statics begin in their order.
    public static HeaderRules None { get; } = new([], [], [], []);

    private readonly ulong _replaced;
    private readonly Rule[] _set;
    private readonly Rule[] _add;
    private readonly Rule[] _default;
    private readonly byte[][] _remove;

    public HeaderRules(Rule[] set, Rule[] add, Rule[] @default, byte[][] remove)
    {
        _set = set;
        _add = add;
        _default = @default;
        _remove = remove;
        foreach ((HeaderId id, byte[] name) in s_gates)
        {
            _replaced |= IsRemoved(name) ? 1UL << (int)id : 0;
        }
        IsEmpty = set.Length + add.Length + @default.Length + remove.Length == 0;
    }

    public bool IsEmpty { get; }

    /// <summary>A rule removes or sets this field of the gate's own, which is therefore not written.</summary>
    public bool Replaces(HeaderId id) => (_replaced & (1UL << (int)id)) != 0;

    /// <summary>A field to write: its name as it will stand, and the template of its value.</summary>
    public readonly record struct Rule(byte[] Name, Template Value);

    /// <summary>Marks the fields of <paramref name="table"/> that are removed or replaced, so that copying leaves them
    /// out.</summary>
    public void Mark(HeaderTable table, ReadOnlySpan<byte> head)
    {
        for (int i = 0; i < table.Count; i++)
        {
            ReadOnlySpan<byte> name = table[i].Name.Of(head);
            if (IsRemoved(name))
            {
                table.LeaveOut(i);
            }
        }
    }

    /// <summary>Upper bound of the bytes <see cref="Write"/> writes.</summary>
    public int BytesMax(scoped in TemplateValues values)
    {
        int bytes = 0;
        foreach (Rule[] rules in (ReadOnlySpan<Rule[]>)[_set, _add, _default])
        {
            foreach (Rule rule in rules)
            {
                bytes += rule.Name.Length + rule.Value.LengthMax(values) + 4;
            }
        }
        return bytes;
    }

    /// <summary>Writes what is set, added, and missing.</summary>
    public void Write(ref HeadWriter writer, HeaderTable table, ReadOnlySpan<byte> head,
        scoped in TemplateValues values)
    {
        foreach (Rule rule in _set)
        {
            Write(ref writer, rule, values);
        }
        foreach (Rule rule in _add)
        {
            Write(ref writer, rule, values);
        }
        foreach (Rule rule in _default)
        {
            if (!IsPresent(table, head, rule.Name))
            {
                Write(ref writer, rule, values);
            }
        }
    }

    private static void Write(ref HeadWriter writer, in Rule rule, scoped in TemplateValues values)
    {
        writer.Raw(rule.Name);
        writer.Raw(": "u8);
        rule.Value.TryRender(values, writer.Free, out int written);
        writer.Advance(written);
        writer.Raw("\r\n"u8);
    }

    private bool IsRemoved(ReadOnlySpan<byte> name)
    {
        foreach (byte[] removed in _remove)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(name, removed))
            {
                return true;
            }
        }
        foreach (Rule rule in _set)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(name, rule.Name))
            {
                return true;
            }
        }
        return false;
    }

    private static bool IsPresent(HeaderTable table, ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        foreach (ref readonly Header header in table.Items)
        {
            if ((header.Flags & HeaderFlags.HopByHop) == 0
                && System.Text.Ascii.EqualsIgnoreCase(header.Name.Of(head), name))
            {
                return true;
            }
        }
        return false;
    }
}
