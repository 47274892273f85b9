using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Knows the least of many numbers that change often, and takes any of those that are equal to it, by weight.
/// Each 128 numbers have a parent, which has the least of them and the weight of all that are equal to it; so have each
/// 128 parents, up to one. A number that changes is written and no more; whoever takes one first brings the parents of
/// changed ones up to date. Up to 128 numbers are one group and need no parent. Eight are looked at together,
/// and without a branch that depends on them: in a binary tree each step waits for the one before it, and its branches
/// are guessed wrong half of the time.</summary>
internal sealed class TieTree
{
    /// <summary>The largest number there may be.</summary>
    public const int Most = int.MaxValue - 1;

    private readonly TieNumbers _numbers;

    /// <summary>Of the numbers first, and last what is one group; empty where the numbers are.</summary>
    private readonly TieParents[] _parents;

    /// <param name="count">How many numbers; each is the largest there is, and weighs 1, until it is told.</param>
    public TieTree(int count)
    {
        _numbers = new TieNumbers(count);
        var parents = new List<TieParents>();
        for (int groups = _numbers.Groups; groups > 1; groups = parents[^1].Groups)
        {
            parents.Add(new TieParents(groups));
        }
        _parents = [.. parents];
    }

    /// <param name="at">Which number.</param>
    /// <param name="value">What it is now; at most <see cref="Most"/>.</param>
    public void Set(int at, int value) => _numbers.Set(at, value);

    /// <param name="at">Which number.</param>
    /// <param name="change">How much more it is now, or less.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int at, int change) => _numbers.Add(at, change);

    /// <param name="at">Which number.</param>
    /// <param name="weight">Its weight among its equals; above 0. All together weigh less than 2^31.</param>
    public void Weigh(int at, int weight) => _numbers.Weigh(at, weight);

    public int Draw(ref SplitMix random)
    {
        TieParents[] parents = _parents;
        return parents.Length == 0
            ? _numbers.Draw((uint)(random.Next() >> 32))
            : DrawFromTop(parents, ref random);
    }

    /// <summary>Apart, so that a draw from one group saves nothing for it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int DrawFromTop(TieParents[] parents, ref SplitMix random)
    {
        _numbers.Tell(parents[0]);
        for (int i = 1; i < parents.Length; i++)
        {
            parents[i - 1].Tell(parents[i]);
        }
        Vector256<int> least = parents[^1].LeastOf(0);
        int at = 0;
        for (int i = parents.Length - 1; i >= 0; i--)
        {
            at = parents[i].Draw(at, least, (uint)(random.Next() >> 32));
        }
        return _numbers.Draw(at, least, (uint)(random.Next() >> 32));
    }
}
