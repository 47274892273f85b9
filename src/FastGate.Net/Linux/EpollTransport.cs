using System.Runtime.CompilerServices;
using FastGate.Net.Async;

namespace FastGate.Net.Linux;

/// <summary>Sockets on one epoll loop per lane; names inside the process are served from memory on the same
/// lanes.</summary>
public sealed class EpollTransport : Transport
{
    private readonly EpollLane[] _lanes;

    /// <param name="laneCount">Event loops, one thread each.</param>
    public EpollTransport(int laneCount)
    {
        _lanes = new EpollLane[laneCount];
        for (int i = 0; i < laneCount; i++)
        {
            _lanes[i] = new EpollLane(i);
        }
    }

    public override IReadOnlyList<Lane> Lanes => _lanes;

    /// <summary>Called with errno when accepting pauses because descriptors or memory are exhausted.</summary>
    public Action<int>? Exhausted { get; set; }

    /// <summary>While descriptors are short, its listeners leave some to connections to servers. False where nothing is
    /// forwarded: then they take the last one.</summary>
    public bool LeavesSpare { get; init; } = true;

    /// <summary>Memory listeners that <see cref="ConnectAsync"/> finds by name.</summary>
    public Memory.MemoryNames Names { get; } = new();

    public override Listener Bind(NetAddress address) => address.Kind == NetAddress.AddressKind.Memory
        ? Names.Bind(address, _lanes)
        : SocketListener.Bind(_lanes, address, LeavesSpare, error => Exhausted?.Invoke(error));

    public override LaneTask<Connection> ConnectAsync(Lane lane, NetAddress address, long due,
        ConnectHandle? handle = null)
    {
        lane.AssertCurrent();
        if (address.Kind == NetAddress.AddressKind.Memory)
        {
            return new LaneTask<Connection>(Names.Connect(lane, address));
        }
        var own = (EpollLane)lane;
        int fd = SocketConnection.Open(address, out int error);
        return fd < 0 && Libc.IsOutOfDescriptors(error) && lane.MakesRoom is { } makeRoom
            ? ConnectInRoomAsync(own, makeRoom, address, due, handle)
            : SocketConnection.ConnectAsync(own, fd, error, address, due, handle);
    }

    /// <summary>Those who idle may end for it, and then it has one more try.</summary>
    private static async LaneTask<Connection> ConnectInRoomAsync(EpollLane lane, Action makeRoom,
        NetAddress address, long due, ConnectHandle? handle)
    {
        handle?.Forget();
        makeRoom();
        // They end from the ready queue, before whoever stands behind them.
        await lane.Yield();
        int error = Libc.ECanceled;
        int fd = handle is { IsCanceled: true } ? -1 : SocketConnection.Open(address, out error);
        return await SocketConnection.ConnectAsync(lane, fd, error, address, due, handle);
    }

    public override void Start()
    {
        foreach (EpollLane lane in _lanes)
        {
            lane.Start();
        }
    }

    public override void Dispose()
    {
        foreach (EpollLane lane in _lanes)
        {
            lane.Stop();
        }
        foreach (EpollLane lane in _lanes)
        {
            lane.End();
        }
        foreach (EpollLane lane in _lanes)
        {
            lane.Release();
        }
    }

    /// <summary>Raises the soft limit of descriptors to the hard one; the JIT host does so by itself, Native AOT does
    /// not.</summary>
    /// <returns>The limit in force.</returns>
    public static unsafe long RaiseDescriptorLimit()
    {
        Libc.ResourceLimit limit;
        if (Libc.GetRLimit(Libc.RLimitNoFile, &limit) != 0)
        {
            return -1;
        }
        if (limit.Soft < limit.Hard)
        {
            ulong soft = limit.Soft;
            limit.Soft = limit.Hard;
            if (Libc.SetRLimit(Libc.RLimitNoFile, &limit) != 0)
            {
                limit.Soft = soft;
            }
        }
        return limit.Soft > long.MaxValue ? long.MaxValue : (long)limit.Soft;
    }
}
