using System.Runtime.CompilerServices;

namespace FastGate.Gateway.Upstreams;

/// <summary>The servers that one exchange was sent to in vain, so that it goes elsewhere next time. Remembers the last
/// eight: who has tried more of them may come back to the first.</summary>
public struct TriedServers
{
    private const int ServersMax = 8;

    private Slots _indices;
    private int _count;

    /// <summary>How many are remembered.</summary>
    public readonly int Count => Math.Min(_count, ServersMax);

    /// <summary>Indices of servers, in no order that means something.</summary>
    public readonly int this[int i] => _indices[i];

    public void Add(Server server)
    {
        if (Contains(server))
        {
            return;
        }
        _indices[_count % ServersMax] = server.Index;
        _count++;
    }

    public readonly bool Contains(Server server)
    {
        for (int i = 0; i < Count; i++)
        {
            if (_indices[i] == server.Index)
            {
                return true;
            }
        }
        return false;
    }

    public void Clear() => _count = 0;

    [InlineArray(ServersMax)]
    private struct Slots
    {
        private int _first;
    }
}
