using System.Collections.Concurrent;
using FastGate.Net.Async;

namespace FastGate.Net.Memory;

/// <summary>The names that something inside this process listens on.</summary>
public sealed class MemoryNames
{
    /// <summary>Bytes under way in each direction of one connection.</summary>
    public const int WireBytesMax = 64 * 1024;

    private readonly ConcurrentDictionary<string, MemoryListener> _listeners = new(StringComparer.Ordinal);

    internal MemoryListener Bind(NetAddress address, IReadOnlyList<Lane> lanes)
    {
        var listener = new MemoryListener(this, address, lanes);
        return _listeners.TryAdd(address.Text, listener)
            ? listener
            : throw new BindException(address, Linux.Libc.EAddrInUse, "the name is in use");
    }

    internal Connection Connect(Lane lane, NetAddress address)
    {
        if (!_listeners.TryGetValue(address.Text, out MemoryListener? listener) || listener.HasEnded(lane))
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
    private int _stopped;

    public MemoryListener(MemoryNames names, NetAddress address, IReadOnlyList<Lane> lanes)
    {
        _names = names;
        Address = address;
        _queues = [.. lanes.Select(lane => new Queue(lane))];
    }

    public override NetAddress Address { get; }

    public override LaneTask<Connection?> AcceptAsync(Lane lane)
    {
        lane.AssertCurrent();
        Queue queue = _queues[lane.Index];
        if (queue.Waiting.TryDequeue(out Connection? connection))
        {
            return new LaneTask<Connection?>(connection);
        }
        return queue.Ended ? new LaneTask<Connection?>((Connection?)null) : queue.Wait.Begin();
    }

    public override void Stop()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }
        _names.Remove(this);
        foreach (Queue queue in _queues)
        {
            queue.Lane.Post(new LaneAction(queue.End));
        }
    }

    /// <summary>The lane's queue has been closed: a connection put there would wait for ever.</summary>
    public bool HasEnded(Lane lane) => _queues[lane.Index].Ended;

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

    /// <summary>One lane's part, touched by its thread alone.</summary>
    private sealed class Queue(Lane lane)
    {
        public readonly Lane Lane = lane;
        public readonly Queue<Connection> Waiting = new();
        public readonly LaneSource<Connection?> Wait = new();
        public bool Ended;

        public void End()
        {
            Ended = true;
            if (Wait.IsPending)
            {
                Wait.CompleteQueued(null, Lane);
            }
        }
    }
}
