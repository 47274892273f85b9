using System.Runtime.CompilerServices;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>The load of servers as one lane sees it: what it does itself exactly, and what the others do as it was when
/// it last looked, at most <see cref="FreshMs"/> ago. Looking costs a line of memory per lane, which is why it is not
/// done for every choice.</summary>
internal sealed class LoadView
{
    public const int FreshMs = 4;

    private readonly LaneLoad _own;
    private readonly LaneLoad[] _others;
    private readonly Seen[] _seen;
    private readonly bool _hasLatencies;
    private Seen _total = Seen.Never;

    /// <param name="all">What the lanes have to do.</param>
    /// <param name="lane">Whose view it is.</param>
    /// <param name="servers">How many servers the upstream has.</param>
    /// <param name="hasLatencies">Whether <see cref="LatencyUs"/> will be asked: the others' averages cost more to read
    /// than what they have under way.</param>
    public LoadView(LaneLoad[] all, int lane, int servers, bool hasLatencies)
    {
        _hasLatencies = hasLatencies;
        _own = all[lane];
        _others = [.. all.Where(load => load != _own)];
        _seen = _others.Length == 0 ? [] : new Seen[servers];
        Array.Fill(_seen, Seen.Never);
    }

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
        if (_total.IsOld(now))
        {
            int sum = 0;
            foreach (LaneLoad other in _others)
            {
                sum += other.Total;
            }
            _total = new Seen { At = (uint)now, Active = sum };
        }
        return _own.Total + _total.Active;
    }

    /// <summary>Looks at what the other lanes say of a server, if that is due.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refresh(int server, long now)
    {
        if (!IsAlone && _seen[server].IsOld(now))
        {
            LookAgain(server, now);
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

    private void LookAgain(int server, long now)
    {
        int sum = 0;
        float worst = 0;
        foreach (LaneLoad other in _others)
        {
            sum += other.Active(server);
            if (_hasLatencies)
            {
                worst = float.MaxNative(worst, PeakEwma.At(other.Latency(server), now));
            }
        }
        _seen[server] = new Seen { At = (uint)now, Active = sum, LatencyUs = worst };
    }

    private struct Seen
    {
        public float LatencyUs;
        public int Active;
        public uint At;

        public static Seen Never => new() { At = unchecked((uint)-FreshMs) };

        public readonly bool IsOld(long now) => unchecked((uint)now - At) >= FreshMs;
    }
}
