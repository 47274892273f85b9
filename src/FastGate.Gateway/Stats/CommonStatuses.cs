namespace FastGate.Gateway.Stats;

/// <summary>The statuses that every route counts in a place of its own, without searching. The others are
/// <see cref="RareStatuses"/>: nine hundred counters a route would be megabytes for thousands of routes.</summary>
internal static class CommonStatuses
{
    public const int Count = 32;

    /// <summary>Not a common one.</summary>
    public const int None = -1;

    private static readonly sbyte[] s_places = Build();

    /// <summary>By their place.</summary>
    public static ReadOnlySpan<ushort> All =>
    [
        200, 204, 304, 404, 101, 201, 202, 206, 301, 302, 303, 307, 308, 400, 401, 403,
        405, 408, 409, 410, 412, 413, 415, 416, 422, 429, 499, 500, 501, 502, 503, 504,
    ];

    /// <summary>0 to <see cref="Count"/> - 1, or <see cref="None"/>.</summary>
    public static int PlaceOf(int status)
    {
        sbyte[] places = s_places;
        return (uint)status < (uint)places.Length ? places[status] : None;
    }

    private static sbyte[] Build()
    {
        sbyte[] places = new sbyte[512];
        Array.Fill(places, (sbyte)None);
        for (int i = 0; i < All.Length; i++)
        {
            places[All[i]] = (sbyte)i;
        }
        return places;
    }
}
