using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>Keeps <c>connections_max</c>, and the descriptors of the process, from being taken by clients that say
/// nothing: at the bound those of a lane that have been idle longest end, so that newcomers are served.</summary>
internal sealed class ConnectionRoom(GateLane lane)
{
    /// <summary>Who has been idle for less may be about to ask again.</summary>
    private const long IdleMsMin = 1_000;
    /// <summary>A flood of newcomers must not walk through all connections each time.</summary>
    private const long EveryMs = 100;
    /// <summary>Connections ended at once, the part of the bound that they may be, and that of the lane's where
    /// descriptors are short, for their number says nothing of how many there may be.</summary>
    private const int EndedMax = 256;
    private const int EndedPart = 64;
    private const int EndedPartOfLane = 8;

    private readonly ClientRanking _ranking = new(lane);
    private long _nextAt;
    private long _turn;
    private int _room;

    /// <summary>Whether one that was idle ends for a newcomer, in this turn of the lane.</summary>
    public bool TryMake()
    {
        if (_turn != lane.Lane.Turn)
        {
            // Those that ended in an earlier turn have made room for whoever came then.
            _turn = lane.Lane.Turn;
            _room = 0;
        }
        if (_room == 0)
        {
            _room = End(lane.Table.Client.ConnectionsMax / EndedPart);
        }
        if (_room == 0)
        {
            return false;
        }
        _room--;
        return true;
    }

    /// <summary>The process has no descriptor left.</summary>
    public void MakeDescriptors() => End(lane.Lane.Connections / EndedPartOfLane);

    private int End(int most)
    {
        long now = lane.Lane.Now;
        if (now < _nextAt)
        {
            return 0;
        }
        _nextAt = now + EveryMs;
        Stack<ClientLoop> longest = _ranking.Costliest(Math.Clamp(most, 1, EndedMax), client =>
            client.IdleSince is var since && since != LaneTimer.Never && now - since >= IdleMsMin
                ? now - since
                : ClientRanking.Spared);
        int ended = longest.Count;
        while (longest.TryPop(out ClientLoop? client))
        {
            client.MakeRoom();
        }
        return ended;
    }
}
