using System.Collections.Concurrent;
using FastGate.Net.Async;

namespace FastGate.Net.Memory;

/// <summary>The names that something inside this process listens on.</summary>
public sealed class MemoryNames
{
    /// <summary>Bytes under way in each direction of one connection.</summary>
    public const int WireBytesMax = 64 * 1024;

    private readonly ConcurrentDictionary<string, MemoryListener> _listeners = new(StringComparer.Ordinal);

    internal MemoryListener Bind(NetAddress address, int laneCount)
    {
        var listener = new MemoryListener(this, address, laneCount);
        return _listeners.TryAdd(address.Text, listener)
            ? listener
            : throw new BindException(address, 0, "the name is in use");
    }

    internal Connection Connect(Lane lane, NetAddress address)
    {
        if (!_listeners.TryGetValue(address.Text, out MemoryListener? listener))
        {
            return MemoryConnection.Refused(lane, address);
        }
        (MemoryConnection client, MemoryConnection server) = MemoryConnection.Pair(lane, address, WireBytesMax);
        listener.Take(server);
        return client;
    }

    internal void Remove(MemoryListener listener) =>
        _listeners.TryRemove(new KeyValuePair<string, MemoryListener>(listener.Address.Text, listener));
}

/// <summary>Gives the server ends of connections inside the process to the lane they were made on.</summary>
internal sealed class MemoryListener : Listener
{
    private readonly MemoryNames _names;
    private readonly Queue[] _queues;
    private volatile bool _stopped;

    public MemoryListener(MemoryNames names, NetAddress address, int laneCount)
    {
        _names = names;
        Address = address;
        _queues = new Queue[laneCount];
        for (int i = 0; i < laneCount; i++)
        {
            _queues[i] = new Queue();
        }
    }

    public override NetAddress Address { get; }

    public override ValueTask<Connection?> AcceptAsync(Lane lane)
    {
        lane.AssertCurrent();
        Queue queue = _queues[lane.Index];
        queue.Lane = lane;
        if (queue.Waiting.TryDequeue(out Connection? connection))
        {
            return new ValueTask<Connection?>(connection);
        }
        return _stopped ? new ValueTask<Connection?>((Connection?)null) : queue.Wait.Begin();
    }

    public override void Stop()
    {
        _stopped = true;
        _names.Remove(this);
        foreach (Queue queue in _queues)
        {
            queue.Lane?.Post(new LaneAction(() =>
            {
                if (queue.Wait.IsPending)
                {
                    queue.Wait.CompleteQueued(null, queue.Lane);
                }
            }));
        }
    }

    public void Take(MemoryConnection connection)
    {
        Queue queue = _queues[connection.Lane.Index];
        if (queue.Wait.IsPending)
        {
            queue.Wait.CompleteQueued(connection, connection.Lane);
        }
        else
        {
            queue.Waiting.Enqueue(connection);
        }
    }

    private sealed class Queue
    {
        public readonly Queue<Connection> Waiting = new();
        public readonly LaneSource<Connection?> Wait = new();
        public Lane? Lane;
    }
}
