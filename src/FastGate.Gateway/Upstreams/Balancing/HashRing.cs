using System.Numerics;
using System.Text;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Consistent hashing (Karger and others, 1997): every server has points on a ring, as many as its weight
/// says, and a key belongs to the server of the next point. Points depend on a server's address alone, so a server that
/// leaves gives its keys away, and no other key moves. A point is found by the first bits of the key, which say where
/// on the ring to begin; then one step on average. Immutable.</summary>
internal sealed class HashRing
{
    /// <summary>Points of a server of weight 1: shares come out within some 9 percent of what they should be, and
    /// bounded loads take care of the rest.</summary>
    private const int PointsPerWeight = 128;

    /// <summary>Where many servers have large weights, points per weight are fewer; 8 bytes each.</summary>
    private const int PointsMax = 128 * 1024;

    /// <summary>The place on the ring in the upper half, the server in the lower.</summary>
    private readonly ulong[] _points;
    private readonly int[] _first;
    private readonly int _shift;

    /// <summary>The ring of all servers of a group; a server is its index.</summary>
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
        _points = [.. points.Order()];
        (_first, _shift) = Index(_points);
    }

    private HashRing(ulong[] points)
    {
        _points = points;
        (_first, _shift) = Index(points);
    }

    /// <summary>Points of the ring.</summary>
    public int Length => _points.Length;

    /// <summary>The same ring with the points of some servers only, and their places in a set instead of their
    /// indices.</summary>
    /// <param name="places">By index; -1 for a server whose points are left out.</param>
    public HashRing Only(int[] places)
    {
        var points = new ulong[_points.Length];
        int count = 0;
        foreach (ulong point in _points)
        {
            int place = places[(uint)point];
            points[count] = (point & ~(ulong)uint.MaxValue) | (uint)place;
            count += place >= 0 ? 1 : 0;
        }
        return new HashRing(points[..count]);
    }

    /// <summary>The first point that is not before <paramref name="key"/>.</summary>
    public int Find(ulong key)
    {
        uint at = (uint)(key >> 32);
        int point = _first[at >> _shift];
        while (point < _points.Length && PositionOf(point) < at)
        {
            point++;
        }
        return point == _points.Length ? 0 : point;
    }

    /// <summary>Where on the ring it is.</summary>
    public uint PositionOf(int point) => (uint)(_points[point] >> 32);

    /// <summary>Whose point it is.</summary>
    public int this[int point] => (int)(uint)_points[point];

    public int Next(int point) => point + 1 == _points.Length ? 0 : point + 1;

    /// <summary>For every value of the first bits the first point that is not before it.</summary>
    private static (int[] First, int Shift) Index(ulong[] points)
    {
        int bits = Math.Max(1, BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)points.Length)));
        int shift = 32 - bits;
        var first = new int[1 << bits];
        int point = 0;
        for (uint i = 0; i < (uint)first.Length; i++)
        {
            while (point < points.Length && (uint)(points[point] >> 32) >> shift < i)
            {
                point++;
            }
            first[i] = point;
        }
        return (first, shift);
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
