using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams.Balancing;

namespace FastGate.Gateway.Upstreams;

/// <summary>The servers of an upstream that exchanges may go to now: those of the first tier that are usable, or where
/// there is none, the backups that are; where too few are usable, all of them. Immutable, built when a state changes,
/// by whoever changed it; a choice reads it once. A server's place is its index here.</summary>
internal sealed class ServerSet
{
    /// <summary>The weight with which slow start begins, as a share of the whole one.</summary>
    public const double ShareMin = 0.1;

    private readonly int[] _places;
    private readonly long[] _warmFrom;
    private readonly long _slowStartMs;

    private ServerSet(Server[] servers, Server[] all, UpstreamOptions options, HashRing? ring, bool isPanic = false)
    {
        IsPanic = isPanic;
        Servers = servers;
        _places = new int[all.Length];
        Array.Fill(_places, -1);
        for (int i = 0; i < servers.Length; i++)
        {
            _places[servers[i].Index] = i;
        }
        Indices = Array.ConvertAll(servers, static s => s.Index);
        Weights = Array.ConvertAll(servers, static s => (double)s.Weight);
        WeightSum = Weights.Sum();
        double mean = WeightSum / Math.Max(1, servers.Length);
        Burdens = Array.ConvertAll(Weights, weight => (float)(mean / weight));
        Refusal = Array.TrueForAll(all, static s => s.Status.State == ServerState.Unresolved)
            ? Reason.DnsError
            : Reason.DestinationUnavailable;
        _slowStartMs = options.SlowStartMs;
        _warmFrom = Array.ConvertAll(servers, static s => s.WarmFrom);
        WarmUntil = _slowStartMs == 0 || servers.Length == 0
            ? long.MinValue
            : Array.ConvertAll(_warmFrom, from => from == Server.Warm ? long.MinValue : from + _slowStartMs).Max();
        if (servers.Length > 1)
        {
            Draws = options.Balance is Balance.P2c or Balance.P2cEwma or Balance.Hash ? new AliasTable(Weights) : null;
            Turns = options.Balance == Balance.RoundRobin ? new TurnTable(Weights) : null;
            Slots = ring?.SlotsOf(_places);
        }
    }

    /// <summary>Of a lane that has not chosen yet.</summary>
    public static ServerSet None { get; } = new([], [], new UpstreamOptions { Name = "", Servers = [] }, null);

    /// <summary>By place; empty when no server is usable.</summary>
    public Server[] Servers { get; }

    public int Count => Servers.Length;

    /// <summary>Of the servers, by place: a choice looks at many and touches one.</summary>
    public int[] Indices { get; }

    /// <summary>By place, as they were when the set was built.</summary>
    public double[] Weights { get; }

    public double WeightSum { get; }

    /// <summary>By place: what an exchange is to a server, more the less it weighs; 1 on average weight.</summary>
    public float[] Burdens { get; }

    /// <summary>Servers by weight, for those that draw.</summary>
    public AliasTable? Draws { get; }

    /// <summary>Servers in their turns, for those that go round.</summary>
    public TurnTable? Turns { get; }

    /// <summary>Servers by key, for those that hash.</summary>
    public HashSlots? Slots { get; }

    /// <summary>Until then some server is not at its whole weight, in the lanes' milliseconds.</summary>
    public long WarmUntil { get; }

    /// <summary>Too few servers are usable to carry everything, so those that are not are in it too.</summary>
    public bool IsPanic { get; }

    /// <summary>What an exchange is told when there is no server.</summary>
    public Reason Refusal { get; }

    public static ServerSet Of(Server[] all, UpstreamOptions options, HashRing? ring)
    {
        // Here, and only here, is decided which servers stand in for others.
        Server[] usable = Array.FindAll(all, static s => s.Status.IsUsable);
        Server[] first = Array.FindAll(usable, static s => !s.IsBackup);
        // Those that an operator took out, or whose names lead nowhere, are not missed.
        int firstAll = all.Count(static s => s.MayStandIn && !s.IsBackup);
        if (IsEnough(first.Length, firstAll, options.Eject.PanicPercent))
        {
            return new ServerSet(first, all, options, ring);
        }
        if (first.Length == 0 && IsEnough(usable.Length, all.Count(static s => s.MayStandIn && s.IsBackup),
            options.Eject.PanicPercent))
        {
            return new ServerSet(usable, all, options, ring);
        }
        // Backups that are up help before servers that are down are used.
        if (usable.Length > first.Length && IsEnough(usable.Length, firstAll, options.Eject.PanicPercent))
        {
            return new ServerSet(usable, all, options, ring);
        }
        Server[] standing = Array.FindAll(all, static s => s.MayStandIn);
        return options.Eject.PanicPercent > 0 && standing.Length > usable.Length
            ? new ServerSet(standing, all, options, ring, isPanic: true)
            : new ServerSet(first.Length > 0 ? first : usable, all, options, ring);
    }

    private static bool IsEnough(int usable, int of, int percent) => usable > 0 && usable * 100L >= (long)of * percent;

    public bool Contains(Server server) => _places[server.Index] >= 0;

    /// <summary>Whether one of them was not tried yet.</summary>
    public bool HasUntried(in TriedServers tried)
    {
        // Few steps however many servers there are: of the tried ones not many are remembered.
        foreach (int server in Indices)
        {
            if (!tried.Contains(server))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>-1 for a server that is not in it.</summary>
    public int PlaceOf(int server) => _places[server];

    /// <summary>How much of its weight a server has now: less than 1 while it starts slowly.</summary>
    public double Share(int place, long now)
    {
        if (now >= WarmUntil || _warmFrom[place] == Server.Warm)
        {
            return 1;
        }
        double passed = (double)(now - _warmFrom[place]) / _slowStartMs;
        return Math.Clamp(ShareMin + ((1 - ShareMin) * passed), ShareMin, 1);
    }
}
