using FastGate.Net.Buffers;
using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>Keeps a lane within its part of <c>memory_max</c>: ends connections that wait for a peer, those first that
/// have cost most, which is what they hold times how long they have waited. So a client that leaves a buffer unread
/// makes room before one that is merely idle.</summary>
internal sealed class MemoryRoom(GateLane lane)
{
    /// <summary>Connections ended at once: the next pass finds more.</summary>
    private const int EndedMax = 1024;
    /// <summary>A flood of refused requests must not walk through all connections each time.</summary>
    private const long EveryMs = 100;
    /// <summary>Room for this part of the bound is made besides what it is over, or the next buffer would ask
    /// again.</summary>
    private const int SpareOfMax = 64;

    private readonly ClientRanking _ranking = new(lane);
    private long _nextAt;

    /// <summary>A request was refused for want of memory.</summary>
    public void MakeInTime()
    {
        if (lane.Lane.Now >= _nextAt)
        {
            Make();
        }
    }

    /// <summary>Ends as many as it takes.</summary>
    public void Make()
    {
        LaneMemory memory = lane.Lane.Memory;
        long over = memory.Used - memory.Max;
        if (over <= 0)
        {
            return;
        }
        long now = lane.Lane.Now;
        _nextAt = now + EveryMs;
        // A millisecond more, so that among those that have just come the bytes still count.
        Stack<ClientLoop> ranked = _ranking.Costliest(EndedMax, client =>
            client.WaitingSince is var since && since != LaneTimer.Never
                ? client.HeldBytes * (now - since + 1)
                : ClientRanking.Spared);
        long wanted = over + (memory.Max / SpareOfMax);
        while (wanted > 0 && ranked.TryPop(out ClientLoop? client))
        {
            wanted -= client.HeldBytes;
            client.MakeRoom();
        }
    }
}
