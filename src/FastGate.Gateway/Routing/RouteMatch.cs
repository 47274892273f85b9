using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using FastGate.Http;

namespace FastGate.Gateway.Routing;

/// <summary>What of a request decides its route.</summary>
internal readonly ref struct RouteRequest
{
    /// <summary>Index of the listener it came by.</summary>
    public required int Listener { get; init; }
    /// <summary>Its authority, port and trailing dot included as sent; empty when it has none.</summary>
    public required ReadOnlySpan<byte> Host { get; init; }
    /// <summary>The normal path, see <see cref="NormalPath.Of"/>; captures are slices of it.</summary>
    public required ReadOnlySpan<byte> Path { get; init; }
    public required Method Method { get; init; }
    /// <summary>The method as sent; read only when <see cref="Method"/> is Other.</summary>
    public required ReadOnlySpan<byte> MethodName { get; init; }
    /// <summary>The client's address, for <c>when</c>; null for one without, as behind a Unix socket.</summary>
    public IpNumber? ClientIp { get; init; }
    /// <summary>Head and its bytes, for <c>when</c>.</summary>
    public required RequestHead Head { get; init; }
    public required ReadOnlySpan<byte> HeadBytes { get; init; }
}

internal enum MatchOutcome : byte
{
    /// <summary>404: no route has this path (on this listener and host, with these conditions).</summary>
    NotFound = 0,
    Found,
    /// <summary>405: routes would match if only the method were another; <see cref="RouteMatch{T}.Allow"/> has
    /// those.</summary>
    MethodNotAllowed,
}

[InlineArray(RoutingLimits.NamesMax)]
internal struct CaptureSlots
{
    private Slice _first;
}

/// <summary>The values of a pattern's <c>{name}</c>s and <c>{rest}</c>, as slices of the path that was
/// matched.</summary>
internal struct RouteCaptures
{
    internal CaptureSlots Slots;

    /// <summary>By slot of <see cref="RouteNames"/>; empty for a name that the matched pattern does not have.</summary>
    public readonly Slice this[int slot] => Slots[slot];

    /// <summary>What a final <c>/*</c> matched behind its slash; empty also where there is none.</summary>
    public Slice Rest { get; internal set; }
}

/// <summary>The answer of a <see cref="RouteTrie{T}"/>.</summary>
internal struct RouteMatch<T>
    where T : class
{
    [MemberNotNullWhen(true, nameof(Value), nameof(Pattern))]
    public readonly bool IsFound => Value is not null;
    public T? Value { get; internal set; }
    /// <summary>The entry of <c>match</c> that matched.</summary>
    public RoutePattern? Pattern { get; internal set; }
    public RouteCaptures Captures;
    /// <summary>Empty unless the outcome is <see cref="MatchOutcome.MethodNotAllowed"/>.</summary>
    public MethodSet Allow { get; internal set; }
}
