namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>The order in which servers take turns: one round of it, in which each has as many turns as its weight says,
/// and a heavy one's are spread between the others'. Who has a weight w has his turns at equal distances of 1/w of the
/// round, and the first of them the later the later his place, so that no two servers begin together. Immutable, and
/// shared by all lanes.</summary>
internal sealed class TurnTable
{
    /// <summary>4 bytes each. Where very many servers have large weights without a common divisor, weights are scaled
    /// down to about as many turns, and rounded up: the lightest get somewhat more than their weight says.</summary>
    private const int TurnsMax = 64 * 1024;

    private const int PlaceBits = 24;

    private readonly int[] _places;
    private readonly int _start;

    /// <param name="weights">By place; whole numbers, at least 1.</param>
    public TurnTable(double[] weights)
    {
        int divisor = 0;
        foreach (double weight in weights)
        {
            divisor = CommonDivisor((int)weight, divisor);
        }
        double scale = Math.Min(1.0 / divisor, TurnsMax / weights.Sum());
        int[] turns = Array.ConvertAll(weights, weight => (int)Math.Ceiling((weight * scale) - 1e-9));
        // When in the round it is, and behind that whose turn.
        ulong[] order = new ulong[turns.Sum()];
        int next = 0;
        for (int place = 0; place < turns.Length; place++)
        {
            double from = (double)place / turns.Length;
            for (int turn = 0; turn < turns[place]; turn++)
            {
                double at = (turn + from) / turns[place];
                order[next++] = ((ulong)(at * (1L << (64 - PlaceBits - 1))) << PlaceBits) | (uint)place;
            }
        }
        Array.Sort(order);
        _places = Array.ConvertAll(order, static turn => (int)(turn & ((1 << PlaceBits) - 1)));
        _start = Random.Shared.Next(_places.Length);
    }

    /// <summary>Turns of a round.</summary>
    public int Length => _places.Length;

    /// <summary>Whose turn it is.</summary>
    public int this[int turn] => _places[turn];

    /// <summary>Where a lane begins: at a random turn, and each lane at another, evenly spread, or the first requests
    /// of all of them would go to the same server.</summary>
    public int StartOf(int lane, int lanes) => (int)((_start + ((long)lane * Length / lanes)) % Length);

    private static int CommonDivisor(int one, int other)
    {
        while (other != 0)
        {
            (one, other) = (other, one % other);
        }
        return one;
    }
}
