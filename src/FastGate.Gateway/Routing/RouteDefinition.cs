namespace FastGate.Gateway.Routing;

/// <summary>What the configuration says of one route, as far as finding it goes.</summary>
/// <param name="name">Its name in findings; ties that no <c>order</c> resolves go to the lower name.</param>
/// <param name="value">What a match answers.</param>
internal sealed class RouteDefinition<T>(string name, T value)
    where T : class
{
    public string Name { get; } = name;
    public T Value { get; } = value;
    public required IReadOnlyList<RoutePattern> Patterns { get; init; }
    /// <summary>All of them must hold.</summary>
    public IReadOnlyList<WhenCondition> When { get; init; } = [];
    /// <summary>Indices from 0 to <see cref="RoutingLimits.ListenersMax"/> - 1; empty for every listener.</summary>
    public IReadOnlyList<int> Listeners { get; init; } = [];
    /// <summary>Lower first, 0 unless said; decides only between routes that are equal otherwise.</summary>
    public int Order { get; init; }
    /// <summary>Literal segments are compared without regard to ASCII case. Captures keep the case sent.</summary>
    public bool IgnoreCase { get; init; }
    /// <summary>Only for the finding that a literal %2F can never match; the refusal itself is the caller's, who knows
    /// <see cref="NormalPath.HasEncodedSlash"/> and the matched route.</summary>
    public bool EncodedSlash { get; init; }
    /// <summary>The names its templates may use and their places in a match.</summary>
    public RouteNames Names => field ??= RouteNames.Of(Patterns);
}

/// <summary>The names of all patterns of a route, each with its slot in <see cref="RouteCaptures"/>. A template may use
/// those that every pattern has; the slot is the same whichever pattern matched.</summary>
internal sealed class RouteNames
{
    private readonly IReadOnlyList<RoutePattern> _patterns;

    private RouteNames(IReadOnlyList<RoutePattern> patterns)
    {
        _patterns = patterns;
        Slots = [.. patterns.SelectMany(static p => p.Names).Distinct()];
    }

    /// <summary>For texts that belong to no pattern.</summary>
    public static RouteNames None { get; } = new([]);

    /// <summary>Names in the order of their slots.</summary>
    public IReadOnlyList<string> Slots { get; }

    public static RouteNames Of(IReadOnlyList<RoutePattern> patterns) => new(patterns);

    /// <summary>-1 for a name that no pattern has.</summary>
    public int SlotOf(string name)
    {
        for (int i = 0; i < Slots.Count; i++)
        {
            if (Slots[i] == name)
            {
                return i;
            }
        }
        return -1;
    }

    /// <summary>Every pattern has the name, or a final <c>/*</c> for <c>rest</c>.</summary>
    public bool IsInEvery(string name) => _patterns.Count > 0
        && _patterns.All(p => name == "rest" ? p.HasRest : p.Names.Contains(name));

    /// <summary>Some pattern has it.</summary>
    public bool IsInSome(string name) => _patterns.Any(p => name == "rest" ? p.HasRest : p.Names.Contains(name));

    /// <summary>The first pattern that lacks the name.</summary>
    public RoutePattern? FirstWithout(string name) =>
        _patterns.FirstOrDefault(p => name == "rest" ? !p.HasRest : !p.Names.Contains(name));
}
