using System.Numerics;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Knows the least of many numbers that change one at a time, and takes any of those that are equal to it, by
/// weight: each node has the least number below it, and the weight of all that have it. Changing one and taking one
/// cost a walk between root and leaf.</summary>
internal sealed class TieTree
{
    /// <summary>The number in the upper half, the weight in the lower, both as the bits of floats: of floats that are
    /// not negative the bits are in the same order. One word, so that what was just written can be read at
    /// once.</summary>
    private readonly ulong[] _nodes;
    private readonly int _leaves;

    /// <param name="count">How many numbers; each is the largest there is until it is set.</param>
    public TieTree(int count)
    {
        _leaves = (int)BitOperations.RoundUpToPowerOf2((uint)count);
        _nodes = new ulong[2 * _leaves];
        Array.Fill(_nodes, NodeOf(float.PositiveInfinity, 0));
    }

    /// <param name="at">Which number.</param>
    /// <param name="value">What it is now; not below 0.</param>
    /// <param name="weight">Its weight among its equals; above 0.</param>
    public void Set(int at, float value, float weight)
    {
        ulong[] nodes = _nodes;
        int node = _leaves + at;
        ulong changed = NodeOf(value, weight);
        while (nodes[node] != changed)
        {
            nodes[node] = changed;
            if (node == 1)
            {
                return;
            }
            changed = Join(changed, nodes[node ^ 1]);
            node >>= 1;
        }
    }

    public int Draw(ref SplitMix random)
    {
        ulong[] nodes = _nodes;
        int node = 1;
        float at = (float)random.Share() * WeightOf(nodes[1]);
        while (node < _leaves)
        {
            node *= 2;
            ulong left = nodes[node];
            ulong right = nodes[node + 1];
            if (right >> 32 < left >> 32)
            {
                node++;
            }
            else if (right >> 32 == left >> 32 && at >= WeightOf(left))
            {
                at -= WeightOf(left);
                node++;
            }
        }
        return node - _leaves;
    }

    private static ulong Join(ulong one, ulong other)
    {
        if (one >> 32 == other >> 32)
        {
            float weight = WeightOf(one) + WeightOf(other);
            return (one & ~(ulong)uint.MaxValue) | BitConverter.SingleToUInt32Bits(weight);
        }
        return Math.Min(one, other);
    }

    private static ulong NodeOf(float value, float weight) =>
        ((ulong)BitConverter.SingleToUInt32Bits(value) << 32) | BitConverter.SingleToUInt32Bits(weight);

    private static float WeightOf(ulong node) => BitConverter.UInt32BitsToSingle((uint)node);
}
