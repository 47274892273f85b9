using System.Text;
using FastGate.Http;

namespace FastGate.Gateway.Routing;

internal enum WhenSource : byte
{
    /// <summary>A field of the head; the name without regard to case, the whole value byte for byte.</summary>
    Header = 0,
    /// <summary>A parameter of the query, name and value decoded.</summary>
    Query,
    /// <summary>A cookie; name and value byte for byte.</summary>
    Cookie,
}

internal enum WhenTest : byte
{
    /// <summary>At least one occurrence has one of the values.</summary>
    OneOf = 0,
    Present,
    Absent,
}

/// <summary>One line of <c>when</c>, compiled: where to look, for which name, and what must be found there. Where a
/// name occurs more than once, any occurrence satisfies <see cref="WhenTest.OneOf"/>. Immutable; asking allocates
/// nothing.</summary>
internal sealed class WhenCondition
{
    private readonly byte[] _name;
    private readonly byte[][] _values;

    private WhenCondition(WhenSource source, string name, WhenTest test, IReadOnlyList<string> values)
    {
        Source = source;
        Name = name;
        Test = test;
        Values = values;
        _name = Encoding.UTF8.GetBytes(name);
        _values = [.. values.Select(Encoding.UTF8.GetBytes)];
    }

    public WhenSource Source { get; }
    public string Name { get; }
    public WhenTest Test { get; }
    /// <summary>Empty unless <see cref="Test"/> is OneOf.</summary>
    public IReadOnlyList<string> Values { get; }

    /// <summary><c>"header:X-Beta" = "1"</c>.</summary>
    public static WhenCondition? Parse(string key, string value, List<RoutingProblem> problems) =>
        Parse(key, [value], problems);

    /// <summary><c>"query:v" = ["2", "3"]</c>. A problem with a value carries its index.</summary>
    public static WhenCondition? Parse(string key, IReadOnlyList<string> values, List<RoutingProblem> problems)
    {
        int before = problems.Count;
        bool known = TryParseKey(key, problems, out WhenSource source, out string name);
        if (values.Count is 0 or > RoutingLimits.WhenValuesMax)
        {
            problems.Add(values.Count == 0
                ? new RoutingProblem(0, key.Length, $"'{key}' has no value, so it can never hold",
                    "true asks for presence, false for absence")
                : new RoutingProblem(0, key.Length, $"'{key}' has more than {RoutingLimits.WhenValuesMax} values"));
        }
        for (int i = 0; known && i < values.Count; i++)
        {
            CheckValue(source, values[i], i, problems);
        }
        return problems.Count > before ? null : new WhenCondition(source, name, WhenTest.OneOf, [.. values]);
    }

    /// <summary><c>"cookie:old" = false</c>: true asks for presence, false for absence.</summary>
    public static WhenCondition? Parse(string key, bool present, List<RoutingProblem> problems) =>
        TryParseKey(key, problems, out WhenSource source, out string name)
            ? new WhenCondition(source, name, present ? WhenTest.Present : WhenTest.Absent, [])
            : null;

    /// <summary>Whether the request satisfies this condition.</summary>
    public bool Holds(RequestHead head, ReadOnlySpan<byte> headBytes) => Source switch
    {
        WhenSource.Header => HeaderHolds(head, headBytes),
        WhenSource.Query => QueryHolds(head.Query.Of(headBytes)),
        _ => CookieHolds(head, headBytes),
    };

    /// <summary>Both look at the same thing.</summary>
    public bool HasKeyOf(WhenCondition other) => Source == other.Source
        && string.Equals(Name, other.Name,
            Source == WhenSource.Header ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);

    /// <summary>No request can satisfy both, as far as one occurrence of the name goes. (A request that repeats the
    /// name with two values satisfies two lists that have nothing in common; for telling routes apart that is not
    /// counted, or no two values could ever choose between two routes.)</summary>
    public bool Excludes(WhenCondition other)
    {
        if (!HasKeyOf(other))
        {
            return false;
        }
        if (Test == WhenTest.Absent || other.Test == WhenTest.Absent)
        {
            return Test != other.Test;
        }
        return Test == WhenTest.OneOf && other.Test == WhenTest.OneOf && !SharesValue(other);
    }

    /// <summary>Every request that satisfies the other satisfies this.</summary>
    public bool IsImpliedBy(WhenCondition other) => HasKeyOf(other) && Test switch
    {
        WhenTest.Absent => other.Test == WhenTest.Absent,
        WhenTest.Present => other.Test != WhenTest.Absent,
        _ => other.Test == WhenTest.OneOf && HasEveryValueOf(other),
    };

    public override string ToString()
    {
        string source = Source switch { WhenSource.Header => "header", WhenSource.Query => "query", _ => "cookie" };
        string key = $"{source}:{Name}";
        return Test == WhenTest.OneOf
            ? $"{key} = {string.Join(" | ", Values)}"
            : $"{key} = {(Test == WhenTest.Present ? "true" : "false")}";
    }

    // Plain loops: a table of routes in one place asks this for every pair of them.
    private bool SharesValue(WhenCondition other)
    {
        foreach (byte[] value in _values)
        {
            if (other.HasValue(value))
            {
                return true;
            }
        }
        return false;
    }

    private bool HasEveryValueOf(WhenCondition other)
    {
        foreach (byte[] value in other._values)
        {
            if (!HasValue(value))
            {
                return false;
            }
        }
        return true;
    }

    private bool HeaderHolds(RequestHead head, ReadOnlySpan<byte> headBytes)
    {
        foreach (ref readonly Header header in head.Headers.Items)
        {
            if (header.Name.Length != _name.Length || !Ascii.EqualsIgnoreCase(header.Name.Of(headBytes), _name))
            {
                continue;
            }
            if (Test != WhenTest.OneOf)
            {
                return Test == WhenTest.Present;
            }
            if (HasValue(header.Value.Of(headBytes)))
            {
                return true;
            }
        }
        return Test == WhenTest.Absent;
    }

    private bool CookieHolds(RequestHead head, ReadOnlySpan<byte> headBytes)
    {
        if (head.Headers.Has(HeaderId.Cookie))
        {
            foreach (ref readonly Header header in head.Headers.Items)
            {
                if (header.Id != HeaderId.Cookie)
                {
                    continue;
                }
                ReadOnlySpan<byte> rest = header.Value.Of(headBytes);
                while (RequestFields.NextCookie(ref rest, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
                {
                    if (!name.SequenceEqual(_name))
                    {
                        continue;
                    }
                    if (Test != WhenTest.OneOf)
                    {
                        return Test == WhenTest.Present;
                    }
                    if (HasValue(value))
                    {
                        return true;
                    }
                }
            }
        }
        return Test == WhenTest.Absent;
    }

    private bool QueryHolds(ReadOnlySpan<byte> query)
    {
        while (RequestFields.NextParameter(ref query, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (!RequestFields.DecodedEquals(name, _name))
            {
                continue;
            }
            if (Test != WhenTest.OneOf)
            {
                return Test == WhenTest.Present;
            }
            foreach (byte[] expected in _values)
            {
                if (RequestFields.DecodedEquals(value, expected))
                {
                    return true;
                }
            }
        }
        return Test == WhenTest.Absent;
    }

    private bool HasValue(ReadOnlySpan<byte> value)
    {
        foreach (byte[] expected in _values)
        {
            if (value.SequenceEqual(expected))
            {
                return true;
            }
        }
        return false;
    }

    private static bool TryParseKey(string key, List<RoutingProblem> problems, out WhenSource source, out string name)
    {
        int colon = key.IndexOf(':', StringComparison.Ordinal);
        string kind = colon < 0 ? key : key[..colon];
        name = colon < 0 ? "" : key[(colon + 1)..];
        source = kind switch { "query" => WhenSource.Query, "cookie" => WhenSource.Cookie, _ => WhenSource.Header };
        if (kind is not ("header" or "query" or "cookie"))
        {
            problems.Add(new RoutingProblem(0, key.Length, $"'{key}' is not a key of when", kind switch
            {
                "host" or "method" or "path" => $"the {kind} stands in match",
                _ => "header:NAME, query:NAME or cookie:NAME",
            }));
            return false;
        }
        if (name.Length is 0 or > RoutingLimits.WhenTextCharsMax)
        {
            problems.Add(new RoutingProblem(0, key.Length, name.Length == 0
                ? $"'{key}' names no {kind}"
                : $"the name is longer than {RoutingLimits.WhenTextCharsMax} characters", $"write {kind}:NAME"));
            return false;
        }
        if (source != WhenSource.Query && !RequestFields.IsToken(name))
        {
            problems.Add(new RoutingProblem(colon + 1, name.Length,
                $"'{name}' is not the name of a {kind}: no request has it"));
            return false;
        }
        return true;
    }

    private static void CheckValue(WhenSource source, string value, int index, List<RoutingProblem> problems)
    {
        string? wrong = null;
        if (value.Length > RoutingLimits.WhenTextCharsMax)
        {
            wrong = $"the value is longer than {RoutingLimits.WhenTextCharsMax} characters";
        }
        else if (source != WhenSource.Query && value.Any(static c => char.IsControl(c) && c != '\t'))
        {
            wrong = "a header or cookie has no control characters, so this value never occurs";
        }
        else if (source != WhenSource.Query && value.Trim([' ', '\t']).Length != value.Length)
        {
            wrong = "spaces around a value are no part of it, so this value never occurs";
        }
        else if (source == WhenSource.Cookie && value.Contains(';', StringComparison.Ordinal))
        {
            wrong = "';' ends a cookie, so this value never occurs";
        }
        if (wrong is not null)
        {
            problems.Add(new RoutingProblem(0, value.Length, wrong, null, index));
        }
    }
}
