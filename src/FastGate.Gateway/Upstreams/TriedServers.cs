using System.Runtime.CompilerServices;

namespace FastGate.Gateway.Upstreams;

/// <summary>The servers that one exchange was sent to in vain, so that it goes elsewhere next time. Remembers the last
/// <see cref="ServersMax"/>: who has tried more of them may come back to the first.</summary>
public struct TriedServers
{
    public const int ServersMax = 16;

    private Slots _indices;
    private int _next;

    /// <summary>How many are remembered.</summary>
    public int Count { get; private set; }

    /// <summary>Indices of servers, in no order that means something.</summary>
    public readonly int this[int i] => _indices[i];

    public void Add(Server server)
    {
        if (Contains(server.Index))
        {
            return;
        }
        _indices[_next] = server.Index;
        _next = (_next + 1) % ServersMax;
        Count = Math.Min(Count + 1, ServersMax);
    }

    /// <param name="server">Its index.</param>
    public readonly bool Contains(int server)
    {
        for (int i = 0; i < Count; i++)
        {
            if (_indices[i] == server)
            {
                return true;
            }
        }
        return false;
    }

    public void Clear() => (Count, _next) = (0, 0);

    [InlineArray(ServersMax)]
    private struct Slots
    {
        private int _first;
    }
}
