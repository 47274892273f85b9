namespace FastGate.Gateway.Routing;

/// <summary>The pairs among equally specific entries of one place that may share a request. Thousands of routes told
/// apart by the value of one header are a usual table, and comparing each with each is not: where one key of
/// <c>when</c> sorts them into buckets, only those of a bucket meet. Leaves the exact test to <see
/// cref="RouteReview{T}"/>.</summary>
internal static class EqualPairs<T>
    where T : class
{
    private const int SmallCount = 16;

    public static IEnumerable<(RouteTrie<T>.Entry First,
        RouteTrie<T>.Entry Second)> Of(List<RouteTrie<T>.Entry> entries)
    {
        WhenCondition? key = entries.Count <= SmallCount ? null : CommonKey(entries);
        if (key is null)
        {
            for (int i = 0; i < entries.Count; i++)
            {
                for (int j = i + 1; j < entries.Count; j++)
                {
                    yield return (entries[i], entries[j]);
                }
            }
            yield break;
        }
        // By value of the key; entries that do not ask for values of it meet everyone before them.
        Dictionary<string, List<int>> buckets = new(StringComparer.Ordinal);
        List<int> open = [];
        SortedSet<int> met = [];
        for (int i = 0; i < entries.Count; i++)
        {
            WhenCondition? own = Array.Find(entries[i].When, c => c.Test == WhenTest.OneOf && c.HasKeyOf(key));
            met.Clear();
            met.UnionWith(own is null ? Enumerable.Range(0, i) : open);
            foreach (string value in own?.Values ?? [])
            {
                if (!buckets.TryGetValue(value, out List<int>? bucket))
                {
                    buckets.Add(value, bucket = []);
                }
                met.UnionWith(bucket);
                if (bucket.Count == 0 || bucket[^1] != i)
                {
                    bucket.Add(i);
                }
            }
            if (own is null)
            {
                open.Add(i);
            }
            met.Remove(i);
            foreach (int other in met)
            {
                yield return (entries[other], entries[i]);
            }
        }
    }

    /// <summary>A condition on values whose key most of the entries have, null when none has any.</summary>
    private static WhenCondition? CommonKey(List<RouteTrie<T>.Entry> entries) => entries
        .SelectMany(static e => e.When)
        .Where(static c => c.Test == WhenTest.OneOf)
        .GroupBy(static c => c.Identity)
        .MaxBy(static g => g.Count())?.First();
}
