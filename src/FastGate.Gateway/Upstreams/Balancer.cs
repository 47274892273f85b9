namespace FastGate.Gateway.Upstreams;

/// <summary>Chooses a server for one lane. Every lane has its own, so choosing shares nothing but the servers'
/// counters; each starts at a random place, or all lanes would send their first request to the first server.</summary>
internal sealed class Balancer(Balance balance, Server[] servers)
{
    private uint _turn = (uint)Random.Shared.Next(servers.Length);

    public Server Pick()
    {
        if (servers.Length == 1)
        {
            return servers[0];
        }
        return balance == Balance.RoundRobin ? NextInTurn() : Least();
    }

    private Server NextInTurn()
    {
        Server first = servers[_turn++ % (uint)servers.Length];
        if (first.IsResolved)
        {
            return first;
        }
        for (int i = 1; i < servers.Length; i++)
        {
            Server next = servers[_turn++ % (uint)servers.Length];
            if (next.IsResolved)
            {
                return next;
            }
        }
        return first;
    }

    /// <summary>Fewest exchanges under way; of equals the next in turn, so that an idle group is used evenly.</summary>
    private Server Least()
    {
        Server? best = null;
        int fewest = int.MaxValue;
        uint start = _turn++;
        for (uint i = 0; i < servers.Length; i++)
        {
            Server server = servers[(start + i) % (uint)servers.Length];
            int active = server.IsResolved ? server.Active : int.MaxValue;
            if (active < fewest)
            {
                best = server;
                fewest = active;
            }
        }
        return best ?? servers[start % (uint)servers.Length];
    }
}
