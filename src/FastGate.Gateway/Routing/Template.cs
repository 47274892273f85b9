using System.Text;

namespace FastGate.Gateway.Routing;

/// <summary>What a template's text becomes, which decides what it may contain.</summary>
internal enum TemplateUse : byte
{
    /// <summary>The value of a header: any variable.</summary>
    HeaderValue = 0,
    /// <summary>A path sent to the upstream: only variables made of a normal path.</summary>
    Rewrite,
    /// <summary>A Location: any variable, but no request may choose scheme or host.</summary>
    Redirect,
}

internal enum TemplateVariable : byte
{
    /// <summary>Plain text.</summary>
    None = 0,
    Name,
    Rest,
    Host,
    Path,
    Query,
    Scheme,
    ClientIp,
    RequestId,
}

/// <summary>The values of one request. Spans that are empty render as nothing.</summary>
internal readonly ref struct TemplateValues
{
    private readonly ref readonly RouteCaptures _captures;

    /// <param name="captures">Of the match; slices of <paramref name="path"/>.</param>
    /// <param name="path">The normal path that was matched.</param>
    public TemplateValues(in RouteCaptures captures, ReadOnlySpan<byte> path)
    {
        _captures = ref captures;
        Path = path;
    }

    public ReadOnlySpan<byte> Path { get; }
    /// <summary>The name asked for; with or without port as the caller wants it in the text.</summary>
    public ReadOnlySpan<byte> Host { get; init; }
    /// <summary>Without its <c>?</c>.</summary>
    public ReadOnlySpan<byte> Query { get; init; }
    public ReadOnlySpan<byte> Scheme { get; init; }
    public ReadOnlySpan<byte> ClientIp { get; init; }
    public ReadOnlySpan<byte> RequestId { get; init; }

    internal ReadOnlySpan<byte> Of(TemplateVariable variable, int slot) => variable switch
    {
        TemplateVariable.Name => _captures[slot].Of(Path),
        TemplateVariable.Rest => _captures.Rest.Of(Path),
        TemplateVariable.Host => Host,
        TemplateVariable.Path => Path,
        TemplateVariable.Query => Query,
        TemplateVariable.Scheme => Scheme,
        TemplateVariable.ClientIp => ClientIp,
        TemplateVariable.RequestId => RequestId,
        _ => default,
    };
}

/// <summary>Text with variables, compiled: <c>/api/{id}/{rest}</c>. Immutable; rendering allocates nothing. In rewrites
/// and redirects a slash at the seam of text and value is written once, so that an empty <c>{rest}</c> or a
/// <c>{path}</c>, which begins with a slash, makes no <c>//</c> (which a browser would take for a host).</summary>
internal sealed class Template
{
    private readonly Part[] _parts;

    /// <param name="JoinsSlash">A slash here is dropped where what stands before already ends in one.</param>
    internal readonly record struct Part(TemplateVariable Variable, int Slot, byte[] Text, bool JoinsSlash);

    internal Template(string text, Part[] parts)
    {
        Text = text;
        _parts = parts;
    }

    /// <summary>As written.</summary>
    public string Text { get; }

    /// <summary>Without variables: the same for every request.</summary>
    public bool IsConstant => _parts.All(static p => p.Variable == TemplateVariable.None);

    /// <summary>Parses a text; <c>{{</c> and <c>}}</c> are braces. Null when it is wrong; then every problem found was
    /// added, with its offset in <paramref name="text"/>.</summary>
    public static Template? Parse(string text, TemplateUse use, RouteNames names, List<RoutingProblem> problems) =>
        new TemplateParser(text, use, names, problems).Parse();

    /// <summary>The variables that need no pattern. No <c>{name}</c> may be called so.</summary>
    public static bool IsReserved(string name) => VariableOf(name) is not TemplateVariable.Name;

    internal static TemplateVariable VariableOf(string name) => name switch
    {
        "rest" => TemplateVariable.Rest,
        "host" => TemplateVariable.Host,
        "path" => TemplateVariable.Path,
        "query" => TemplateVariable.Query,
        "scheme" => TemplateVariable.Scheme,
        "client_ip" => TemplateVariable.ClientIp,
        "request_id" => TemplateVariable.RequestId,
        _ => TemplateVariable.Name,
    };

    /// <summary>Bytes with which <see cref="TryRender"/> succeeds for these values.</summary>
    public int LengthMax(scoped in TemplateValues values)
    {
        int length = 0;
        foreach (ref readonly Part part in _parts.AsSpan())
        {
            length += part.Variable == TemplateVariable.None ? part.Text.Length
                : values.Of(part.Variable, part.Slot).Length;
        }
        return length;
    }

    /// <summary>Writes the text; false when it does not fit.</summary>
    public bool TryRender(scoped in TemplateValues values, Span<byte> destination, out int written)
    {
        written = 0;
        foreach (ref readonly Part part in _parts.AsSpan())
        {
            bool isText = part.Variable == TemplateVariable.None;
            ReadOnlySpan<byte> value = isText ? part.Text : values.Of(part.Variable, part.Slot);
            if (part.JoinsSlash && written > 0 && destination[written - 1] == (byte)'/' && value.StartsWith("/"u8))
            {
                value = value[1..];
            }
            Span<byte> target = destination[written..];
            if (!value.TryCopyTo(target))
            {
                return false;
            }
            if (!isText)
            {
                Disarm(target[..value.Length]);
            }
            written += value.Length;
        }
        return true;
    }

    /// <summary>No parser lets a line break into a value. If one ever did, it would end a field line here, so every
    /// control byte becomes a space (RFC 9110 section 5.5).</summary>
    private static void Disarm(Span<byte> value)
    {
        if (value.ContainsAnyInRange((byte)0, (byte)0x1F) || value.Contains((byte)0x7F))
        {
            foreach (ref byte b in value)
            {
                b = b is < 0x20 or 0x7F ? (byte)' ' : b;
            }
        }
    }
}
