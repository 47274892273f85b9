namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>A ring as a table: for each 65,536th part of all keys the server of the next point, so that a key's server
/// is one read, and of 128 KiB, which a core's own cache holds. There are as many slots whatever the group, for with
/// another number of them keys would move between servers that stay. Immutable.</summary>
internal sealed class HashSlots
{
    private const int Bits = 16;

    /// <summary>By the first bits of a key. Of more than 65,536 servers the later ones have no keys.</summary>
    private readonly ushort[] _owners = new ushort[1 << Bits];

    /// <param name="points">In order: the place on the ring in the upper half, whose it is in the lower.</param>
    public HashSlots(ReadOnlySpan<ulong> points)
    {
        int next = 0;
        for (int slot = 0; slot < _owners.Length; slot++)
        {
            while (next < points.Length && points[next] >> (64 - Bits) < (ulong)slot)
            {
                next++;
            }
            _owners[slot] = (ushort)points[next == points.Length ? 0 : next];
        }
        GiveEachOne(points);
    }

    /// <summary>Of points that share a slot only the first is found: among thousands of servers some would have no keys
    /// at all. Such a one gets the slot of its first point whose owner has others.</summary>
    private void GiveEachOne(ReadOnlySpan<ulong> points)
    {
        int[] owned = new int[1 << Bits];
        foreach (ushort owner in _owners)
        {
            owned[owner]++;
        }
        foreach (ulong point in points)
        {
            ref ushort owner = ref _owners[point >> (64 - Bits)];
            if (owned[(ushort)point] == 0 && owned[owner] > 1)
            {
                owned[owner]--;
                owner = (ushort)point;
                owned[owner] = 1;
            }
        }
    }

    /// <summary>Whose the key is.</summary>
    public int this[ulong key] => _owners[key >> (64 - Bits)];

    /// <summary>The key by which to look for another server: all keys of one server go on to many others, and where
    /// they go depends on nothing but themselves (a step of a linear congruential generator, of which the first bits
    /// are the good ones).</summary>
    public static ulong After(ulong key) => (key * 0xD1342543DE82EF95) + 0x9E3779B97F4A7C15;
}
