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

    private readonly Plane[] _drawn = new Plane[WeightBits];

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
        ref Plane first = ref MemoryMarshal.GetArrayDataReference(_drawn);
        int sum = 0;
        nuint count = 0;
        for (uint left = _bits[group]; left != 0; left &= left - 1)
        {
            int bit = BitOperations.TrailingZeroCount(left);
            ref Plane plane = ref Unsafe.Add(ref first, count);
            plane.Start = sum;
            plane.Bit = bit;
            sum += (equal & Unsafe.Add(ref planes, bit)).Count << bit;
            count++;
        }
        int drawn = (int)(((ulong)random * (uint)sum) >> 32);
        // The last that does not begin behind what was drawn. No branch depends on chance.
        nint at = -1;
        for (nuint i = 0; i < count; i++)
        {
            at += (drawn - Unsafe.Add(ref first, i).Start) >= 0 ? 1 : 0;
        }
        Plane taken = Unsafe.Add(ref first, at);
        return (group << GroupBits)
            + (equal & Unsafe.Add(ref planes, taken.Bit)).Find((drawn - taken.Start) >> taken.Bit);
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
        int count = EndOf(group) - (group << GroupBits);
        Marks equal = default;
        equal.Low = QuarterOf(ref values, least);
        if (count > Quarter)
        {
            equal.Low |= (ulong)QuarterOf(ref Unsafe.Add(ref values, Quarter), least) << Quarter;
        }
        if (count > Half)
        {
            equal.High = QuarterOf(ref Unsafe.Add(ref values, Half), least);
        }
        if (count > Half + Quarter)
        {
            equal.High |= (ulong)QuarterOf(ref Unsafe.Add(ref values, Half + Quarter), least) << Quarter;
        }
        return equal;
    }

    /// <summary>Which of 32 numbers are equal to <paramref name="least"/>. Where that is possible they are made narrow
    /// first, so that bits are taken once and not four times.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint QuarterOf(ref int values, Vector256<int> least)
    {
        Vector256<int> a = Vector256.Equals(Vector256.LoadUnsafe(ref values), least);
        Vector256<int> b = Vector256.Equals(Vector256.LoadUnsafe(ref values, 8), least);
        Vector256<int> c = Vector256.Equals(Vector256.LoadUnsafe(ref values, 16), least);
        Vector256<int> d = Vector256.Equals(Vector256.LoadUnsafe(ref values, 24), least);
        if (Avx2.IsSupported)
        {
            // Four of each come first, then the other four.
            Vector256<sbyte> all = Avx2.PackSignedSaturate(
                Avx2.PackSignedSaturate(a, b), Avx2.PackSignedSaturate(c, d));
            return Avx2.PermuteVar8x32(all.AsInt32(), Vector256.Create(0, 4, 1, 5, 2, 6, 3, 7))
                .AsByte().ExtractMostSignificantBits();
        }
        return a.ExtractMostSignificantBits() | (b.ExtractMostSignificantBits() << 8)
            | (c.ExtractMostSignificantBits() << 16) | (d.ExtractMostSignificantBits() << 24);
    }

    /// <summary>A plane that was met in a draw: where what its bits are worth begins.</summary>
    private struct Plane
    {
        public int Start;
        public int Bit;
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
