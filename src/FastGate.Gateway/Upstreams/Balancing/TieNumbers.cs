using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>The numbers themselves. A bit each says which of a group are the least, and a draw among them looks at bits
/// only: for every bit of a weight there is a plane that says whose weight has it. First a plane is drawn by what its
/// bits among the equals are worth together, then any of these bits. So equal weights of a power of two cost one plane,
/// and weights up to 15 at most four; chances are exact in any case.</summary>
internal sealed class TieNumbers : TieLevel
{
    /// <summary>Weights are below 2^31.</summary>
    private const int WeightBits = 31;

    private const int HalfBits = GroupBits - 1;
    private const int Half = 1 << HalfBits;

    /// <summary>By group and bit: which of the group's numbers have that bit in their weight.</summary>
    private readonly Marks[] _planes;

    /// <summary>By group: planes that are not empty.</summary>
    private readonly uint[] _bits;

    public TieNumbers(int count)
        : base(count)
    {
        _planes = new Marks[Groups * WeightBits];
        _bits = new uint[Groups];
        for (int at = 0; at < count; at++)
        {
            Weigh(at, 1);
        }
    }

    public void Weigh(int at, int weight)
    {
        int group = at >> GroupBits;
        Span<Marks> planes = _planes.AsSpan(group * WeightBits, WeightBits);
        uint bits = 0;
        for (int bit = 0; bit < WeightBits; bit++)
        {
            ref ulong half = ref (at & Half) == 0 ? ref planes[bit].Low : ref planes[bit].High;
            half = (half & ~(1UL << (at & (Half - 1)))) | ((((ulong)weight >> bit) & 1) << (at & (Half - 1)));
            bits |= (planes[bit].Low | planes[bit].High) != 0 ? 1u << bit : 0;
        }
        _bits[group] = bits;
        Change(at);
    }

    /// <summary>One of the least, where there is one group.</summary>
    public int Draw(uint random) => DrawOf(0, LeastOf(0), random);

    /// <summary>One of a group, of those that are equal to <paramref name="least"/>, by weight.</summary>
    public int Draw(int group, Vector256<int> least, uint random) => DrawOf(group, least, random);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int DrawOf(int group, Vector256<int> least, uint random)
    {
        Marks equal = EqualTo(group, least);
        ref Marks planes = ref _planes[group * WeightBits];
        uint bits = _bits[group];
        int drawn = (int)(((ulong)random * (uint)WorthOf(equal, ref planes, bits)) >> 32);
        // The last plane that does not begin behind what was drawn. No branch depends on chance.
        int sum = 0;
        int start = 0;
        int drawnBit = 0;
        for (uint left = bits; left != 0; left &= left - 1)
        {
            int bit = BitOperations.TrailingZeroCount(left);
            int isBefore = (sum - drawn - 1) >> 31;
            start ^= (start ^ sum) & isBefore;
            drawnBit ^= (drawnBit ^ bit) & isBefore;
            sum += (equal & Unsafe.Add(ref planes, bit)).Count << bit;
        }
        return (group << GroupBits) + (equal & Unsafe.Add(ref planes, drawnBit)).Find((drawn - start) >> drawnBit);
    }

    protected override int WeightOf(int group, Vector256<int> least) =>
        WorthOf(EqualTo(group, least), ref _planes[group * WeightBits], _bits[group]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int WorthOf(Marks equal, ref Marks planes, uint bits)
    {
        int sum = 0;
        for (; bits != 0; bits &= bits - 1)
        {
            int bit = BitOperations.TrailingZeroCount(bits);
            sum += (equal & Unsafe.Add(ref planes, bit)).Count << bit;
        }
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Marks EqualTo(int group, Vector256<int> least)
    {
        ref int values = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(Values), group << GroupBits);
        int end = EndOf(group) - (group << GroupBits);
        int endLow = Math.Min(end, Half);
        Marks equal = default;
        int i = 0;
        for (; i < endLow; i += Columns)
        {
            equal.Low |= RowOf(ref values, i, least) << i;
        }
        for (; i < end; i += Columns)
        {
            equal.High |= RowOf(ref values, i, least) << i;
        }
        return equal;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong RowOf(ref int values, int at, Vector256<int> least)
    {
        uint one = Vector256.Equals(Vector256.LoadUnsafe(ref values, (uint)at), least)
            .ExtractMostSignificantBits();
        uint other = Vector256.Equals(Vector256.LoadUnsafe(ref values, (uint)at + 8), least)
            .ExtractMostSignificantBits();
        return one | (other << 8);
    }

    /// <summary>A bit for each number of a group.</summary>
    private struct Marks
    {
        public ulong Low;
        public ulong High;

        public readonly int Count
        {
            [MethodImpl(MethodImplOptions.AggressiveInlining)]
            get => BitOperations.PopCount(Low) + BitOperations.PopCount(High);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Marks operator &(Marks one, Marks other) =>
            new() { Low = one.Low & other.Low, High = one.High & other.High };

        /// <summary>Where the bit is that has <paramref name="before"/> before it.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly int Find(int before)
        {
            int inLow = BitOperations.PopCount(Low);
            // All ones where it is in the upper half.
            int isHigh = (inLow - before - 1) >> 31;
            ulong half = Low ^ ((Low ^ High) & (ulong)(long)isHigh);
            before -= inLow & isHigh;
            if (Bmi2.X64.IsSupported)
            {
                half = Bmi2.X64.ParallelBitDeposit(1UL << before, half);
            }
            else
            {
                for (; before > 0; before--)
                {
                    half &= half - 1;
                }
            }
            return BitOperations.TrailingZeroCount(half) + (isHigh & Half);
        }
    }
}
