using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Knows the least of many numbers that change often, and takes any of those that are equal to it, by weight.
/// Each 128 numbers have a parent, which has the least of them and the weight of all that are equal to it; so have each
/// 128 parents, up to one. A number that changes is written and no more; whoever takes one first brings the parents of
/// changed ones up to date. Eight numbers are looked at together, and without a branch that depends on them: in a
/// binary tree each step waits for the one before it, and its branches are guessed wrong half of the time.</summary>
internal sealed class TieTree
{
    private readonly Level _numbers;

    /// <summary>The numbers first, and last what has one parent.</summary>
    private readonly Level[] _levels;

    /// <param name="count">How many numbers; each is the largest there is, and weighs 1, until it is told.</param>
    public TieTree(int count)
    {
        var levels = new List<Level> { new(count) };
        while (levels[^1].Groups > 1)
        {
            levels.Add(new Level(levels[^1].Groups));
        }
        _levels = [.. levels];
        _numbers = levels[0];
    }

    /// <param name="at">Which number.</param>
    /// <param name="value">What it is now; not below 0.</param>
    public void Set(int at, float value) => _numbers.Set(at, BitConverter.SingleToInt32Bits(value));

    /// <param name="at">Which number.</param>
    /// <param name="weight">Its weight among its equals; above 0. All together weigh less than 2^31.</param>
    public void Weigh(int at, int weight) => _numbers.Weigh(at, weight);

    public int Draw(ref SplitMix random)
    {
        Level[] levels = _levels;
        for (int i = 1; i < levels.Length; i++)
        {
            levels[i - 1].Tell(levels[i]);
        }
        int least = levels[^1].LeastOf(0);
        int at = 0;
        for (int i = levels.Length - 1; i >= 0; i--)
        {
            at = levels[i].Draw(at, least, (uint)(random.Next() >> 32));
        }
        return at;
    }

    /// <summary>Numbers as the bits of floats, which are in the same order where none is negative.</summary>
    private sealed class Level
    {
        private const int GroupBits = 7;

        /// <summary>A row is two vectors, so that a group has few rows.</summary>
        private const int Columns = 16;

        private readonly int[] _values;
        private readonly int[] _weights;
        private readonly bool[] _isChanged;
        private readonly int[] _changed;
        private int _changes;

        public Level(int count)
        {
            // What fills the last row up is larger than any number, and weighs nothing.
            int length = (count + Columns - 1) & -Columns;
            _values = new int[length];
            _weights = new int[length];
            Array.Fill(_values, int.MaxValue);
            Array.Fill(_values, BitConverter.SingleToInt32Bits(float.PositiveInfinity), 0, count);
            Array.Fill(_weights, 1, 0, count);
            Groups = ((length - 1) >> GroupBits) + 1;
            _isChanged = new bool[Groups];
            _changed = new int[Groups];
            for (int at = 0; at < count; at++)
            {
                Change(at);
            }
        }

        public int Groups { get; }

        public void Set(int at, int value)
        {
            _values[at] = value;
            Change(at);
        }

        public void Weigh(int at, int weight)
        {
            _weights[at] = weight;
            Change(at);
        }

        /// <summary>Brings the parents of changed numbers up to date.</summary>
        public void Tell(Level parents)
        {
            for (; _changes > 0; _changes--)
            {
                int group = _changed[_changes - 1];
                _isChanged[group] = false;
                int least = LeastOf(group);
                AddUp(group, least, out Vector256<int> one, out Vector256<int> other);
                parents.Set(group, least);
                parents.Weigh(group, Vector256.Sum(one + other));
            }
        }

        public int LeastOf(int group)
        {
            ref int values = ref MemoryMarshal.GetArrayDataReference(_values);
            var one = Vector256.Create(int.MaxValue);
            Vector256<int> other = one;
            int end = EndOf(group);
            for (int i = group << GroupBits; i < end; i += Columns)
            {
                one = Vector256.Min(one, Vector256.LoadUnsafe(ref values, (uint)i));
                other = Vector256.Min(other, Vector256.LoadUnsafe(ref values, (uint)i + 8));
            }
            one = Vector256.Min(one, other);
            Vector128<int> least = Vector128.Min(one.GetLower(), one.GetUpper());
            least = Vector128.Min(least, Vector128.Shuffle(least, Vector128.Create(2, 3, 0, 1)));
            least = Vector128.Min(least, Vector128.Shuffle(least, Vector128.Create(1, 0, 3, 2)));
            return least.ToScalar();
        }

        /// <summary>One of a group, of those that are equal to <paramref name="least"/>: first in which column, by what
        /// the columns weigh, then in which row.</summary>
        public int Draw(int group, int least, uint random)
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

            ref int values = ref MemoryMarshal.GetArrayDataReference(_values);
            ref int weights = ref MemoryMarshal.GetArrayDataReference(_weights);
            int end = EndOf(group);
            int at = (group << GroupBits) + column;
            for (int i = at; i < end; i += Columns)
            {
                // All ones where it is more than the least; and again while what was drawn lies behind.
                left += Unsafe.Add(ref weights, i) & ~((least - Unsafe.Add(ref values, i)) >> 31);
                at += Columns & (left >> 31);
            }
            return at;
        }

        /// <summary>What those weigh that are equal to <paramref name="least"/>, by column.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void AddUp(int group, int least, out Vector256<int> one, out Vector256<int> other)
        {
            ref int values = ref MemoryMarshal.GetArrayDataReference(_values);
            ref int weights = ref MemoryMarshal.GetArrayDataReference(_weights);
            var wanted = Vector256.Create(least);
            Vector256<int> sum = default;
            Vector256<int> otherSum = default;
            int end = EndOf(group);
            for (int i = group << GroupBits; i < end; i += Columns)
            {
                sum += Vector256.Equals(Vector256.LoadUnsafe(ref values, (uint)i), wanted)
                    & Vector256.LoadUnsafe(ref weights, (uint)i);
                otherSum += Vector256.Equals(Vector256.LoadUnsafe(ref values, (uint)i + 8), wanted)
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

        private int EndOf(int group) => Math.Min(_values.Length, (group + 1) << GroupBits);

        private void Change(int at)
        {
            int group = at >> GroupBits;
            if (!_isChanged[group])
            {
                _isChanged[group] = true;
                _changed[_changes++] = group;
            }
        }
    }
}
