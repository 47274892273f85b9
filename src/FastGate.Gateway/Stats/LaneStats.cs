using System.Runtime.CompilerServices;

namespace FastGate.Gateway.Stats;

/// <summary>Counters of one lane: written by its thread alone, with plain adds; read by anyone, each number whole but
/// not all of the same instant.</summary>
internal sealed class LaneStats
{
    /// <summary>Statuses 100 to 599, each its own counter.</summary>
    public const int StatusMin = 100;
    public const int StatusMax = 599;

    private const int Accepted = 0;
    private const int Closed = 1;
    private const int Dialled = 2;
    private const int HungUp = 3;
    private const int BytesIn = 4;
    private const int BytesOut = 5;
    private const int FirstReason = 6;
    private const int FirstStatus = FirstReason + ReasonWords.Count;
    private const int OtherStatus = FirstStatus + StatusMax - StatusMin + 1;
    private const int Count = OtherStatus + 1;

    // Two cache lines before and after, so that no other lane's counters share one (neighbours are fetched in pairs).
    private const int Padding = 16;
    private readonly long[] _counters = new long[Padding + Count + Padding];

    /// <summary>A client's connection came to live on this lane.</summary>
    public void ClientOpened() => Add(Accepted, 1);

    public void ClientClosed() => Add(Closed, 1);

    public void UpstreamOpened() => Add(Dialled, 1);

    public void UpstreamClosed() => Add(HungUp, 1);

    /// <summary>An exchange is over.</summary>
    /// <param name="status">As sent to the client, or 499.</param>
    /// <param name="reason">Why it went wrong, or None.</param>
    /// <param name="bytesIn">Bytes of the request's body.</param>
    /// <param name="bytesOut">Bytes of the response's body.</param>
    public void Finished(int status, Reason reason, long bytesIn, long bytesOut)
    {
        Add(BytesIn, bytesIn);
        Add(BytesOut, bytesOut);
        Add(FirstReason + (int)reason, 1);
        uint index = (uint)(status - StatusMin);
        Add(index <= StatusMax - StatusMin ? FirstStatus + (int)index : OtherStatus, 1);
    }

    /// <summary>Adds this lane's numbers. Any thread.</summary>
    internal void AddTo(StatsTotals totals)
    {
        // Ends before beginnings: what is read later is not smaller, so an open count is never negative.
        long closed = Read(Closed);
        long hungUp = Read(HungUp);
        long accepted = Read(Accepted);
        totals.ClientsAccepted += accepted;
        totals.ClientsOpen += accepted - closed;
        totals.UpstreamsOpen += Read(Dialled) - hungUp;
        totals.BytesIn += Read(BytesIn);
        totals.BytesOut += Read(BytesOut);
        for (int i = 0; i < ReasonWords.Count; i++)
        {
            long count = Read(FirstReason + i);
            totals.ByReason[i] += count;
            totals.Requests += count;
        }
        for (int i = 0; i <= StatusMax - StatusMin; i++)
        {
            totals.ByStatus[i] += Read(FirstStatus + i);
        }
        totals.OtherStatus += Read(OtherStatus);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(int counter, long amount)
    {
        ref long value = ref _counters[Padding + counter];
        Volatile.Write(ref value, value + amount);
    }

    private long Read(int counter) => Volatile.Read(ref _counters[Padding + counter]);
}
