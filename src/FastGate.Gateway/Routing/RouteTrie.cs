using System.Text;

namespace FastGate.Gateway.Routing;

/// <summary>Finds the route of a request: host, then segment by segment, then what the routes of one place differ in.
/// Built once by <see cref="RouteTrieBuilder{T}"/>, immutable, read by every lane without a lock; a match allocates
/// nothing. Its cost grows with the request's segments and the routes of one place, not with the table.</summary>
internal sealed class RouteTrie<T>
    where T : class
{
    private readonly Node[] _nodes;
    private readonly Entry[] _entries;
    private readonly KeyTable _segments;
    private readonly HostTable _hosts;
    private readonly MethodTable _methods;

    /// <summary>One place in the tree of paths. Children by literal are in the table of segments.</summary>
    internal struct Node
    {
        public bool HasLiterals;
        /// <summary>The child for <c>{name}</c>, 0 for none.</summary>
        public int NameChild;
        /// <summary>Entries whose pattern ends here, the most specific first.</summary>
        public int ExactStart;
        public int ExactCount;
        /// <summary>Entries whose pattern goes on here with a final <c>/*</c>.</summary>
        public int RestStart;
        public int RestCount;
    }

    /// <summary>One pattern of one route.</summary>
    internal sealed class Entry
    {
        public required RouteDefinition<T> Route { get; init; }
        public required RoutePattern Pattern { get; init; }
        /// <summary>0 for every method.</summary>
        public required ulong Methods { get; init; }
        public required ulong Listeners { get; init; }
        public required WhenCondition[] When { get; init; }
        /// <summary>Slot of each name of the pattern; null when they are 0, 1, 2 ...</summary>
        public required byte[]? Slots { get; init; }
        /// <summary>The trie folds case for others; this entry compares its literals exactly.</summary>
        public required bool ChecksCase { get; init; }
    }

    private ref struct Walk
    {
        public RouteRequest Request;
        public ulong Method;
        public ulong Listener;
        /// <summary>An entry failed by its method: whether that means 405 is a second walk's question.</summary>
        public bool MissedMethod;
        public ulong Allow;
        public ref RouteCaptures Captures;
    }

    internal RouteTrie(Node[] nodes, Entry[] entries, KeyTable segments, HostTable hosts, MethodTable methods)
    {
        _nodes = nodes;
        _entries = entries;
        _segments = segments;
        _hosts = hosts;
        _methods = methods;
    }

    /// <summary>Finds the most specific route that matches.</summary>
    public MatchOutcome Match(scoped in RouteRequest request, out RouteMatch<T> match)
    {
        match = default;
        Walk walk = new()
        {
            Request = request,
            Method = _methods.BitOf(request.Method, request.MethodName),
            Listener = 1UL << request.Listener,
            Captures = ref match.Captures,
        };
        ReadOnlySpan<byte> host = HostPattern.NameOf(request.Host, stackalloc byte[HostPattern.WrittenBytesMax]);
        HostWalk roots = new(host);
        while (_hosts.Next(host, ref roots, out int root))
        {
            int found = Find(ref walk, root, 1, 0);
            if (found >= 0)
            {
                Entry entry = _entries[found];
                match.Value = entry.Route.Value;
                match.Pattern = entry.Pattern;
                PlaceCaptures(entry, ref match.Captures);
                return MatchOutcome.Found;
            }
        }
        match.Captures = default;
        if (!walk.MissedMethod)
        {
            return MatchOutcome.NotFound;
        }
        roots = new HostWalk(host);
        while (_hosts.Next(host, ref roots, out int root))
        {
            Collect(ref walk, root, 1);
        }
        if (walk.Allow == 0)
        {
            return MatchOutcome.NotFound;
        }
        match.Allow = new MethodSet(_methods, walk.Allow);
        return MatchOutcome.MethodNotAllowed;
    }

    /// <summary>Index of the best entry at or below a node for the path from <paramref name="offset"/>, where a segment
    /// begins; an offset beyond the path means that it has ended. Depth-first in order of specificity, so the first
    /// found is the best. Each node is visited at most once for one path.</summary>
    private int Find(ref Walk walk, int node, int offset, int names)
    {
        ref readonly Node here = ref _nodes[node];
        ReadOnlySpan<byte> path = walk.Request.Path;
        int found = -1;
        if (offset > path.Length)
        {
            found = Choose(ref walk, here.ExactStart, here.ExactCount);
            if (found < 0 && here.RestCount > 0)
            {
                found = ChooseRest(ref walk, in here, path.Length);
            }
            return found;
        }
        int length = path[offset..].IndexOf((byte)'/');
        if (length < 0)
        {
            length = path.Length - offset;
        }
        if (here.HasLiterals)
        {
            int child = _segments.Find(node, path.Slice(offset, length));
            if (child != 0)
            {
                found = Find(ref walk, child, offset + length + 1, names);
            }
        }
        if (found < 0 && here.NameChild != 0 && length > 0)
        {
            found = Find(ref walk, here.NameChild, offset + length + 1, names + 1);
            if (found >= 0)
            {
                walk.Captures.Slots[names] = new(offset, length);
            }
        }
        if (found < 0 && here.RestCount > 0)
        {
            found = ChooseRest(ref walk, in here, offset);
        }
        return found;
    }

    private int ChooseRest(ref Walk walk, in Node here, int offset)
    {
        int found = Choose(ref walk, here.RestStart, here.RestCount);
        if (found >= 0)
        {
            walk.Captures.Rest = new(offset, walk.Request.Path.Length - offset);
        }
        return found;
    }

    private int Choose(ref Walk walk, int start, int count)
    {
        for (int i = start; i < start + count; i++)
        {
            Entry entry = _entries[i];
            if ((entry.Listeners & walk.Listener) == 0)
            {
                continue;
            }
            if (entry.Methods != 0 && (entry.Methods & walk.Method) == 0)
            {
                walk.MissedMethod = true;
                continue;
            }
            if ((!entry.ChecksCase || HasCase(entry.Pattern, walk.Request.Path)) && Hold(entry.When, in walk.Request))
            {
                return i;
            }
        }
        return -1;
    }

    private void Collect(ref Walk walk, int node, int offset)
    {
        ref readonly Node here = ref _nodes[node];
        ReadOnlySpan<byte> path = walk.Request.Path;
        CollectFrom(ref walk, here.RestStart, here.RestCount);
        if (offset > path.Length)
        {
            CollectFrom(ref walk, here.ExactStart, here.ExactCount);
            return;
        }
        int length = path[offset..].IndexOf((byte)'/');
        if (length < 0)
        {
            length = path.Length - offset;
        }
        int child = here.HasLiterals ? _segments.Find(node, path.Slice(offset, length)) : 0;
        if (child != 0)
        {
            Collect(ref walk, child, offset + length + 1);
        }
        if (here.NameChild != 0 && length > 0)
        {
            Collect(ref walk, here.NameChild, offset + length + 1);
        }
    }

    private void CollectFrom(ref Walk walk, int start, int count)
    {
        for (int i = start; i < start + count; i++)
        {
            Entry entry = _entries[i];
            // Entries that take this method failed by a condition, or there would be no 405 to write.
            if ((entry.Listeners & walk.Listener) != 0 && entry.Methods != 0 && (entry.Methods & walk.Method) == 0
                && (!entry.ChecksCase || HasCase(entry.Pattern, walk.Request.Path))
                && Hold(entry.When, in walk.Request))
            {
                walk.Allow |= entry.Methods;
            }
        }
    }

    private static bool Hold(WhenCondition[] when, in RouteRequest request)
    {
        foreach (WhenCondition condition in when)
        {
            if (!condition.Holds(in request))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>The path matched this pattern without regard to case; whether its literals match exactly.</summary>
    private static bool HasCase(RoutePattern pattern, ReadOnlySpan<byte> path)
    {
        int offset = 1;
        foreach (ref readonly PatternSegment segment in pattern.Segments)
        {
            if (segment.Kind == SegmentKind.Rest)
            {
                break;
            }
            if (segment.Kind == SegmentKind.Literal)
            {
                if (!path.Slice(offset, segment.Literal.Length).SequenceEqual(segment.Literal))
                {
                    return false;
                }
                offset += segment.Literal.Length + 1;
            }
            else
            {
                offset += path[offset..].IndexOf((byte)'/') + 1;
            }
        }
        return true;
    }

    private static void PlaceCaptures(Entry entry, ref RouteCaptures captures)
    {
        if (entry.Slots is not { } slots)
        {
            return;
        }
        CaptureSlots found = captures.Slots;
        captures.Slots = default;
        for (int i = 0; i < slots.Length; i++)
        {
            captures.Slots[slots[i]] = found[i];
        }
    }
}
