using System.Globalization;
using System.Text;
using FastGate.Http;

namespace FastGate.Gateway.Routing;

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
    private readonly RequestKey _key;
    private readonly byte[] _name;
    private readonly byte[][] _values;
    private readonly UInt128[] _addresses;
    /// <summary>Of a path: which segment of the pattern.</summary>
    private readonly int _segment = -1;

    private WhenCondition(RequestKey key, WhenTest test, IReadOnlyList<string> values, int segment)
    {
        _key = key;
        Test = test;
        Values = values;
        _segment = segment;
        _name = Encoding.UTF8.GetBytes(key.Name);
        _values = [.. values.Select(Encoding.UTF8.GetBytes)];
        _addresses = key.Source == KeySource.Ip
            ? [.. values.Select(value => UInt128.Parse(value, NumberStyles.HexNumber, CultureInfo.InvariantCulture))]
            : [];
        Identity = key.Source switch
        {
            KeySource.Header => $"header:{key.Name.ToUpperInvariant()}",
            KeySource.Path => $"path:{(key.Name == "rest" ? key.Name : segment)}",
            _ => key.ToString(),
        };
    }

    public KeySource Source => _key.Source;
    public string Name => _key.Name;
    public WhenTest Test { get; }
    /// <summary>In the one spelling that is compared; empty unless <see cref="Test"/> is OneOf.</summary>
    public IReadOnlyList<string> Values { get; }

    /// <summary>Equal for conditions that look at the same thing.</summary>
    public string Identity { get; }

    /// <summary><c>"header:X-Beta" = "1"</c>.</summary>
    public static WhenCondition? Parse(string key, string value, List<RoutingProblem> problems) =>
        Parse(key, [value], problems);

    /// <summary><c>"query:v" = ["2", "3"]</c>. A problem with a value carries its index.</summary>
    public static WhenCondition? Parse(string key, IReadOnlyList<string> values, List<RoutingProblem> problems)
    {
        int before = problems.Count;
        bool known = RequestKey.TryParse(key, KeyUse.When, problems, out RequestKey parsed);
        if (values.Count is 0 or > RoutingLimits.WhenValuesMax)
        {
            problems.Add(values.Count == 0
                ? new RoutingProblem(0, key.Length, $"'{key}' has no value, so it can never hold",
                    "true asks for presence, false for absence")
                : new RoutingProblem(0, key.Length, $"'{key}' has more than {RoutingLimits.WhenValuesMax} values"));
        }
        var canonical = new List<string>();
        for (int i = 0; known && i < values.Count; i++)
        {
            if (parsed.Canonical(values[i], i, problems) is { } value)
            {
                canonical.Add(value);
            }
        }
        if (known && parsed.Source == KeySource.Method && canonical.Contains("GET") && !canonical.Contains("HEAD"))
        {
            canonical.Add("HEAD");
        }
        return problems.Count > before ? null : new WhenCondition(parsed, WhenTest.OneOf, canonical, -1);
    }

    /// <summary><c>"cookie:old" = false</c>: true asks for presence, false for absence.</summary>
    public static WhenCondition? Parse(string key, bool present, List<RoutingProblem> problems) =>
        RequestKey.TryParsePresence(key, problems, out RequestKey parsed)
            ? new WhenCondition(parsed, present ? WhenTest.Present : WhenTest.Absent, [], -1)
            : null;

    /// <summary>The same, with the name of a path found in <paramref name="pattern"/>.</summary>
    public WhenCondition For(RoutePattern pattern)
    {
        if (Source != KeySource.Path)
        {
            return this;
        }
        int segment = pattern.Segments.Length - 1;
        while (segment >= 0 && !IsNamed(pattern.Segments[segment]))
        {
            segment--;
        }
        return new WhenCondition(_key, Test, Values, segment);
    }

    /// <summary>Whether the request satisfies this condition of a pattern whose path it matches.</summary>
    public bool Holds(in RouteRequest request) => Source switch
    {
        KeySource.Header => HeaderHolds(request.Head, request.HeadBytes),
        KeySource.Query => QueryHolds(request.Head.Query.Of(request.HeadBytes)),
        KeySource.Cookie => CookieHolds(request.Head, request.HeadBytes),
        KeySource.Ip => request.ClientIp is { } ip
            && Array.IndexOf(_addresses, ip.Network(_key.V4Bits, _key.V6Bits).Value) >= 0,
        KeySource.Path => PathHolds(request.Path),
        KeySource.Host => HostHolds(HostPattern.NameOf(request.Host, stackalloc byte[HostPattern.WrittenBytesMax])),
        _ => HasValue(request.MethodName),
    };

    /// <summary>Both look at the same thing.</summary>
    public bool HasKeyOf(WhenCondition other) => Identity == other.Identity;

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

    public override string ToString() => Test == WhenTest.OneOf
        ? $"{_key} = {string.Join(" | ", Values)}"
        : $"{_key} = {(Test == WhenTest.Present ? "true" : "false")}";

    private bool IsNamed(in PatternSegment segment) => Name == "rest"
        ? segment.Kind == SegmentKind.Rest
        : segment.Kind == SegmentKind.Name && segment.Name == Name;

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
            if (header.Name.Length != _name.Length || !RequestFields.IsSeen(head, header)
                || !Ascii.EqualsIgnoreCase(header.Name.Of(headBytes), _name))
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
            if (!RequestFields.DecodedEquals(name, _name, plusIsSpace: true))
            {
                continue;
            }
            if (Test != WhenTest.OneOf)
            {
                return Test == WhenTest.Present;
            }
            if (HasDecodedValue(value, plusIsSpace: true))
            {
                return true;
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

    private bool PathHolds(ReadOnlySpan<byte> path)
    {
        if (_segment < 0)
        {
            return false;
        }
        ReadOnlySpan<byte> rest = path[1..];
        for (int i = 0; i < _segment; i++)
        {
            int end = rest.IndexOf((byte)'/');
            rest = end < 0 ? default : rest[(end + 1)..];
        }
        int slash = Name == "rest" ? -1 : rest.IndexOf((byte)'/');
        return HasDecodedValue(slash < 0 ? rest : rest[..slash], plusIsSpace: false);
    }

    private bool HostHolds(ReadOnlySpan<byte> name)
    {
        foreach (byte[] expected in _values)
        {
            if (Ascii.EqualsIgnoreCase(name, expected))
            {
                return true;
            }
        }
        return false;
    }

    private bool HasDecodedValue(ReadOnlySpan<byte> value, bool plusIsSpace)
    {
        foreach (byte[] expected in _values)
        {
            if (RequestFields.DecodedEquals(value, expected, plusIsSpace))
            {
                return true;
            }
        }
        return false;
    }
}
