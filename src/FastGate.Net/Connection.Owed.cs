using FastGate.Net.Async;

namespace FastGate.Net;

/// <summary>What a flush leaves to the end of the lane's turn (<see cref="ConnectionWriter.FlushSoonAsync"/>): who does
/// so, and what becomes of a send that failed when nobody waited for it.</summary>
public abstract partial class Connection
{
    /// <summary>Small flushes may be left to the end of the turn now; then <see cref="Owe"/> sees to that.</summary>
    internal virtual bool MayOwe => false;

    /// <summary>Has the lane call <see cref="ConnectionWriter.SendOwed"/> before it waits.</summary>
    internal virtual void Owe() => throw new NotSupportedException();

    /// <summary>What was owed could not be sent, which no flush has said: a reset is an event as well, but not all that
    /// may go wrong is.</summary>
    internal void TellOfBrokenSend()
    {
        if (IsClosed)
        {
            return;
        }
        Lane lane = Lane;
        lane.Enqueue(new LaneAction(() =>
        {
            if (Lane != lane || IsClosed || IsCut)
            {
                return;
            }
            OnReadiness(readable: true, writable: true, broken: true);
            if (Lane != lane || IsClosed || IsCut)
            {
                return;
            }
            // What the peer said before is read first; where there is nothing to read nothing will come.
            if (!Readable || (!IsAwaited && Peek() == WouldBlock))
            {
                Input.OnBroken();
            }
        }));
    }
}
