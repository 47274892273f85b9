namespace FastGate.Gateway.Proxy;

/// <summary>Which clients of a lane are to end when something is short: those that cost most. One pass over all of
/// them.</summary>
internal sealed class ClientRanking(GateLane lane)
{
    /// <summary>What <c>cost</c> says of one that is left alone.</summary>
    public const long Spared = -1;

    /// <summary>The cheapest comes first.</summary>
    private readonly PriorityQueue<ClientLoop, long> _costliest = new();

    /// <summary>At most <paramref name="most"/>, the costliest on top.</summary>
    public Stack<ClientLoop> Costliest(int most, Func<ClientLoop, long> cost)
    {
        for (ClientLoop? client = lane.FirstClient; client is not null; client = client.NextClient)
        {
            long costs = cost(client);
            if (costs == Spared)
            {
                continue;
            }
            _costliest.Enqueue(client, costs);
            if (_costliest.Count > most)
            {
                _costliest.Dequeue();
            }
        }
        var ranked = new Stack<ClientLoop>(_costliest.Count);
        while (_costliest.TryDequeue(out ClientLoop? client, out _))
        {
            ranked.Push(client);
        }
        return ranked;
    }
}
