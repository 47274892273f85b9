namespace FastGate.Gateway.Routing;

/// <summary>Looks over the places of a built table for what an operator should know: ambiguous routes, patterns that no
/// request can reach, catch-alls of a host. Two patterns can be equally specific for one request only where they end
/// in the same place of the same host, so only those are compared.</summary>
internal sealed class RouteReview<T>(List<RouteFinding<T>> findings)
    where T : class
{
    private readonly int[] _counts = new int[(int)RouteFindingKind.HostCatchAll + 1];

    /// <summary>Negative: a goes before b wherever both match. Zero: equal, and only the order of names is
    /// left.</summary>
    public static int CompareRank(RouteTrie<T>.Entry a, RouteTrie<T>.Entry b)
    {
        int rank = CompareSpecificity(a, b);
        return rank != 0 ? rank : a.Route.Order.CompareTo(b.Route.Order);
    }

    public void Review(RouteTrieBuilder<T>.Tree[] trees)
    {
        foreach (RouteTrieBuilder<T>.Tree tree in trees)
        {
            Stack<RouteTrieBuilder<T>.Place> open = new([tree.Root]);
            while (open.TryPop(out RouteTrieBuilder<T>.Place? place))
            {
                FindAmbiguous(place.Exact);
                FindAmbiguous(place.Rest);
                FindUnreachable(place.Exact, []);
                FindUnreachable(place.Rest, PartsOfRest(place, isRoot: place == tree.Root));
                foreach (RouteTrieBuilder<T>.Place child in place.Literals.Values)
                {
                    open.Push(child);
                }
                if (place.Name is not null)
                {
                    open.Push(place.Name);
                }
            }
        }
        FindHostCatchAlls(trees);
    }

    private static int CompareSpecificity(RouteTrie<T>.Entry a, RouteTrie<T>.Entry b)
    {
        int rank = (a.Methods == 0).CompareTo(b.Methods == 0);
        return rank != 0 ? rank : b.When.Length.CompareTo(a.When.Length);
    }

    private void Add(RouteFinding<T> finding)
    {
        if (_counts[(int)finding.Kind]++ < RoutingLimits.FindingsMax)
        {
            findings.Add(finding);
        }
    }

    private bool IsFull(RouteFindingKind kind) => _counts[(int)kind] >= RoutingLimits.FindingsMax;

    private void FindAmbiguous(List<RouteTrie<T>.Entry> entries)
    {
        for (int start = 0, end; start < entries.Count; start = end)
        {
            end = start + 1;
            while (end < entries.Count && CompareRank(entries[start], entries[end]) == 0)
            {
                end++;
            }
            List<RouteTrie<T>.Entry> equals = entries.GetRange(start, end - start);
            foreach ((RouteTrie<T>.Entry a, RouteTrie<T>.Entry b) in EqualPairs<T>.Of(equals))
            {
                if (IsFull(RouteFindingKind.Ambiguous))
                {
                    return;
                }
                if (a.Route != b.Route && CanShareRequest(a, b))
                {
                    Add(new RouteFinding<T>(RouteFindingKind.Ambiguous, b.Route, b.Pattern, a.Route, a.Pattern,
                        $"routes '{a.Route.Name}' ({a.Pattern.Text}) and '{b.Route.Name}' ({b.Pattern.Text}) " +
                        "match the same requests and are equally specific",
                        "give one of them an order (lower goes first), or a method, host or when to tell them apart"));
                }
            }
        }
    }

    private static bool CanShareRequest(RouteTrie<T>.Entry a, RouteTrie<T>.Entry b) =>
        (a.Listeners & b.Listeners) != 0
        && (a.Methods == 0 || b.Methods == 0 || (a.Methods & b.Methods) != 0)
        && (a.Route.IgnoreCase || b.Route.IgnoreCase || HaveSameLiterals(a.Pattern, b.Pattern))
        && !Exclude(a.When, b.When) && IsSatisfiable(a.When) && IsSatisfiable(b.When);

    /// <summary>Compares the literals that both have; they stand in one place, or one above the other.</summary>
    private static bool HaveSameLiterals(RoutePattern a, RoutePattern b)
    {
        int shared = Math.Min(a.Segments.Length, b.Segments.Length);
        for (int i = 0; i < shared; i++)
        {
            if (a.Segments[i].Kind == SegmentKind.Literal && b.Segments[i].Kind == SegmentKind.Literal
                && !a.Segments[i].Literal.AsSpan().SequenceEqual(b.Segments[i].Literal))
            {
                return false;
            }
        }
        return true;
    }

    private static bool IsSatisfiable(WhenCondition[] when) => !Exclude(when, when);

    private static bool Exclude(WhenCondition[] a, WhenCondition[] b)
    {
        foreach (WhenCondition x in a)
        {
            foreach (WhenCondition y in b)
            {
                if (x.Excludes(y))
                {
                    return true;
                }
            }
        }
        return false;
    }

    /// <summary>The more specific lists that between them take every path a final <c>/*</c> at this place can have: the
    /// place itself, the place with its slash, everything below. Null when there is a part that nothing
    /// takes.</summary>
    private static List<RouteTrie<T>.Entry>[]? PartsOfRest(RouteTrieBuilder<T>.Place place, bool isRoot)
    {
        if (place.Name is null || !place.Literals.TryGetValue("", out RouteTrieBuilder<T>.Place? slash))
        {
            return null;
        }
        // No path is empty: the root is never met without its slash.
        return isRoot ? [slash.Exact, place.Name.Rest] : [place.Exact, slash.Exact, place.Name.Rest];
    }

    /// <param name="entries">The entries of one place, sorted.</param>
    /// <param name="parts">Lists that go before all of them and, taken together, cover the place's paths; empty when
    /// the entries are all there is; null when the lists leave a gap.</param>
    private void FindUnreachable(List<RouteTrie<T>.Entry> entries, List<RouteTrie<T>.Entry>[]? parts)
    {
        int group = 0;
        for (int i = 0; i < entries.Count && !IsFull(RouteFindingKind.NeverMatches); i++)
        {
            RouteTrie<T>.Entry entry = entries[i];
            // An equal before it stands there by its name only: that is the ambiguity's finding.
            group = CompareRank(entries[group], entry) == 0 ? group : i;
            if (!IsSatisfiable(entry.When))
            {
                AddUnreachable(entry, null, "its conditions exclude each other");
                continue;
            }
            if (entry.Pattern.HasEncodedSlash && !entry.Route.EncodedSlash)
            {
                AddUnreachable(entry, null, "an encoded slash is refused unless the route says encoded_slash = true");
                continue;
            }
            RouteTrie<T>.Entry? by = null;
            ulong left = Uncovered(entry.Methods == 0 ? ulong.MaxValue : entry.Methods, entry, entries, group, ref by);
            if (left != 0 && parts is { Length: > 0 })
            {
                ulong gap = 0;
                foreach (List<RouteTrie<T>.Entry> part in parts)
                {
                    gap |= Uncovered(left, entry, part, part.Count, ref by);
                }
                left = gap;
            }
            if (left == 0 && by is not null)
            {
                AddUnreachable(entry, by,
                    $"all it matches goes to more specific routes or those of lower order, as '{by.Route.Name}'");
            }
        }
    }

    /// <summary>The methods of an entry that no entry before it takes whole.</summary>
    private static ulong Uncovered(
        ulong methods, RouteTrie<T>.Entry entry, List<RouteTrie<T>.Entry> before, int count, ref RouteTrie<T>.Entry? by)
    {
        for (int i = 0; i < count && methods != 0; i++)
        {
            RouteTrie<T>.Entry other = before[i];
            ulong taken = other.Methods == 0 ? ulong.MaxValue : other.Methods;
            if ((methods & taken) != 0 && Covers(other, entry))
            {
                methods &= ~taken;
                by = other;
            }
        }
        return methods;
    }

    private static bool Covers(RouteTrie<T>.Entry a, RouteTrie<T>.Entry b) =>
        (b.Listeners & ~a.Listeners) == 0
        && (a.Route.IgnoreCase || (!b.Route.IgnoreCase && HaveSameLiterals(a.Pattern, b.Pattern)))
        && AreImplied(a.When, b.When);

    private static bool AreImplied(WhenCondition[] when, WhenCondition[] by)
    {
        foreach (WhenCondition condition in when)
        {
            if (!Array.Exists(by, condition.IsImpliedBy))
            {
                return false;
            }
        }
        return true;
    }

    private void AddUnreachable(RouteTrie<T>.Entry entry, RouteTrie<T>.Entry? by, string why) =>
        Add(new RouteFinding<T>(RouteFindingKind.NeverMatches, entry.Route, entry.Pattern, by?.Route, by?.Pattern,
            $"route '{entry.Route.Name}' can never match '{entry.Pattern.Text}': {why}", null));

    private void FindHostCatchAlls(RouteTrieBuilder<T>.Tree[] trees)
    {
        List<RouteTrie<T>.Entry> hostless = [];
        Stack<RouteTrieBuilder<T>.Place> open = new(trees.Where(static t => t.Host is null).Select(static t => t.Root));
        while (open.TryPop(out RouteTrieBuilder<T>.Place? place))
        {
            hostless.AddRange(place.Exact);
            // The catch-all of every host is meant for what other hosts leave.
            hostless.AddRange(place.Rest.Where(static e => e.Pattern.Segments.Length > 1));
            foreach (RouteTrieBuilder<T>.Place child in place.Literals.Values)
            {
                open.Push(child);
            }
            if (place.Name is not null)
            {
                open.Push(place.Name);
            }
        }
        foreach (RouteTrieBuilder<T>.Tree tree in trees.Where(static t => t.Host is not null))
        {
            foreach (RouteTrie<T>.Entry all in tree.Root.Rest.Where(static e => e.When.Length == 0))
            {
                if (IsFull(RouteFindingKind.HostCatchAll))
                {
                    return;
                }
                RouteTrie<T>.Entry? hidden = hostless.Find(e => e.Route != all.Route && CanShareRequest(all, e));
                if (hidden is not null)
                {
                    Add(new RouteFinding<T>(
                        RouteFindingKind.HostCatchAll, all.Route, all.Pattern, hidden.Route, hidden.Pattern,
                        $"on {tree.Host!.Text}, '{all.Pattern.Text}' of route '{all.Route.Name}' also takes what " +
                        $"routes without a host match, as '{hidden.Pattern.Text}' of route '{hidden.Route.Name}'",
                        $"a host goes before a path; repeat the route with {tree.Host.Text} if it is meant there too"));
                }
            }
        }
    }
}
