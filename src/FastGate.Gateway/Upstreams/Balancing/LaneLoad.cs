using System.Runtime.InteropServices;

namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>What one lane has under way at each server of an upstream, and how long they took to answer it: a cell per
/// server. Only the lane writes it, so that no line of memory is fought for; the others read it. The cells of a lane
/// lie together, 16 bytes each, and apart from every other lane's.</summary>
internal sealed class LaneLoad
{
    /// <summary>128 bytes before and behind: lines are fetched in pairs.</summary>
    private const int Padding = 8;

    private readonly Cell[] _cells;

    public LaneLoad(int servers) => _cells = new Cell[Padding + 1 + servers + Padding];

    /// <summary>Exchanges under way at all servers together.</summary>
    public int Total => Volatile.Read(ref _cells[Padding].Active);

    /// <summary>Exchanges under way at a server.</summary>
    public int Active(int server) => Volatile.Read(ref _cells[Padding + 1 + server].Active);

    /// <summary>See <see cref="PeakEwma"/>.</summary>
    public long Latency(int server) => Volatile.Read(ref _cells[Padding + 1 + server].Latency);

    /// <summary>Counts an exchange in or out.</summary>
    public void Count(int server, int change)
    {
        ref Cell cell = ref _cells[Padding + 1 + server];
        Volatile.Write(ref cell.Active, cell.Active + change);
        ref Cell total = ref _cells[Padding];
        Volatile.Write(ref total.Active, total.Active + change);
    }

    /// <summary>See <see cref="Server.Finished"/>.</summary>
    public void Finished(int server, long latencyUs, Outcome outcome, long now)
    {
        ref long latency = ref _cells[Padding + 1 + server].Latency;
        long after = outcome switch
        {
            Outcome.ServerError or >= Outcome.Unavailable => PeakEwma.AfterFailure(latency, latencyUs, now),
            _ when latencyUs < 0 => latency,
            Outcome.Answered => PeakEwma.After(latency, latencyUs, now),
            // It would have taken longer still.
            _ => latencyUs > PeakEwma.At(latency, now) ? PeakEwma.After(latency, latencyUs, now) : latency,
        };
        Volatile.Write(ref latency, after);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Cell
    {
        public long Latency;
        public int Active;
    }
}
