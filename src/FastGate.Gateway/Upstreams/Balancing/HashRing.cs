using System.Numerics;
using System.Runtime.Intrinsics;
using System.Text;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Consistent hashing (Karger and others, 1997): every server has points on a ring, as many as its weight
/// says, and a key belongs to the server of the next point. Points depend on a server's address alone, so a server that
/// leaves gives its keys away, and no other key moves. A point is found by the first bits of the key, which say where
/// on the ring to begin; there are one or two points to pass. Immutable.</summary>
internal sealed class HashRing
{
    /// <summary>Points of a server of weight 1: shares come out within some 9 percent of what they should be, and
    /// bounded loads take care of the rest.</summary>
    private const int PointsPerWeight = 128;

    /// <summary>Where many servers have large weights, points per weight are fewer; 8 bytes each.</summary>
    private const int PointsMax = 128 * 1024;

    /// <summary>The place on the ring in the upper half, the server in the lower. Behind them four that are after any
    /// key.</summary>
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
        points.Sort();
        (_points, _first, _shift) = Index([.. points]);
    }

    private HashRing(ReadOnlySpan<ulong> points) => (_points, _first, _shift) = Index(points);

    /// <summary>Points of the ring.</summary>
    public int Length => _points.Length - Vector256<ulong>.Count;

    /// <summary>The same ring with the points of some servers only, and their places in a set instead of their
    /// indices.</summary>
    /// <param name="places">By index; -1 for a server whose points are left out.</param>
    public HashRing Only(int[] places)
    {
        var points = new ulong[Length];
        int count = 0;
        foreach (ulong point in _points.AsSpan(0, Length))
        {
            int place = places[(uint)point];
            points[count] = (point & ~(ulong)uint.MaxValue) | (uint)place;
            count += place >= 0 ? 1 : 0;
        }
        return new HashRing(points.AsSpan(0, count));
    }

    /// <summary>The first point that is not before <paramref name="key"/>.</summary>
    public int Find(ulong key)
    {
        int point = _first[(uint)(key >> 32) >> _shift];
        var at = Vector256.Create(key & ~(ulong)uint.MaxValue);
        int passed;
        do
        {
            // Four at once, for how many must be passed cannot be foreseen, and seldom are there more.
            Vector256<ulong> points = Vector256.Create(_points.AsSpan(point, Vector256<ulong>.Count));
            passed = BitOperations.PopCount(Vector256.LessThan(points, at).ExtractMostSignificantBits());
            point += passed;
        }
        while (passed == Vector256<ulong>.Count);
        return point == Length ? 0 : point;
    }

    /// <summary>Where on the ring it is.</summary>
    public uint PositionOf(int point) => (uint)(_points[point] >> 32);

    /// <summary>Whose point it is.</summary>
    public int this[int point] => (int)(uint)_points[point];

    public int Next(int point) => point + 1 == Length ? 0 : point + 1;

    /// <summary>For every value of the first bits the first point that is not before it.</summary>
    private static (ulong[] Points, int[] First, int Shift) Index(ReadOnlySpan<ulong> points)
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
        return ([.. points, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue], first, shift);
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
