using System.Net;
using FastGate.Net;

namespace FastGate.Gateway.Upstreams;

/// <summary>One server of an upstream, shared by all lanes: where it is, and the permits that bound its connections
/// for the whole process. Permits are touched at dial and close only.</summary>
public sealed class Server
{
    private readonly int _connectionsMax;
    private readonly int _tunnelsMax;
    private readonly ActiveCell[] _active;
    private volatile NetAddress[] _addresses;
    private int _connections;
    private int _tunnels;
    private int _nextAddress;

    public Server(int index, ServerAddress address, PoolOptions options, int laneCount)
    {
        Index = index;
        Address = address;
        Name = System.Text.Encoding.ASCII.GetBytes(address.Text);
        _connectionsMax = options.ConnectionsMax;
        _tunnelsMax = options.TunnelsMax;
        _active = new ActiveCell[laneCount];
        Stats = new ServerStats(laneCount);
        _addresses = address.Kind switch
        {
            ServerAddressKind.Ip => [NetAddress.Tcp(address.Address!, address.Port)],
            ServerAddressKind.Unix => [NetAddress.Unix(address.Path!)],
            ServerAddressKind.Demo => [NetAddress.Memory("demo:")],
            _ => [],
        };
    }

    /// <summary>What came of the requests that it was asked to answer.</summary>
    internal ServerStats Stats { get; }

    /// <summary>Its place in the group.</summary>
    public int Index { get; }

    public ServerAddress Address { get; }

    /// <summary>The address as it is shown, in ASCII.</summary>
    public byte[] Name { get; }

    /// <summary>What a Host field for this server says.</summary>
    public byte[] HostName => Address.Kind is ServerAddressKind.Unix or ServerAddressKind.Demo ? s_localhost : Name;

    private static readonly byte[] s_localhost = "localhost"u8.ToArray();

    /// <summary>Connections of the process to this server, idle ones included, tunnels not.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public int Tunnels => Volatile.Read(ref _tunnels);

    /// <summary>False while a name has never been resolved.</summary>
    public bool IsResolved => _addresses.Length > 0;

    /// <summary>What the name stands for now; none while it has never been resolved.</summary>
    public NetAddress[] Addresses => _addresses;

    /// <summary>Where in <paramref name="addresses"/> the next connect begins: each in turn.</summary>
    public uint NextTurn(NetAddress[] addresses) =>
        addresses.Length < 2 ? 0 : (uint)Interlocked.Increment(ref _nextAddress) % (uint)addresses.Length;

    /// <summary>What the name resolved to; an empty answer keeps the addresses that worked.</summary>
    public void SetAddresses(IPAddress[] resolved)
    {
        if (resolved.Length > 0)
        {
            _addresses = Array.ConvertAll(resolved, ip => NetAddress.Tcp(ip, Address.Port));
        }
    }

    public bool TryTakePermit() => TryTake(ref _connections, _connectionsMax);

    public void ReturnPermit() => Interlocked.Decrement(ref _connections);

    public bool TryTakeTunnel() => TryTake(ref _tunnels, _tunnelsMax);

    public void ReturnTunnel() => Interlocked.Decrement(ref _tunnels);

    /// <summary>Exchanges under way, as this lane sees them: its own exactly, the others' a moment old.</summary>
    public int Active
    {
        get
        {
            int sum = 0;
            for (int i = 0; i < _active.Length; i++)
            {
                sum += Volatile.Read(ref _active[i].Count);
            }
            return sum;
        }
    }

    /// <summary>Counts an exchange in or out; only the lane's own thread writes its cell.</summary>
    public void CountActive(Lane lane, int change)
    {
        ref int count = ref _active[lane.Index].Count;
        Volatile.Write(ref count, count + change);
    }

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

    /// <summary>A cache line each, so that lanes do not slow each other down.</summary>
    [System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Explicit, Size = 128)]
    private struct ActiveCell
    {
        [System.Runtime.InteropServices.FieldOffset(64)]
        public int Count;
    }
}
