using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Upstreams;

/// <summary>The exchanges of all lanes that wait for a connection of one upstream, the longest waiting first. Locked,
/// for it is touched only when every permit is out.</summary>
public sealed class WaitQueue(int waitersMax)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<PoolWait> _waiters = new();
    private int _count;

    /// <summary>How many wait; cheap, any thread.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>False when the queue is full.</summary>
    internal bool TryEnqueue(PoolWait wait)
    {
        lock (_lock)
        {
            if (_count >= waitersMax)
            {
                return false;
            }
            wait.Node.Value = wait;
            _waiters.AddLast(wait.Node);
            _count++;
            return true;
        }
    }

    internal PoolWait? TryDequeue()
    {
        if (Count == 0)
        {
            return null;
        }
        lock (_lock)
        {
            LinkedListNode<PoolWait>? first = _waiters.First;
            if (first is null)
            {
                return null;
            }
            _waiters.RemoveFirst();
            _count--;
            return first.Value;
        }
    }

    /// <summary>False when somebody took it out already: a connection is on its way to it.</summary>
    internal bool TryRemove(PoolWait wait)
    {
        lock (_lock)
        {
            if (wait.Node.List is null)
            {
                return false;
            }
            _waiters.Remove(wait.Node);
            _count--;
            return true;
        }
    }
}

/// <summary>What one exchange asks a pool for, and its wait for a connection: reused from wait to wait. Its result is a
/// connection, a permit to dial (<see cref="Permit"/>), or neither when the time is up, the wait was given up, or no
/// server is usable any more.</summary>
public sealed class PoolWait : LaneTimer
{
    private readonly LaneSource<PooledConnection?> _source = new();
    private readonly LaneAction _arrived;
    private WaitQueue? _queue;

    /// <summary>The servers this exchange was at in vain.</summary>
    public TriedServers Tried;

    public PoolWait()
    {
        Node = new LinkedListNode<PoolWait>(this);
        _arrived = new LaneAction(() =>
        {
            Lane.Deadlines.Remove(this);
            _source.CompleteQueued(null, Lane);
        });
    }

    /// <summary>The exchange's key for <see cref="Balance.Hash"/>; 0 for none.</summary>
    public ulong Key { get; set; }

    /// <summary>Where it goes next, whatever else could be chosen; null leaves it to the balancer. See
    /// <see cref="Upstream.LastResort"/>.</summary>
    public Server? LastResort { get; set; }

    /// <summary>It is for a second copy, which never queues: others have none yet.</summary>
    public bool IsHedge { get; set; }

    /// <summary>The exchange is over: the next one asks for itself.</summary>
    public void Forget()
    {
        Key = 0;
        LastResort = null;
        Tried.Clear();
    }

    internal LinkedListNode<PoolWait> Node { get; }

    internal Lane Lane { get; private set; } = null!;

    /// <summary>A server whose permit came instead of a connection.</summary>
    internal Server? Permit { get; private set; }

    internal LaneTask<PooledConnection?> Begin(WaitQueue queue, Lane lane, long due)
    {
        _queue = queue;
        Lane = lane;
        Permit = null;
        lane.Deadlines.Set(this, due);
        return _source.Begin();
    }

    /// <summary>Waits so many milliseconds before it is asked for again; <see cref="GiveUp"/> ends that too.</summary>
    internal LaneTask<PooledConnection?> PauseAsync(Lane lane, long milliseconds)
    {
        _queue = null;
        Lane = lane;
        lane.Deadlines.Set(this, lane.Now + milliseconds);
        return _source.Begin();
    }

    /// <summary>The connect that is under way for this exchange.</summary>
    internal ConnectHandle Connect { get; } = new();

    /// <summary>Ends the wait with nothing, unless a connection is already on its way; and the connect, if it has come
    /// to that. On its lane.</summary>
    public void GiveUp()
    {
        Connect.Cancel();
        if (_source.IsPending && (_queue is null || _queue.TryRemove(this)))
        {
            Lane.Deadlines.Remove(this);
            _source.CompleteQueued(null, Lane);
        }
    }

    /// <summary>Ends a wait that the queue did not take.</summary>
    internal void Refuse()
    {
        Lane.Deadlines.Remove(this);
        _source.CompleteQueued(null, Lane);
    }

    internal void Complete(PooledConnection connection)
    {
        Lane.Deadlines.Remove(this);
        _source.CompleteQueued(connection, Lane);
    }

    /// <summary>Gives it a permit of <paramref name="server"/>; null: there is no server to wait for. Any thread, after
    /// it was taken out of the queue.</summary>
    internal void CompleteWithPermit(Server? server)
    {
        Permit = server;
        Lane.Post(_arrived);
    }

    protected override void OnDue() => GiveUp();
}
