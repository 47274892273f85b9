namespace FastGate.Net.Time;

/// <summary>The deadlines of one lane: a binary heap ordered by the time each timer asked to be looked at. A timer that
/// moves later stays where it is and is put back when its old time comes, so a busy connection costs one heap operation
/// per timeout's length, not one per exchange.</summary>
public sealed class DeadlineQueue
{
    private LaneTimer[] _heap = new LaneTimer[64];

    public int Count { get; private set; }

    /// <summary>Sets when <paramref name="timer"/> is due; <see cref="LaneTimer.Never"/> disarms it.</summary>
    public void Set(LaneTimer timer, long due)
    {
        timer.Due = due;
        if (due == LaneTimer.Never)
        {
            return;
        }
        if (timer.HeapIndex < 0)
        {
            Insert(timer, due);
        }
        else if (due < timer.QueuedAt)
        {
            timer.QueuedAt = due;
            SiftUp(timer.HeapIndex);
        }
    }

    /// <summary>Takes the timer out for good.</summary>
    public void Remove(LaneTimer timer)
    {
        timer.Due = LaneTimer.Never;
        int index = timer.HeapIndex;
        if (index < 0)
        {
            return;
        }
        timer.HeapIndex = -1;
        LaneTimer last = _heap[--Count];
        _heap[Count] = null!;
        if (last != timer)
        {
            Place(last, index);
            SiftDown(index);
            SiftUp(last.HeapIndex);
        }
    }

    /// <summary>The next timer that is due at <paramref name="now"/>, or null.</summary>
    public LaneTimer? TakeDue(long now)
    {
        while (Count > 0 && _heap[0].QueuedAt <= now)
        {
            LaneTimer timer = _heap[0];
            if (timer.Due <= now)
            {
                Remove(timer);
                return timer;
            }
            if (timer.Due == LaneTimer.Never)
            {
                Remove(timer);
            }
            else
            {
                timer.QueuedAt = timer.Due;
                SiftDown(0);
            }
        }
        return null;
    }

    /// <summary>Milliseconds until the queue must be looked at again; -1 when nothing waits.</summary>
    public int MillisecondsUntilNext(long now)
    {
        // Timers that were disarmed are dropped here rather than woken up for.
        while (Count > 0 && _heap[0].Due == LaneTimer.Never)
        {
            Remove(_heap[0]);
        }
        if (Count == 0)
        {
            return -1;
        }
        return (int)Math.Clamp(_heap[0].QueuedAt - now, 0, int.MaxValue);
    }

    private void Insert(LaneTimer timer, long due)
    {
        if (Count == _heap.Length)
        {
            Array.Resize(ref _heap, _heap.Length * 2);
        }
        timer.QueuedAt = due;
        Place(timer, Count++);
        SiftUp(timer.HeapIndex);
    }

    private void Place(LaneTimer timer, int index)
    {
        _heap[index] = timer;
        timer.HeapIndex = index;
    }

    private void SiftUp(int index)
    {
        LaneTimer timer = _heap[index];
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (_heap[parent].QueuedAt <= timer.QueuedAt)
            {
                break;
            }
            Place(_heap[parent], index);
            index = parent;
        }
        Place(timer, index);
    }

    private void SiftDown(int index)
    {
        LaneTimer timer = _heap[index];
        while (true)
        {
            int child = (2 * index) + 1;
            if (child >= Count)
            {
                break;
            }
            if (child + 1 < Count && _heap[child + 1].QueuedAt < _heap[child].QueuedAt)
            {
                child++;
            }
            if (_heap[child].QueuedAt >= timer.QueuedAt)
            {
                break;
            }
            Place(_heap[child], index);
            index = child;
        }
        Place(timer, index);
    }
}
