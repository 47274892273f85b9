using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Of each group of the level below the least number, and what those of it weigh that are equal to
/// that.</summary>
internal sealed class TieParents(int count) : TieLevel(count)
{
    private readonly int[] _weights = new int[(count + Quarter - 1) & -Quarter];

    public void Weigh(int at, int weight)
    {
        _weights[at] = weight;
        Change(at);
    }

    /// <summary>One of a group, of those that are equal to <paramref name="least"/>: first in which column, by what
    /// the columns weigh, then in which row.</summary>
    public int Draw(int group, Vector256<int> least, uint random)
    {
        AddUp(group, least, out Vector256<int> one, out Vector256<int> other);
        Vector256<int> sums = SumsOf(one);
        Vector256<int> otherSums = SumsOf(other) + Vector256.Create(sums[7]);
        int drawn = (int)(((ulong)random * (uint)otherSums[7]) >> 32);
        var wanted = Vector256.Create(drawn);
        Vector256<int> isAfter = Vector256.GreaterThan(sums, wanted);
        Vector256<int> isOtherAfter = Vector256.GreaterThan(otherSums, wanted);
        int column = BitOperations.TrailingZeroCount(isAfter.ExtractMostSignificantBits()
            | (isOtherAfter.ExtractMostSignificantBits() << 8));
        // What the columns before it weigh.
        Vector256<int> before = Vector256.Max(
            Vector256.AndNot(sums, isAfter), Vector256.AndNot(otherSums, isOtherAfter));
        Vector128<int> most = Vector128.Max(before.GetLower(), before.GetUpper());
        most = Vector128.Max(most, Vector128.Shuffle(most, Vector128.Create(2, 3, 0, 1)));
        most = Vector128.Max(most, Vector128.Shuffle(most, Vector128.Create(1, 0, 3, 2)));
        int left = most.ToScalar() - drawn - 1;
        int wantedValue = least.ToScalar();

        ref int values = ref MemoryMarshal.GetArrayDataReference(Values);
        ref int weights = ref MemoryMarshal.GetArrayDataReference(_weights);
        int end = EndOf(group);
        int at = (group << GroupBits) + column;
        for (int i = at; i < end; i += Columns)
        {
            // All ones where it is more than the least; and again while what was drawn lies behind.
            left += Unsafe.Add(ref weights, i) & ~((wantedValue - Unsafe.Add(ref values, i)) >> 31);
            at += Columns & (left >> 31);
        }
        return at;
    }

    /// <summary>What those weigh that are equal to <paramref name="least"/>, by column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddUp(int group, Vector256<int> least, out Vector256<int> one, out Vector256<int> other)
    {
        ref int values = ref MemoryMarshal.GetArrayDataReference(Values);
        ref int weights = ref MemoryMarshal.GetArrayDataReference(_weights);
        Vector256<int> sum = default;
        Vector256<int> otherSum = default;
        int end = EndOf(group);
        for (int i = group << GroupBits; i < end; i += Columns)
        {
            sum += Vector256.Equals(Vector256.LoadUnsafe(ref values, (uint)i), least)
                & Vector256.LoadUnsafe(ref weights, (uint)i);
            otherSum += Vector256.Equals(Vector256.LoadUnsafe(ref values, (uint)i + 8), least)
                & Vector256.LoadUnsafe(ref weights, (uint)i + 8);
        }
        one = sum;
        other = otherSum;
    }

    /// <summary>Of each number and all before it. An index that there is not stands for 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> SumsOf(Vector256<int> numbers)
    {
        numbers += Vector256.Shuffle(numbers, Vector256.Create(8, 0, 1, 2, 3, 4, 5, 6));
        numbers += Vector256.Shuffle(numbers, Vector256.Create(8, 8, 0, 1, 2, 3, 4, 5));
        return numbers + Vector256.Shuffle(numbers, Vector256.Create(8, 8, 8, 8, 0, 1, 2, 3));
    }

    protected override int WeightOf(int group, Vector256<int> least)
    {
        AddUp(group, least, out Vector256<int> one, out Vector256<int> other);
        return Vector256.Sum(one + other);
    }
}
