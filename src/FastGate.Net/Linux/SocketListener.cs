using FastGate.Net.Async;

namespace FastGate.Net.Linux;

/// <summary>Listens on one address: a socket per lane for TCP (SO_REUSEPORT), one for all lanes for a Unix
/// path.</summary>
internal sealed class SocketListener : Listener
{
    private readonly SocketAcceptor[] _acceptors;
    private readonly string? _unixPath;
    private int _stopped;
    private int _draining;

    private SocketListener(NetAddress address, SocketAcceptor[] acceptors)
    {
        Address = address;
        _acceptors = acceptors;
        _unixPath = address.Kind == NetAddress.AddressKind.Unix ? address.Path : null;
    }

    public override NetAddress Address { get; }

    public static SocketListener Bind(EpollLane[] lanes, NetAddress address, bool leavesSpare,
        Action<int> exhausted)
    {
        bool unix = address.Kind == NetAddress.AddressKind.Unix;
        int first;
        if (unix)
        {
            first = ListeningSocket.OpenUnix(address);
        }
        else
        {
            if (address.Port != 0)
            {
                // Without SO_REUSEPORT: a port that another process has must be an error, not a silent sharing.
                ListeningSocket.Close(ListeningSocket.OpenTcp(address, reusePort: false, listen: false));
            }
            first = ListeningSocket.OpenTcp(address, reusePort: true, listen: true);
            address = ListeningSocket.AddressOf(first, address);
        }
        int[] descriptors = OpenAll(first, address, unix ? 1 : lanes.Length);
        var acceptors = new SocketAcceptor[lanes.Length];
        for (int i = 0; i < lanes.Length; i++)
        {
            int descriptor = i < descriptors.Length ? descriptors[i] : -1;
            acceptors[i] = new SocketAcceptor(lanes[i], descriptor, acceptors, leavesSpare, exhausted);
        }
        foreach (SocketAcceptor acceptor in acceptors)
        {
            acceptor.Lane.Post(new LaneAction(acceptor.Open));
        }
        return new SocketListener(address, acceptors);
    }

    private static int[] OpenAll(int first, NetAddress address, int count)
    {
        int[] descriptors = new int[count];
        descriptors[0] = first;
        for (int i = 1; i < count; i++)
        {
            try
            {
                descriptors[i] = ListeningSocket.OpenTcp(address, reusePort: true, listen: true);
            }
            catch (BindException)
            {
                foreach (int descriptor in descriptors.AsSpan(0, i))
                {
                    ListeningSocket.Close(descriptor);
                }
                throw;
            }
        }
        return descriptors;
    }

    public override LaneTask<Connection?> AcceptAsync(Lane lane) => _acceptors[lane.Index].AcceptAsync();

    public override void Stop()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }
        if (_unixPath is not null)
        {
            ListeningSocket.Unlink(_unixPath);
        }
        _draining = _acceptors.Length;
        foreach (SocketAcceptor acceptor in _acceptors)
        {
            acceptor.Lane.Post(new LaneAction(() => Drain(acceptor)));
        }
    }

    /// <summary>A lane may give what it accepts last to another one that has drained already, so nobody is told of the
    /// end before all have: what they gave away was posted before that.</summary>
    private void Drain(SocketAcceptor acceptor)
    {
        acceptor.Drain();
        if (Interlocked.Decrement(ref _draining) > 0)
        {
            return;
        }
        foreach (SocketAcceptor sibling in _acceptors)
        {
            sibling.Lane.Post(new LaneAction(sibling.End));
        }
    }
}
