using System.Runtime.InteropServices;
using FastGate.Net.Time;

namespace FastGate.Gateway.Upstreams;

/// <summary>What came of the requests that a server was asked to answer: a cell per lane, written by its thread alone,
/// added up when somebody reads.</summary>
internal sealed class ServerStats(int laneCount)
{
    private readonly Cell[] _cells = new Cell[laneCount];

    /// <summary>The head of its answer to a request is there. Its own 5xx are answers.</summary>
    /// <param name="lane">The index of the caller's lane.</param>
    /// <param name="latencyUs">From the whole request sent to the whole head of the answer; negative when that came
    /// before the request was sent.</param>
    /// <param name="now">The lane's milliseconds.</param>
    public void Answered(int lane, long latencyUs, long now)
    {
        ref Cell cell = ref _cells[lane];
        Volatile.Write(ref cell.Requests, cell.Requests + 1);
        if (latencyUs >= 0)
        {
            (cell.Latency ?? AddLatency(ref cell)).Record(now, latencyUs);
        }
    }

    /// <summary>There will be no answer to a request.</summary>
    /// <param name="lane">The index of the caller's lane.</param>
    /// <param name="isError">The server is to blame.</param>
    public void Failed(int lane, bool isError)
    {
        ref Cell cell = ref _cells[lane];
        Volatile.Write(ref cell.Requests, cell.Requests + 1);
        if (isError)
        {
            Broke(lane);
        }
    }

    /// <summary>The rest of an answer whose head was there is missing.</summary>
    /// <param name="lane">The index of the caller's lane.</param>
    public void Broke(int lane)
    {
        ref long errors = ref _cells[lane].Errors;
        Volatile.Write(ref errors, errors + 1);
    }

    /// <summary>Requests and errors since the start. Any thread.</summary>
    public (long Requests, long Errors) Sum()
    {
        long requests = 0;
        long errors = 0;
        for (int i = 0; i < _cells.Length; i++)
        {
            // In this order: never more errors than requests.
            errors += Volatile.Read(ref _cells[i].Errors);
            requests += Volatile.Read(ref _cells[i].Requests);
        }
        return (requests, errors);
    }

    /// <summary>Adds the latencies of the last minute. Any thread.</summary>
    public void AddLatencyTo(HistogramReading reading, long now)
    {
        for (int i = 0; i < _cells.Length; i++)
        {
            Volatile.Read(ref _cells[i].Latency)?.AddTo(reading, now);
        }
    }

    /// <summary>With the first answer, for most servers of a large configuration may never give one.</summary>
    private static WindowHistogram AddLatency(ref Cell cell)
    {
        var latency = new WindowHistogram();
        Volatile.Write(ref cell.Latency, latency);
        return latency;
    }

    /// <summary>Cache lines of its own, so that lanes do not slow each other down.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Cell
    {
        [FieldOffset(64)]
        public WindowHistogram? Latency;
        [FieldOffset(72)]
        public long Requests;
        [FieldOffset(80)]
        public long Errors;
    }
}
