using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>One level of a <see cref="TieTree"/>: groups of 128 numbers.</summary>
internal abstract class TieLevel
{
    protected const int GroupBits = 7;

    /// <summary>A row is two vectors, so that a group has few rows.</summary>
    protected const int Columns = 16;

    /// <summary>Numbers come in quarters of a group, for each of which there are the same few instructions.</summary>
    protected const int Quarter = 1 << (GroupBits - 2);

    private readonly bool[] _isChanged;
    private readonly int[] _changed;
    private int _changes;

    protected TieLevel(int count)
    {
        // What fills the last quarter up is larger than any number, and weighs nothing.
        int length = (count + Quarter - 1) & -Quarter;
        Values = new int[length];
        Array.Fill(Values, int.MaxValue);
        Array.Fill(Values, TieTree.Most, 0, count);
        Groups = ((length - 1) >> GroupBits) + 1;
        HasParents = Groups > 1;
        _isChanged = new bool[Groups];
        _changed = new int[Groups];
        for (int at = 0; at < count; at++)
        {
            Change(at);
        }
    }

    public int Groups { get; }

    protected int[] Values { get; }

    private bool HasParents { get; }

    public void Set(int at, int value)
    {
        Values[at] = value;
        Change(at);
    }

    public void Add(int at, int change)
    {
        Values[at] += change;
        Change(at);
    }

    /// <summary>Brings the parents of changed numbers up to date.</summary>
    public void Tell(TieParents parents)
    {
        for (; _changes > 0; _changes--)
        {
            int group = _changed[_changes - 1];
            _isChanged[group] = false;
            Vector256<int> least = LeastOf(group);
            parents.Set(group, least.ToScalar());
            parents.Weigh(group, WeightOf(group, least));
        }
    }

    /// <summary>The least of a group, in every place of the vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector256<int> LeastOf(int group)
    {
        ref int values = ref MemoryMarshal.GetArrayDataReference(Values);
        var one = Vector256.Create(int.MaxValue);
        Vector256<int> other = one;
        uint end = (uint)EndOf(group);
        for (uint i = (uint)group << GroupBits; i < end; i += Quarter)
        {
            one = Vector256.Min(one, Vector256.LoadUnsafe(ref values, i));
            other = Vector256.Min(other, Vector256.LoadUnsafe(ref values, i + 8));
            one = Vector256.Min(one, Vector256.LoadUnsafe(ref values, i + 16));
            other = Vector256.Min(other, Vector256.LoadUnsafe(ref values, i + 24));
        }
        one = Vector256.Min(one, other);
        one = Vector256.Min(one, Vector256.Shuffle(one, Vector256.Create(4, 5, 6, 7, 0, 1, 2, 3)));
        one = Vector256.Min(one, Vector256.Shuffle(one, Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5)));
        return Vector256.Min(one, Vector256.Shuffle(one, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6)));
    }

    /// <summary>What those of a group weigh that are equal to <paramref name="least"/>.</summary>
    protected abstract int WeightOf(int group, Vector256<int> least);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected int EndOf(int group) => Math.Min(Values.Length, (group + 1) << GroupBits);

    /// <summary>What this number's parent knows is out of date.</summary>
    protected void Change(int at)
    {
        if (HasParents)
        {
            Remember(at);
        }
    }

    private void Remember(int at)
    {
        int group = at >> GroupBits;
        if (!_isChanged[group])
        {
            _isChanged[group] = true;
            _changed[_changes++] = group;
        }
    }
}
