namespace FastGate.Net.Async;

/// <summary>What other threads ask of a lane: any number of writers, one reader that takes all at once.</summary>
internal sealed class ForeignQueue
{
    private LaneWork? _newest;

    public bool IsEmpty => Volatile.Read(ref _newest) is null;

    public void Push(LaneWork work)
    {
        LaneWork? seen = Volatile.Read(ref _newest);
        while (true)
        {
            work.Next = seen;
            LaneWork? found = Interlocked.CompareExchange(ref _newest, work, seen);
            if (found == seen)
            {
                return;
            }
            seen = found;
        }
    }

    /// <summary>Everything pushed so far, oldest first, linked by <see cref="LaneWork.Next"/>.</summary>
    public LaneWork? TakeAll()
    {
        if (Volatile.Read(ref _newest) is null)
        {
            return null;
        }
        LaneWork? work = Interlocked.Exchange(ref _newest, null);
        LaneWork? oldestFirst = null;
        while (work is not null)
        {
            LaneWork? next = work.Next;
            work.Next = oldestFirst;
            oldestFirst = work;
            work = next;
        }
        return oldestFirst;
    }
}
