using System.Text;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Consistent hashing (Karger and others, 1997): every server has points on a ring, as many as its weight
/// says, and a stretch of keys belongs to the server of the next point. Points depend on a server's address alone, so a
/// server that leaves gives its keys away, and no other key moves. The ring of all servers of a group; a server is its
/// index. Immutable.</summary>
internal sealed class HashRing
{
    /// <summary>Points of a server of weight 1: shares come out within some 9 percent of what they should be, and
    /// bounded loads take care of the rest.</summary>
    private const int PointsPerWeight = 128;

    /// <summary>Where many servers have large weights, points per weight are fewer; 8 bytes each.</summary>
    private const int PointsMax = 128 * 1024;

    /// <summary>In order: the place on the ring in the upper half, the server in the lower.</summary>
    private readonly ulong[] _points;

    public HashRing(IReadOnlyList<UpstreamServer> servers)
    {
        double perWeight = Math.Min(PointsPerWeight, (double)PointsMax / servers.Sum(static s => (long)s.Weight));
        var points = new List<ulong>();
        var names = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < servers.Count; i++)
        {
            string name = servers[i].Address.Text;
            int twin = names[name] = names.GetValueOrDefault(name) + 1;
            ulong hash = HashOf(name) + (ulong)twin;
            int count = Math.Max(1, (int)(servers[i].Weight * perWeight));
            for (int point = 0; point < count; point++)
            {
                hash = SplitMix.Mix(hash + 0x9E3779B97F4A7C15);
                points.Add((hash & ~(ulong)uint.MaxValue) | (uint)i);
            }
        }
        points.Sort();
        _points = [.. points];
    }

    /// <summary>Where the points are, and whose, in order.</summary>
    public ReadOnlySpan<ulong> Points => _points;

    /// <summary>Who has which stretch of keys where some servers only are in use.</summary>
    /// <param name="places">By index; -1 for a server whose points are left out. One at least is not.</param>
    public HashSlots SlotsOf(int[] places)
    {
        var points = new ulong[_points.Length];
        int count = 0;
        int owners = 0;
        foreach (ulong point in _points)
        {
            int place = places[(uint)point];
            points[count] = (point & ~(ulong)uint.MaxValue) | (uint)place;
            count += place >= 0 ? 1 : 0;
            owners = Math.Max(owners, place + 1);
        }
        return new HashSlots(points.AsSpan(0, count), owners);
    }

    /// <summary>The same in every process: FNV-1a.</summary>
    private static ulong HashOf(string name)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 1099511628211;
        }
        return hash;
    }
}
