using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace FastGate.Net.Linux;

/// <summary>What is done for a batch of events ahead of their turn. With a thousand connections each event meets a
/// dozen objects that other connections have pushed out of the cache since: they are asked for while the events before
/// theirs are worked on, each by the one that names it, a step further with each event.</summary>
internal sealed unsafe partial class EpollLane
{
    /// <summary>Connections received for before the first of their readers goes on; more would only hold more
    /// buffers.</summary>
    internal const int AheadMax = 32;

    // Lines of 64 bytes, of each kind of object those that a turn touches.
    private const int ConnectionLines = 4;
    private const int ReaderLines = 3;
    private const int WriterLines = 2;
    private const int WaiterLines = 5;

    /// <summary>Receives what reads wait for, one receive after the other: the kernel's part and ours are each larger
    /// than the first cache of instructions, and taking turns at every message they would push each other
    /// out.</summary>
    private void ReceiveAhead(int from, int to)
    {
        const uint Plain = Libc.EpollIn | Libc.EpollOut;
        byte* one = _events + (from * EpollEvent.Bytes);
        try
        {
            for (int i = from; i < to; i++, one += EpollEvent.Bytes)
            {
                FetchForReceive(one, to - i);
                ulong data = EpollEvent.Data(one);
                uint flags = EpollEvent.Flags(one);
                if ((flags & Libc.EpollIn) != 0 && (flags & ~Plain) == 0 && data != WakeData
                    && _slots[(int)(uint)data] is { Target: SocketConnection connection } slot
                    && slot.Generation == (uint)(data >> 32) && connection.TryReceiveAhead())
                {
                    EpollEvent.Set(one, flags & Libc.EpollOut, data);
                }
            }
        }
        catch (Exception exception)
        {
            // Whoever it was is dispatched all the same, and pays for it there.
            Guard(exception);
        }
    }

    private void FetchSlots(int count)
    {
        byte* one = _events;
        for (int i = 0; i < count; i++, one += EpollEvent.Bytes)
        {
            uint slot = (uint)EpollEvent.Data(one);
            if (slot < (uint)_slots.Length && Sse.IsSupported)
            {
                Sse.Prefetch0(Unsafe.AsPointer(ref _slots[slot]));
            }
        }
    }

    /// <param name="one">The event whose turn it is.</param>
    /// <param name="left">Events of which it is the first.</param>
    private void FetchForReceive(byte* one, int left)
    {
        if (left > 2)
        {
            Fetch(TargetOf(one + (2 * EpollEvent.Bytes)), ConnectionLines);
        }
        if (left > 1 && TargetOf(one + EpollEvent.Bytes) is SocketConnection next)
        {
            Fetch(next.InputInUse, ReaderLines);
        }
    }

    /// <inheritdoc cref="FetchForReceive"/>
    private void FetchForDispatch(byte* one, int left)
    {
        if (left > 3 && TargetOf(one + (3 * EpollEvent.Bytes)) is SocketConnection third)
        {
            Fetch(third, ConnectionLines);
            Fetch(third.InputInUse, ReaderLines);
        }
        if (left > 2 && TargetOf(one + (2 * EpollEvent.Bytes)) is SocketConnection second)
        {
            Fetch(second.OutputInUse, WriterLines);
            Fetch(second.Waiter, WaiterLines);
        }
        if (left > 1 && TargetOf(one + EpollEvent.Bytes) is SocketConnection { Waiter: { } waiter })
        {
            Fetch(waiter.Waiter, WaiterLines);
        }
    }

    private object? TargetOf(byte* one)
    {
        uint slot = (uint)EpollEvent.Data(one);
        return slot < (uint)_slots.Length ? _slots[slot].Target : null;
    }

    /// <summary>Asks for the first lines of an object. Only a hint: the collector may move it meanwhile, and nothing
    /// faults.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(object? target, int lines)
    {
        if (!Sse.IsSupported)
        {
            return;
        }
        byte* address = (byte*)Unsafe.As<object?, nint>(ref target);
        for (int i = 0; i < lines; i++)
        {
            Sse.Prefetch0(address + (i * 64));
        }
    }
}
