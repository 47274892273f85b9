namespace FastGate.Net.Linux;

/// <summary>In which order what has happened is dispatched: first on connections that idle, then on those on which
/// something is under way, then, a number of them in a turn, on those at rest, whose peers begin something. So there is
/// never more under way than must be, and what is, is finished while all that belongs to it is in the core's caches:
/// in the order of its arrival an answer would wait behind hundreds of new requests.</summary>
internal sealed unsafe partial class EpollLane
{
    /// <summary>Connections at rest that go on in one turn; the others wait, in the order in which they
    /// came.</summary>
    internal const int BeginsMax = 32;

    // A list through the slots, so it needs no room of its own. A slot that is freed keeps its place in it, for the
    // connection that has it next.
    private int _firstToBegin = -1;
    private int _lastToBegin = -1;

    private protected override bool HasToBegin => _firstToBegin >= 0;

    /// <summary>Of a batch, dispatches what happened on idle connections, for the rest may want one: an answer nobody
    /// asked for would be taken for the answer of whoever came first. Lets those at rest wait.</summary>
    /// <returns>Events that are left, from the first on.</returns>
    private int SetAside(int count)
    {
        byte* left = _events;
        byte* end = _events + (count * EpollEvent.Bytes);
        for (byte* one = _events; one < end; one += EpollEvent.Bytes)
        {
            ulong data = EpollEvent.Data(one);
            uint flags = EpollEvent.Flags(one);
            if (flags != Libc.EpollOut && data != WakeData)
            {
                ref Slot slot = ref _slots[(int)(uint)data];
                if (slot.IsIdle)
                {
                    Dispatch((int)(uint)data, (uint)(data >> 32), flags);
                    continue;
                }
                if (slot.IsAtRest)
                {
                    if (slot.Generation == (uint)(data >> 32))
                    {
                        LetWait((int)(uint)data, flags);
                    }
                    continue;
                }
            }
            EpollEvent.Set(left, flags, data);
            left += EpollEvent.Bytes;
        }
        return (int)((left - _events) / EpollEvent.Bytes);
    }

    private void LetWait(int slot, uint flags)
    {
        ref Slot entry = ref _slots[slot];
        entry.Waiting |= flags;
        if (entry.IsToBegin)
        {
            return;
        }
        entry.IsToBegin = true;
        entry.NextToBegin = -1;
        entry.WaitingSince = (uint)Now;
        if (_lastToBegin >= 0)
        {
            _slots[_lastToBegin].NextToBegin = slot;
        }
        else
        {
            _firstToBegin = slot;
        }
        _lastToBegin = slot;
    }

    /// <summary>Takes those that have waited longest as a batch.</summary>
    /// <returns>How many.</returns>
    private int TakeToBegin()
    {
        int count = 0;
        BeginsWaited = HasToBegin ? (uint)Now - _slots[_firstToBegin].WaitingSince : 0;
        while (count < BeginsMax && HasToBegin)
        {
            int slot = _firstToBegin;
            ref Slot entry = ref _slots[slot];
            _firstToBegin = entry.NextToBegin;
            entry.IsToBegin = false;
            if (entry.Waiting != 0)
            {
                EpollEvent.Set(_events + (count * EpollEvent.Bytes), entry.Waiting, Data(slot, entry.Generation));
                entry.Waiting = 0;
                count++;
            }
        }
        if (!HasToBegin)
        {
            _lastToBegin = -1;
        }
        return count;
    }
}
