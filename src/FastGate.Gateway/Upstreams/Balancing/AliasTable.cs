using System.Runtime.CompilerServices;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Draws a place with a chance in proportion to its weight, in constant time (Walker's alias method, built as
/// in Vose, "A Linear Algorithm for Generating Random Numbers with a Given Distribution", 1991). Immutable.</summary>
internal sealed class AliasTable
{
    private readonly Slot[] _slots;

    private readonly record struct Slot(uint Own, int Other);

    public AliasTable(double[] weights)
    {
        int count = weights.Length;
        _slots = new Slot[count];
        double scale = count / weights.Sum();
        double[] share = Array.ConvertAll(weights, w => w * scale);
        var small = new Stack<int>();
        var large = new Stack<int>();
        for (int i = 0; i < count; i++)
        {
            (share[i] < 1 ? small : large).Push(i);
        }
        while (small.Count > 0 && large.Count > 0)
        {
            int less = small.Pop();
            int more = large.Peek();
            _slots[less] = new Slot((uint)(share[less] * uint.MaxValue), more);
            share[more] -= 1 - share[less];
            if (share[more] < 1)
            {
                small.Push(large.Pop());
            }
        }
        // What is left is 1, as far as sums of fractions can be.
        foreach (int i in small.Concat(large))
        {
            _slots[i] = new Slot(uint.MaxValue, i);
        }
    }

    /// <param name="drawn">Random: its whole range stands for the slots in a row, and where within a slot it falls
    /// decides between the two places there.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Draw(uint drawn)
    {
        ulong position = (ulong)drawn * (uint)_slots.Length;
        int at = (int)(position >> 32);
        Slot slot = _slots[at];
        // No branch, for it could not be foreseen: all ones where the other place is meant.
        int isOther = (int)(((long)slot.Own - (uint)position) >> 63);
        return at ^ ((at ^ slot.Other) & isOther);
    }
}
