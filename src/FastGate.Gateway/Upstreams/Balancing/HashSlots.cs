using System.Numerics;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>A ring as a table: for each 65,536th part of all keys, a slot, the server of the next point. There are as
/// many slots whatever the group, for with another number of them keys would move between servers that stay. A small
/// group keeps the runs of slots that have one owner, for it has few, and a larger one every slot's owner in 128 KiB,
/// which a core's own cache holds, so that a key's server is one read. Immutable.</summary>
internal sealed class HashSlots
{
    /// <summary>Some thirty servers of weight 1. What is kept is a quarter of a whole table or less.</summary>
    internal const int RunPointsMax = 4_096;

    /// <summary>Who has as many of so few points is not hidden by those of others.</summary>
    private const int OwnPointsMin = 8;

    private const int Bits = 16;

    /// <summary>By the first bits of a key. Every slot's owner; or in a small group the first run that ends within
    /// these slots or behind them.</summary>
    private readonly ushort[] _first;

    /// <summary>From a slot to its place in <see cref="_first"/>.</summary>
    private readonly int _shift;

    /// <summary>Null in a larger group.</summary>
    private readonly Run[]? _runs;

    /// <param name="points">In order: the place on the ring in the upper half, whose it is in the lower.</param>
    /// <param name="owners">One more than the last of those. Of more than 65,536 the later ones have no keys.</param>
    public HashSlots(ReadOnlySpan<ulong> points, int owners)
    {
        if (points.Length <= RunPointsMax && NobodyIsHidden(points, owners))
        {
            _runs = RunsOf(points);
            _shift = Bits - BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)_runs.Length * 2));
            _first = FirstOf(_runs, _shift);
            return;
        }
        _first = new ushort[1 << Bits];
        int next = 0;
        for (int slot = 0; slot < _first.Length; slot++)
        {
            while (next < points.Length && SlotOf(points[next]) < slot)
            {
                next++;
            }
            _first[slot] = (ushort)points[next == points.Length ? 0 : next];
        }
        GiveEachOne(points, owners);
    }

    /// <summary>Whose the key is.</summary>
    public int this[ulong key]
    {
        get
        {
            int slot = SlotOf(key);
            int first = _first[slot >> _shift];
            return _runs is null ? first : OwnerOf(_runs, first, slot);
        }
    }

    /// <summary>The key by which to look for another server: all keys of one server go on to many others, and where
    /// they go depends on nothing but themselves (a step of a linear congruential generator, of which the first bits
    /// are the good ones).</summary>
    public static ulong After(ulong key) => (key * 0xD1342543DE82EF95) + 0x9E3779B97F4A7C15;

    private static int SlotOf(ulong key) => (int)(key >> (64 - Bits));

    private static bool NobodyIsHidden(ReadOnlySpan<ulong> points, int owners)
    {
        int[] owned = new int[Math.Min(owners, 1 << Bits)];
        foreach (ulong point in points)
        {
            owned[(ushort)point]++;
        }
        return !owned.AsSpan().ContainsAnyInRange(1, OwnPointsMin - 1);
    }

    private static int OwnerOf(Run[] runs, int at, int slot)
    {
        while (runs[at].Last < slot)
        {
            at++;
        }
        return runs[at].Owner;
    }

    private static Run[] RunsOf(ReadOnlySpan<ulong> points)
    {
        var runs = new List<Run>(points.Length + 1);
        foreach (ulong point in points)
        {
            // Of points that share a slot the first is found.
            if (runs.Count == 0 || runs[^1].Last < SlotOf(point))
            {
                runs.Add(new Run((ushort)SlotOf(point), (ushort)point));
            }
        }
        // What lies behind the last point is the first one's.
        if (runs[^1].Last < ushort.MaxValue)
        {
            runs.Add(new Run(ushort.MaxValue, (ushort)points[0]));
        }
        return [.. runs];
    }

    private static ushort[] FirstOf(Run[] runs, int shift)
    {
        ushort[] first = new ushort[1 << (Bits - shift)];
        int run = 0;
        for (int i = 0; i < first.Length; i++)
        {
            while (runs[run].Last < i << shift)
            {
                run++;
            }
            first[i] = (ushort)run;
        }
        return first;
    }

    /// <summary>Of points that share a slot only the first is found: among thousands of servers some would have no keys
    /// at all. Such a one gets the slot of its first point whose owner has others.</summary>
    private void GiveEachOne(ReadOnlySpan<ulong> points, int owners)
    {
        int[] owned = new int[Math.Min(owners, 1 << Bits)];
        foreach (ushort owner in _first)
        {
            owned[owner]++;
        }
        foreach (ulong point in points)
        {
            ref ushort owner = ref _first[SlotOf(point)];
            if (owned[(ushort)point] == 0 && owned[owner] > 1)
            {
                owned[owner]--;
                owner = (ushort)point;
                owned[owner] = 1;
            }
        }
    }

    /// <summary>Slots that follow each other and have one owner.</summary>
    /// <param name="Last">The last of them.</param>
    /// <param name="Owner">Whose they are.</param>
    private readonly record struct Run(ushort Last, ushort Owner);
}
