namespace FastGate.Gateway.Routing;

/// <summary>Where a walk over the roots of one host stands.</summary>
internal ref struct HostWalk(ReadOnlySpan<byte> host)
{
    /// <summary>-1: the exact name; then offsets of dots; int.MaxValue: done.</summary>
    internal int At = host.IsEmpty || host.Length > RoutingLimits.HostBytesMax ? HostTable.Hostless : HostTable.Exact;
}

/// <summary>The trees of paths that hold for a host, the most specific first: its own, those of <c>*.</c> suffixes from
/// the longest, the one of routes without a host.</summary>
internal sealed class HostTable
{
    internal const int Exact = -1;
    internal const int Hostless = int.MaxValue - 1;
    private const int Done = int.MaxValue;
    private const int ExactKey = 0;
    private const int WildcardKey = 1;

    private readonly KeyTable _roots;
    private readonly int _hostless;
    // A host has up to 127 dots; only suffixes of lengths that occur are hashed.
    private readonly bool[] _wildcardLengths = new bool[RoutingLimits.HostBytesMax + 2];
    private readonly bool _hasWildcards;

    /// <param name="hosts">Each host with the root of its tree.</param>
    /// <param name="hostless">Root of the routes without a host, 0 for none.</param>
    public HostTable(IReadOnlyCollection<(HostPattern Host, int Root)> hosts, int hostless)
    {
        _hostless = hostless;
        _roots = new KeyTable(
            [.. hosts.Select(static h => (h.Host.IsWildcard ? WildcardKey : ExactKey, h.Host.Key, h.Root))],
            foldsCase: true);
        foreach ((HostPattern host, _) in hosts)
        {
            if (host.IsWildcard)
            {
                _hasWildcards = true;
                _wildcardLengths[host.Key.Length] = true;
            }
        }
    }

    public bool Next(ReadOnlySpan<byte> host, ref HostWalk walk, out int root)
    {
        if (walk.At == Exact)
        {
            walk.At = _hasWildcards ? 0 : Hostless;
            root = _roots.Find(ExactKey, host);
            if (root != 0)
            {
                return true;
            }
        }
        while (walk.At < Hostless)
        {
            // From the second byte on: a name that begins with a dot has no label there.
            int dot = host[(walk.At + 1)..].IndexOf((byte)'.');
            walk.At = dot < 0 ? Hostless : walk.At + 1 + dot;
            if (dot >= 0 && _wildcardLengths[host.Length - walk.At])
            {
                root = _roots.Find(WildcardKey, host[walk.At..]);
                if (root != 0)
                {
                    return true;
                }
            }
        }
        root = walk.At == Hostless ? _hostless : 0;
        walk.At = Done;
        return root != 0;
    }
}
