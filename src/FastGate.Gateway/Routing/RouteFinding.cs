namespace FastGate.Gateway.Routing;

internal enum RouteFindingKind : byte
{
    /// <summary>Error: one request can match both routes, and neither specificity nor order chooses.</summary>
    Ambiguous = 0,
    /// <summary>Error: more custom methods than <see cref="RoutingLimits.CustomMethodsMax"/>.</summary>
    TooManyMethods,
    /// <summary>Error: the patterns of one route have more than <see cref="RoutingLimits.NamesMax"/> names.</summary>
    TooManyNames,
    /// <summary>Warning: no request can come to this pattern.</summary>
    NeverMatches,
    /// <summary>Warning: on its host, this pattern takes what routes without a host would match.</summary>
    HostCatchAll,
}

/// <summary>Something to say about a table of routes as a whole.</summary>
/// <param name="Route">The route to point at.</param>
/// <param name="Pattern">Which of its patterns; null when the route as a whole is meant.</param>
/// <param name="Other">The other route where there are two sides.</param>
/// <param name="Message">A sentence with both names.</param>
internal sealed record RouteFinding<T>(
    RouteFindingKind Kind,
    RouteDefinition<T> Route,
    RoutePattern? Pattern,
    RouteDefinition<T>? Other,
    RoutePattern? OtherPattern,
    string Message,
    string? Hint)
    where T : class
{
    public bool IsError => Kind < RouteFindingKind.NeverMatches;
}
