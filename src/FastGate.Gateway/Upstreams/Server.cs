using System.Net;
using FastGate.Gateway.Upstreams.Balancing;
using FastGate.Gateway.Upstreams.Health;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Upstreams;

/// <summary>One server of an upstream, shared by all lanes: where it is, whether it can be used, what it has to do, and
/// the permits that bound its connections for the whole process. Permits are touched at dial and close only.</summary>
public sealed class Server
{
    /// <summary>Of <see cref="WarmFrom"/>: it has its whole weight.</summary>
    internal const long Warm = long.MinValue;

    private readonly Upstream _upstream;
    private readonly int _connectionsMax;
    private readonly int _tunnelsMax;
    private readonly ServerStatus[] _voices;
    private readonly Ejector? _ejector;
    private volatile ServerStatus _status;
    private volatile NetAddress[] _addresses;
    private volatile int _weight;
    private int _connections;
    private int _tunnels;
    private int _nextAddress;
    private long _lastCheck = -1;

    internal Server(Upstream upstream, int index, UpstreamServer definition)
    {
        _upstream = upstream;
        Index = index;
        Address = definition.Address;
        Weight = definition.Weight;
        IsBackup = definition.IsBackup;
        Name = System.Text.Encoding.ASCII.GetBytes(Address.Text);
        _connectionsMax = upstream.Options.Pool.ConnectionsMax;
        _tunnelsMax = upstream.Options.Pool.TunnelsMax;
        Stats = new ServerStats(upstream.Loads.Length);
        _addresses = Address.Kind switch
        {
            ServerAddressKind.Ip => [NetAddress.Tcp(Address.Address!, Address.Port)],
            ServerAddressKind.Unix => [NetAddress.Unix(Address.Path!)],
            ServerAddressKind.Demo => [NetAddress.Memory("demo:")],
            _ => [],
        };
        _voices = new ServerStatus[Enum.GetValues<StateVoice>().Length];
        Array.Fill(_voices, new ServerStatus(ServerState.Up, "", 0));
        if (_addresses.Length == 0)
        {
            _voices[(int)StateVoice.Names] = new ServerStatus(ServerState.Unresolved, "dns", 0);
        }
        _status = _voices[(int)StateVoice.Names];
        _ejector = upstream.Options.Eject.IsOn ? new Ejector(this, upstream) : null;
    }

    /// <summary>What came of the requests that it was asked to answer.</summary>
    internal ServerStats Stats { get; }

    /// <summary>Its place in the group.</summary>
    public int Index { get; }

    public ServerAddress Address { get; }

    /// <summary>As configured, until an operator says otherwise. Any thread reads; the group's lock is held to
    /// write.</summary>
    public int Weight
    {
        get => _weight;
        internal set => _weight = value;
    }

    public bool IsBackup { get; }

    /// <summary>The address as it is shown, in ASCII.</summary>
    public byte[] Name { get; }

    /// <summary>What a Host field for this server says.</summary>
    public byte[] HostName => Address.Kind is ServerAddressKind.Unix or ServerAddressKind.Demo ? s_localhost : Name;

    private static readonly byte[] s_localhost = "localhost"u8.ToArray();

    /// <summary>Connections of the process to this server, idle ones included, tunnels not.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public int Tunnels => Volatile.Read(ref _tunnels);

    /// <summary>Whether it can be used, and why not. Any thread.</summary>
    public ServerStatus Status => _status;

    /// <summary>Nothing speaks against it but checks and failures: where too few servers are up, it is used all the
    /// same.</summary>
    internal bool MayStandIn => _voices[(int)StateVoice.Operator].IsUsable && _voices[(int)StateVoice.Names].IsUsable;

    /// <summary>When its health was last checked, in the lanes' milliseconds; -1 when it never was. Any
    /// thread.</summary>
    public long LastCheck
    {
        get => Volatile.Read(ref _lastCheck);
        internal set => Volatile.Write(ref _lastCheck, value);
    }

    /// <summary>When its slow start began, in the lanes' milliseconds; <see cref="Warm"/> for none.</summary>
    internal long WarmFrom { get; private set; } = Warm;

    /// <summary>What the name stands for now; none while it has never been resolved.</summary>
    public NetAddress[] Addresses => _addresses;

    /// <summary>Where in <paramref name="addresses"/> the next connect begins: each in turn.</summary>
    public uint NextTurn(NetAddress[] addresses) =>
        addresses.Length < 2 ? 0 : (uint)Interlocked.Increment(ref _nextAddress) % (uint)addresses.Length;

    /// <summary>What the name resolved to; an empty answer keeps the addresses that worked. Any thread.</summary>
    /// <param name="resolved">The addresses.</param>
    /// <param name="now">In the lanes' milliseconds.</param>
    public void SetAddresses(IPAddress[] resolved, long now)
    {
        if (resolved.Length > 0)
        {
            _addresses = Array.ConvertAll(resolved, ip => NetAddress.Tcp(ip, Address.Port));
            SetState(StateVoice.Names, ServerState.Up, "dns", now);
        }
    }

    /// <summary>What <paramref name="voice"/> says of this server from now on; the others' word stands. Any thread; not
    /// for a request's path, for the group's tables are built anew when the server becomes usable or ceases to
    /// be.</summary>
    /// <param name="voice">Who says it.</param>
    /// <param name="state">What the server is, for all that this voice knows.</param>
    /// <param name="reason">One word for why, which <c>/stats</c> shows.</param>
    /// <param name="now">In the lanes' milliseconds.</param>
    public void SetState(StateVoice voice, ServerState state, string reason, long now) =>
        _upstream.SetState(this, voice, state, reason, now);

    /// <summary>What a voice said last. On the thread that speaks with it.</summary>
    internal ServerStatus Said(StateVoice voice) => _voices[(int)voice];

    /// <summary>Takes note of it; the group's lock is held.</summary>
    /// <returns>Whether it changes which servers exchanges may go to.</returns>
    internal bool Hear(StateVoice voice, ServerState state, string reason, long now)
    {
        ServerStatus said = _voices[(int)voice];
        if (said.State == state && said.Reason == reason)
        {
            return false;
        }
        bool couldStandIn = MayStandIn;
        _voices[(int)voice] = new ServerStatus(state, reason, said.State == state ? said.Since : now);
        ServerStatus before = _status;
        ServerStatus after = Array.Find(_voices, static v => !v.IsUsable)
            ?? new ServerStatus(ServerState.Up, reason, before.IsUsable ? before.Since : now);
        _status = after;
        if (before.IsUsable == after.IsUsable)
        {
            return couldStandIn != MayStandIn;
        }
        // A name that resolves for the first time, as all do when the process starts, has nothing to recover from.
        WarmFrom = after.IsUsable && before.State != ServerState.Unresolved && _upstream.Options.SlowStartMs > 0
            ? now
            : Warm;
        return true;
    }

    public bool TryTakePermit() => TryTake(ref _connections, _connectionsMax);

    public void ReturnPermit() => Interlocked.Decrement(ref _connections);

    public bool TryTakeTunnel() => TryTake(ref _tunnels, _tunnelsMax);

    public void ReturnTunnel() => Interlocked.Decrement(ref _tunnels);

    /// <summary>Exchanges under way, tunnels among them, as this thread sees them.</summary>
    public int Active
    {
        get
        {
            int sum = 0;
            foreach (LaneLoad load in _upstream.Loads)
            {
                sum += load.Active(Index);
            }
            return sum;
        }
    }

    /// <summary>How long it takes to answer, in microseconds: the worst that a lane knows of now, failures counted as
    /// slow. 0 while nothing is known. See <see cref="PeakEwma"/>.</summary>
    /// <param name="now">In the lanes' milliseconds.</param>
    public double LatencyUs(long now)
    {
        double worst = 0;
        foreach (LaneLoad load in _upstream.Loads)
        {
            worst = Math.Max(worst, PeakEwma.At(load.Latency(Index), now));
        }
        return worst;
    }

    /// <summary>An exchange knows what this server made of it: the head of an answer is there, or none will be, or the
    /// rest of one is missing. On <paramref name="lane"/>.</summary>
    /// <param name="lane">Where the exchange is.</param>
    /// <param name="latencyUs">From the request sent to the head of the answer, or to the failure, in microseconds; -1
    /// where it tells nothing of the server.</param>
    /// <param name="outcome">What came of it.</param>
    /// <param name="begunAt">Since when the exchange was with the server, in the lane's milliseconds.</param>
    public void Finished(Lane lane, long latencyUs, Outcome outcome, long begunAt)
    {
        _upstream.Loads[lane.Index].Finished(Index, latencyUs, outcome, lane.Now);
        _ejector?.Note(lane, begunAt, outcome);
    }

    /// <summary>Checks that said it is down say no more so. On <paramref name="lane"/>.</summary>
    internal LaneTask RecoverAsync(Lane lane) => _ejector?.RecoverAsync(lane) ?? default;

    private static bool TryTake(ref int count, int most)
    {
        // Never above the bound, not even for a moment: whoever looked then would be told that nothing is free.
        int seen = Volatile.Read(ref count);
        while (seen < most)
        {
            int was = Interlocked.CompareExchange(ref count, seen + 1, seen);
            if (was == seen)
            {
                return true;
            }
            seen = was;
        }
        return false;
    }
}
