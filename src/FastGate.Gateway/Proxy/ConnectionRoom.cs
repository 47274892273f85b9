using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>Keeps <c>connections_max</c> from being taken by clients that say nothing: at the bound those of a lane
/// that have been idle longest end, so that newcomers are served.</summary>
internal sealed class ConnectionRoom(GateLane lane)
{
    /// <summary>Who has been idle for less may be about to ask again.</summary>
    private const long IdleMsMin = 1_000;
    /// <summary>A flood of newcomers must not walk through all connections each time.</summary>
    private const long EveryMs = 100;
    /// <summary>Connections ended at once, and the part of the bound that they may be.</summary>
    private const int EndedMax = 256;
    private const int EndedPart = 64;

    /// <summary>The one that has been idle for the shortest time comes first.</summary>
    private readonly PriorityQueue<ClientLoop, long> _longest = new();
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
        if (_room == 0 && lane.Lane.Now >= _nextAt)
        {
            _nextAt = lane.Lane.Now + EveryMs;
            _room = End();
        }
        if (_room == 0)
        {
            return false;
        }
        _room--;
        return true;
    }

    private int End()
    {
        int most = Math.Min(EndedMax, 1 + (lane.Table.Client.ConnectionsMax / EndedPart));
        long latest = lane.Lane.Now - IdleMsMin;
        for (ClientLoop? client = lane.FirstClient; client is not null; client = client.Next)
        {
            long since = client.IdleSince;
            if (since == LaneTimer.Never || since > latest)
            {
                continue;
            }
            _longest.Enqueue(client, -since);
            if (_longest.Count > most)
            {
                _longest.Dequeue();
            }
        }
        int ended = _longest.Count;
        while (_longest.TryDequeue(out ClientLoop? client, out _))
        {
            client.MakeRoom();
        }
        return ended;
    }
}
