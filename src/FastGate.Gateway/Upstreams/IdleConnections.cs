using FastGate.Net.Time;

namespace FastGate.Gateway.Upstreams;

/// <summary>The idle connections of one server on this lane, newest last; its timer closes the old ones.</summary>
internal sealed class IdleConnections(ConnectionPool pool) : LaneTimer
{
    private PooledConnection[] _items = [];
    private int _count;

    /// <summary>Any thread; a moment old on another one.</summary>
    public int Count => Volatile.Read(ref _count);

    public void Add(PooledConnection pooled)
    {
        if (_count == _items.Length)
        {
            Array.Resize(ref _items, Math.Max(8, _items.Length * 2));
        }
        _items[_count++] = pooled;
        pool.CountIdle(1);
        if (_count == 1 || pooled.IdleUntil < Earliest)
        {
            Earliest = pooled.IdleUntil;
            pool.Lane.Deadlines.Set(this, Earliest);
        }
    }

    public PooledConnection? TryTake()
    {
        if (_count == 0)
        {
            return null;
        }
        PooledConnection pooled = _items[--_count];
        _items[_count] = null!;
        pool.CountIdle(-1);
        return pooled;
    }

    public bool Remove(PooledConnection pooled)
    {
        int index = Array.IndexOf(_items, pooled, 0, _count);
        if (index < 0)
        {
            return false;
        }
        _count--;
        Array.Copy(_items, index + 1, _items, index, _count - index);
        _items[_count] = null!;
        pool.CountIdle(-1);
        return true;
    }

    private long Earliest { get; set; }

    protected override void OnDue()
    {
        long now = pool.Lane.Now;
        int kept = 0;
        long earliest = Never;
        for (int i = 0; i < _count; i++)
        {
            PooledConnection pooled = _items[i];
            if (pooled.IdleUntil <= now)
            {
                pool.CountIdle(-1);
                pool.End(pooled);
                continue;
            }
            earliest = Math.Min(earliest, pooled.IdleUntil);
            _items[kept++] = pooled;
        }
        Array.Clear(_items, kept, _count - kept);
        _count = kept;
        Earliest = earliest;
        pool.Lane.Deadlines.Set(this, earliest);
    }
}
