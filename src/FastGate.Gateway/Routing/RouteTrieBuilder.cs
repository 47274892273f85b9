using System.Text;

namespace FastGate.Gateway.Routing;

/// <summary>Compiles routes into a <see cref="RouteTrie{T}"/> and says what is wrong with them together. Runs off the
/// request path; used once.</summary>
internal sealed class RouteTrieBuilder<T>
    where T : class
{
    private readonly List<RouteDefinition<T>> _routes = [];

    /// <summary>A place in a tree of paths while it is built.</summary>
    internal sealed class Place
    {
        public Dictionary<string, Place> Literals { get; } = new(StringComparer.Ordinal);
        public Place? Name { get; set; }
        public List<RouteTrie<T>.Entry> Exact { get; } = [];
        public List<RouteTrie<T>.Entry> Rest { get; } = [];
        public int Index { get; set; }
    }

    /// <summary>The places of one host, or of the routes without one.</summary>
    internal sealed record Tree(HostPattern? Host, Place Root);

    /// <summary>Adds a route. Their order does not matter.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A listener's index is not below the limit.</exception>
    public void Add(RouteDefinition<T> route)
    {
        foreach (int listener in route.Listeners)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(listener);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(listener, RoutingLimits.ListenersMax);
        }
        _routes.Add(route);
    }

    /// <summary>Builds the trie of everything added. It is complete even when there are findings that are errors: what
    /// is ambiguous goes to the lower name.</summary>
    public RouteTrie<T> Build(List<RouteFinding<T>> findings)
    {
        MethodTable methods = new(CustomMethods(findings));
        bool folds = _routes.Exists(static r => r.IgnoreCase);
        Tree hostless = new(null, new Place());
        Dictionary<string, Tree> hosts = new(StringComparer.Ordinal);
        foreach (RouteDefinition<T> route in _routes)
        {
            if (route.Names.Slots.Count > RoutingLimits.NamesMax)
            {
                findings.Add(new RouteFinding<T>(RouteFindingKind.TooManyNames, route, null, null, null,
                    $"the patterns of route '{route.Name}' have more than {RoutingLimits.NamesMax} names together",
                    null));
                continue;
            }
            foreach (RoutePattern pattern in route.Patterns)
            {
                Tree tree = hostless;
                if (pattern.Host is { } host && !hosts.TryGetValue(KeyOf(host), out tree!))
                {
                    tree = new Tree(host, new Place());
                    hosts.Add(KeyOf(host), tree);
                }
                if (EntryOf(route, pattern, methods, folds) is { } entry)
                {
                    PlaceEntry(tree.Root, entry, folds);
                }
            }
        }
        Tree[] trees = [hostless, .. hosts.Values];
        RouteTrie<T> trie = Flatten(trees, folds, methods);
        new RouteReview<T>(findings).Review(trees);
        return trie;
    }

    private static string KeyOf(HostPattern host) => Encoding.ASCII.GetString(host.Key);

    private string[] CustomMethods(List<RouteFinding<T>> findings)
    {
        HashSet<string> custom = new(StringComparer.Ordinal);
        foreach (RouteDefinition<T> route in _routes)
        {
            foreach (RoutePattern pattern in route.Patterns)
            {
                int before = custom.Count;
                foreach (string method in pattern.Methods.Where(static m => !MethodTable.IsKnown(m)))
                {
                    if (custom.Count < RoutingLimits.CustomMethodsMax)
                    {
                        custom.Add(method);
                    }
                    else if (!custom.Contains(method))
                    {
                        findings.Add(new RouteFinding<T>(RouteFindingKind.TooManyMethods, route, pattern, null, null,
                            $"method {method} of route '{route.Name}' is one too many: a configuration names at most " +
                            $"{RoutingLimits.CustomMethodsMax} methods beyond those of HTTP", null));
                        return [.. custom];
                    }
                }
            }
        }
        return [.. custom];
    }

    private static RouteTrie<T>.Entry? EntryOf(
        RouteDefinition<T> route, RoutePattern pattern, MethodTable methods, bool folds)
    {
        ulong bits = methods.BitsOf(pattern.Methods);
        if (bits == 0 && pattern.Methods.Count > 0)
        {
            // Only methods beyond the limit, which is reported; no bits would mean every method.
            return null;
        }
        ulong listeners = route.Listeners.Aggregate(0UL, static (mask, index) => mask | (1UL << index));
        byte[] slots = [.. pattern.Names.Select(name => (byte)route.Names.SlotOf(name))];
        return new RouteTrie<T>.Entry
        {
            Route = route,
            Pattern = pattern,
            Methods = bits,
            Listeners = listeners == 0 ? ulong.MaxValue : listeners,
            When = [.. route.When.Select(condition => condition.For(pattern))],
            Slots = slots.Where(static (slot, i) => slot != i).Any() ? slots : null,
            ChecksCase = folds && !route.IgnoreCase,
        };
    }

    private static void PlaceEntry(Place place, RouteTrie<T>.Entry entry, bool folds)
    {
        foreach (ref readonly PatternSegment segment in entry.Pattern.Segments)
        {
            if (segment.Kind == SegmentKind.Rest)
            {
                place.Rest.Add(entry);
                return;
            }
            if (segment.Kind == SegmentKind.Name)
            {
                place = place.Name ??= new Place();
                continue;
            }
            string key = Encoding.ASCII.GetString(segment.Literal);
            key = folds ? key.ToLowerInvariant() : key;
            if (!place.Literals.TryGetValue(key, out Place? child))
            {
                child = new Place();
                place.Literals.Add(key, child);
            }
            place = child;
        }
        place.Exact.Add(entry);
    }

    private static RouteTrie<T> Flatten(Tree[] trees, bool folds, MethodTable methods)
    {
        // Number 0 is no node, so that 0 can mean none.
        List<Place> places = [new Place()];
        Queue<Place> open = new(trees.Select(static t => t.Root));
        while (open.TryDequeue(out Place? place))
        {
            place.Index = places.Count;
            places.Add(place);
            place.Exact.Sort(Compare);
            place.Rest.Sort(Compare);
            foreach (Place child in place.Literals.Values)
            {
                open.Enqueue(child);
            }
            if (place.Name is not null)
            {
                open.Enqueue(place.Name);
            }
        }
        List<RouteTrie<T>.Entry> entries = [];
        List<(int, byte[], int)> segments = [];
        RouteTrie<T>.Node[] nodes = new RouteTrie<T>.Node[places.Count];
        for (int i = 1; i < places.Count; i++)
        {
            Place place = places[i];
            nodes[i] = new RouteTrie<T>.Node
            {
                HasLiterals = place.Literals.Count > 0,
                NameChild = place.Name?.Index ?? 0,
                ExactStart = entries.Count,
                ExactCount = place.Exact.Count,
                RestStart = entries.Count + place.Exact.Count,
                RestCount = place.Rest.Count,
            };
            entries.AddRange(place.Exact);
            entries.AddRange(place.Rest);
            segments.AddRange(place.Literals.Select(l => (i, Encoding.ASCII.GetBytes(l.Key), l.Value.Index)));
        }
        HostTable hosts = new(
            [.. trees.Where(static t => t.Host is not null).Select(static t => (t.Host!, t.Root.Index))],
            trees[0].Root.Index);
        return new RouteTrie<T>(nodes, [.. entries], new KeyTable(segments, folds), hosts, methods);
    }

    /// <summary>The entries of one place, the most specific first; by name where they are equal, so that the order of
    /// the configuration never decides.</summary>
    private static int Compare(RouteTrie<T>.Entry a, RouteTrie<T>.Entry b)
    {
        int rank = RouteReview<T>.CompareRank(a, b);
        if (rank == 0)
        {
            rank = string.CompareOrdinal(a.Route.Name, b.Route.Name);
        }
        return rank != 0 ? rank : string.CompareOrdinal(a.Pattern.Text, b.Pattern.Text);
    }
}
