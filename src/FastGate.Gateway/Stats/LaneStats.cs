using System.Runtime.CompilerServices;

namespace FastGate.Gateway.Stats;

/// <summary>Counters of one lane: written by its thread alone, with plain adds; read by anyone, each number whole but
/// not all of the same instant.</summary>
internal sealed class LaneStats
{
    /// <summary>Statuses 100 to 999, each its own counter.</summary>
    public const int StatusMin = 100;
    public const int StatusMax = 999;

    /// <summary>The place of requests that no route took: heads that could not be read, 404, 405 and what was refused
    /// before. Routes count from 1.</summary>
    public const int NoRoute = 0;

    private const int BytesIn = 0;
    private const int BytesOut = 1;
    private const int FirstReason = 2;
    private const int FirstStatus = FirstReason + ReasonWords.Count;
    private const int Count = FirstStatus + StatusMax - StatusMin + 1;

    // Of one route: what every request touches lies together.
    private const int RouteInFlight = 0;
    private const int RouteBytesIn = 1;
    private const int RouteBytesOut = 2;
    private const int RouteFirstStatus = 3;
    private const int RouteFirstReason = RouteFirstStatus + CommonStatuses.Count - 1;
    private const int RouteCount = (RouteFirstReason + ReasonWords.Count + 7) / 8 * 8;

    // Of one listener.
    private const int Accepted = 0;
    private const int Open = 1;
    private const int ListenerCount = 2;

    // Two cache lines before and after, so that no other lane's counters share one (neighbours are fetched in pairs).
    private const int Padding = 16;
    private readonly long[] _counters = new long[Padding + Count + Padding];
    private readonly long[] _routes;
    private readonly long[] _listeners;
    private readonly RareStatuses?[] _rare;

    /// <param name="routes">Their ids are 1 to this.</param>
    /// <param name="listeners">Their ids are 0 to this, less one.</param>
    public LaneStats(int routes, int listeners)
    {
        // Pages of routes that never had a request are never touched, and cost nothing.
        _routes = new long[Padding + ((routes + 1) * RouteCount) + Padding];
        _rare = new RareStatuses?[routes + 1];
        _listeners = new long[Padding + (listeners * ListenerCount) + Padding];
    }

    public RequestRate Rate { get; } = new();

    /// <summary>A client's connection came to live on this lane, where it also ends.</summary>
    public void ClientOpened(int listener)
    {
        int at = ListenerAt(listener);
        Add(ref _listeners[at + Accepted], 1);
        Add(ref _listeners[at + Open], 1);
    }

    public void ClientClosed(int listener) => Add(ref _listeners[ListenerAt(listener) + Open], -1);

    /// <summary>A route was found for a request; <see cref="Finished"/> follows.</summary>
    public void Began(int route) => Add(ref _routes[PlaceOf(route) + RouteInFlight], 1);

    /// <summary>An exchange is over.</summary>
    /// <param name="route">For which it began, or <see cref="NoRoute"/>.</param>
    /// <param name="status">As sent to the client, or 499.</param>
    /// <param name="reason">Why it went wrong, or None.</param>
    /// <param name="bytesIn">Bytes of the request's body.</param>
    /// <param name="bytesOut">Bytes of the response's body.</param>
    /// <param name="now">The lane's milliseconds.</param>
    public void Finished(int route, int status, Reason reason, long bytesIn, long bytesOut, long now)
    {
        Rate.Count(now);
        status = Math.Clamp(status, StatusMin, StatusMax);
        Add(ref _counters[Padding + BytesIn], bytesIn);
        Add(ref _counters[Padding + BytesOut], bytesOut);
        Add(ref _counters[Padding + FirstStatus + status - StatusMin], 1);
        int place = PlaceOf(route);
        Add(ref _routes[place + RouteBytesIn], bytesIn);
        Add(ref _routes[place + RouteBytesOut], bytesOut);
        int common = CommonStatuses.PlaceOf(status);
        if (common >= 0)
        {
            Add(ref _routes[place + RouteFirstStatus + common], 1);
        }
        else
        {
            CountRare(route, status);
        }
        if (reason != Reason.None)
        {
            Add(ref _counters[Padding + FirstReason + (int)reason], 1);
            Add(ref _routes[place + RouteFirstReason + (int)reason], 1);
        }
        if (route != NoRoute)
        {
            Add(ref _routes[place + RouteInFlight], -1);
        }
    }

    /// <summary>Adds this lane's numbers. Any thread.</summary>
    internal void AddTo(StatsTotals totals)
    {
        for (int at = Padding; at < _listeners.Length - Padding; at += ListenerCount)
        {
            // In this order: never more open than accepted.
            totals.ClientsOpen += Volatile.Read(ref _listeners[at + Open]);
            totals.ClientsAccepted += Volatile.Read(ref _listeners[at + Accepted]);
        }
        totals.BytesIn += Read(BytesIn);
        totals.BytesOut += Read(BytesOut);
        for (int i = 1; i < ReasonWords.Count; i++)
        {
            totals.ByReason[i] += Read(FirstReason + i);
        }
        for (int i = StatusMin; i <= StatusMax; i++)
        {
            long count = Read(FirstStatus + i - StatusMin);
            if (count > 0)
            {
                totals.AddStatus(i, count);
            }
        }
    }

    /// <summary>Adds the numbers of a route, or of <see cref="NoRoute"/>. Any thread.</summary>
    internal void AddRouteTo(int route, RequestTotals totals)
    {
        ReadOnlySpan<long> counters = _routes.AsSpan(PlaceOf(route), RouteCount);
        totals.InFlight += Volatile.Read(in counters[RouteInFlight]);
        totals.BytesIn += Volatile.Read(in counters[RouteBytesIn]);
        totals.BytesOut += Volatile.Read(in counters[RouteBytesOut]);
        for (int i = 0; i < CommonStatuses.Count; i++)
        {
            long count = Volatile.Read(in counters[RouteFirstStatus + i]);
            if (count > 0)
            {
                totals.AddStatus(CommonStatuses.All[i], count);
            }
        }
        for (int i = 1; i < ReasonWords.Count; i++)
        {
            totals.ByReason[i] += Volatile.Read(in counters[RouteFirstReason + i]);
        }
        Volatile.Read(ref _rare[route])?.AddTo(totals);
    }

    /// <summary>Open connections of clients that came through a listener. Any thread.</summary>
    internal long OpenOf(int listener) => Volatile.Read(ref _listeners[ListenerAt(listener) + Open]);

    private void CountRare(int route, int status)
    {
        if (_rare[route] is not { } rare)
        {
            rare = new RareStatuses();
            Volatile.Write(ref _rare[route], rare);
        }
        rare.Count(status);
    }

    private static int ListenerAt(int listener) => Padding + (listener * ListenerCount);

    private static int PlaceOf(int route) => Padding + (route * RouteCount);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(ref long value, long amount) => Volatile.Write(ref value, value + amount);

    private long Read(int counter) => Volatile.Read(ref _counters[Padding + counter]);
}
