using System.Runtime.CompilerServices;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>The load of servers as one lane sees it: what it does itself exactly, and what the others do as it was when
/// it last looked, at most <see cref="FreshMs"/> ago. Looking costs a line of memory per lane, which is why it is not
/// done for every choice.</summary>
internal sealed class LoadView
{
    public const int FreshMs = 4;

    /// <summary>Four servers are looked at together: their cells lie in one or two lines of memory, and whether one of
    /// them alone is due cannot be foreseen. Not where averages are read, which costs more than the wrong
    /// guess.</summary>
    private readonly int _blockBits;

    private readonly LaneLoad _own;
    private readonly LaneLoad[] _others;
    private readonly Seen[] _seen;

    /// <summary>When they were looked at, by block.</summary>
    private readonly uint[] _seenAt;

    private readonly bool _hasLatencies;
    private int _total;
    private uint _totalAt = Never;

    /// <param name="all">What the lanes have to do.</param>
    /// <param name="lane">Whose view it is.</param>
    /// <param name="servers">How many servers the upstream has.</param>
    /// <param name="hasLatencies">Whether <see cref="LatencyUs"/> will be asked: the others' averages cost more to read
    /// than what they have under way.</param>
    public LoadView(LaneLoad[] all, int lane, int servers, bool hasLatencies)
    {
        _hasLatencies = hasLatencies;
        _blockBits = hasLatencies ? 0 : 2;
        _own = all[lane];
        _others = [.. all.Where(load => load != _own)];
        _seen = _others.Length == 0 ? [] : new Seen[servers];
        _seenAt = new uint[(_seen.Length + (1 << _blockBits) - 1) >> _blockBits];
        Array.Fill(_seenAt, Never);
    }

    private static uint Never => unchecked((uint)-FreshMs);

    public bool IsAlone => _others.Length == 0;

    public int OtherLanes => _others.Length;

    /// <summary>Exchanges under way at a server.</summary>
    public int Active(int server, long now)
    {
        Refresh(server, now);
        return ActiveSeen(server);
    }

    /// <summary>The same, without looking at the others again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ActiveSeen(int server) => _own.Active(server) + (IsAlone ? 0 : _seen[server].Active);

    /// <summary>Exchanges under way at all servers of the upstream.</summary>
    public int Total(long now)
    {
        if (IsAlone)
        {
            return _own.Total;
        }
        if (IsOld(_totalAt, now))
        {
            int sum = 0;
            foreach (LaneLoad other in _others)
            {
                sum += other.Total;
            }
            _total = sum;
            _totalAt = (uint)now;
        }
        return _own.Total + _total;
    }

    /// <summary>Looks at what the other lanes say of a server, if that is due.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refresh(int server, long now)
    {
        if (!IsAlone && IsOld(_seenAt[server >> _blockBits], now))
        {
            LookAgain(server >> _blockBits, now);
        }
    }

    /// <summary>How long a server takes to answer in microseconds, by what the lane says that thinks worst of it: as if
    /// all of them had told one average, a slow answer or a failure of one warns all. 0 when nothing is known. The
    /// others are not looked at again.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float LatencyUs(int server, long now, out int active)
    {
        float own = PeakEwma.At(_own.Latency(server), now);
        active = _own.Active(server);
        if (IsAlone)
        {
            return own;
        }
        ref readonly Seen seen = ref _seen[server];
        active += seen.Active;
        return float.MaxNative(own, seen.LatencyUs);
    }

    private void LookAgain(int block, long now)
    {
        _seenAt[block] = (uint)now;
        Span<Seen> seen = _seen.AsSpan(block << _blockBits);
        seen = seen[..Math.Min(seen.Length, 1 << _blockBits)];
        seen.Clear();
        foreach (LaneLoad other in _others)
        {
            for (int i = 0; i < seen.Length; i++)
            {
                int server = (block << _blockBits) + i;
                seen[i].Active += other.Active(server);
                if (_hasLatencies)
                {
                    seen[i].LatencyUs = float.MaxNative(
                        seen[i].LatencyUs, PeakEwma.At(other.Latency(server), now));
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsOld(uint at, long now) => unchecked((uint)now - at) >= FreshMs;

    private struct Seen
    {
        public float LatencyUs;
        public int Active;
    }
}
