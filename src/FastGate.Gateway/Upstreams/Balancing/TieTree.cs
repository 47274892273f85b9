using System.Numerics;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Knows the least of many numbers that change one at a time, and takes any of those that are equal to it, by
/// weight: each node has the least number below it, and the weight of all that have it. Changing one and taking one
/// cost a walk between root and leaf.</summary>
internal sealed class TieTree
{
    private readonly Node[] _nodes;
    private readonly int _leaves;

    private readonly record struct Node(double Least, double Weight);

    /// <param name="count">How many numbers; each is the largest there is until it is set.</param>
    public TieTree(int count)
    {
        _leaves = (int)BitOperations.RoundUpToPowerOf2((uint)count);
        _nodes = new Node[2 * _leaves];
        Array.Fill(_nodes, new Node(double.PositiveInfinity, 0));
    }

    /// <param name="at">Which number.</param>
    /// <param name="value">What it is now.</param>
    /// <param name="weight">Its weight among its equals; above 0.</param>
    public void Set(int at, double value, double weight)
    {
        int node = _leaves + at;
        var changed = new Node(value, weight);
        while (_nodes[node] != changed)
        {
            _nodes[node] = changed;
            if (node == 1)
            {
                return;
            }
            changed = Join(_nodes[node], _nodes[node ^ 1]);
            node >>= 1;
        }
    }

    public int Draw(ref SplitMix random)
    {
        int node = 1;
        double at = random.Share() * _nodes[1].Weight;
        while (node < _leaves)
        {
            node *= 2;
            Node left = _nodes[node];
            Node right = _nodes[node + 1];
            if (right.Least < left.Least)
            {
                node++;
            }
            else if (left.Least == right.Least && at >= left.Weight)
            {
                at -= left.Weight;
                node++;
            }
        }
        return node - _leaves;
    }

    private static Node Join(in Node one, in Node other) =>
        one.Least < other.Least ? one
        : other.Least < one.Least ? other
        : new Node(one.Least, one.Weight + other.Weight);
}
