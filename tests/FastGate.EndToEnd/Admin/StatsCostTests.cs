using FastGate.Net;
using FastGate.Tests;

namespace FastGate.EndToEnd.Admin;

/// <summary>What reading <c>/stats</c> costs the lanes: nothing.</summary>
[Collection(Alone.Name)]
public sealed class StatsCostTests
{
    private const int Warmups = 50;
    private const int Rounds = 100;

    /// <summary>Counted on the lanes' own threads, so that what readers and the test allocate is not in it.</summary>
    [Fact]
    public void While_it_is_read_without_pause_the_lanes_allocate_nothing()
    {
        using var upstream = new AnsweringUpstream(Expect.Ok);
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address), lanes: 2);
        using var admin = new AdminOnLoopback(gate);
        bool stop = false;
        int[] pages = new int[2];
        Thread[] readers = [.. Enumerable.Range(0, pages.Length).Select(i => new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                Assert.StartsWith("HTTP/1.1 200 ", admin.Ask("/stats"), StringComparison.Ordinal);
                Interlocked.Increment(ref pages[i]);
            }
        }))];
        Wire[] clients = [.. Enumerable.Range(0, 8).Select(_ => gate.Connect())];
        for (int i = 0; i < Warmups; i++)
        {
            Round(clients);
        }
        Array.ForEach(readers, reader => reader.Start());
        try
        {
            Expect.Await(() => pages.Min() > 0, "nobody reads");
            long fewest = long.MaxValue;
            for (int attempt = 0; attempt < 5 && fewest > 0; attempt++)
            {
                long before = AllocatedByLanes(gate);
                for (int i = 0; i < Rounds; i++)
                {
                    Round(clients);
                }
                fewest = Math.Min(fewest, AllocatedByLanes(gate) - before);
            }
            Assert.Equal(0, fewest);
        }
        finally
        {
            Volatile.Write(ref stop, true);
            Assert.All(readers, reader => Assert.True(reader.Join(Wire.BoundMs)));
        }
    }

    private static void Round(Wire[] clients)
    {
        foreach (Wire client in clients)
        {
            client.Send(Expect.Get);
        }
        foreach (Wire client in clients)
        {
            client.SkipHead(2);
        }
    }

    private static long AllocatedByLanes(GateOnLoopback gate)
    {
        long[] bytes = new long[gate.Transport.Lanes.Count];
        using var read = new CountdownEvent(bytes.Length);
        foreach (Lane lane in gate.Transport.Lanes)
        {
            lane.Post(new LaneAction(() =>
            {
                bytes[lane.Index] = GC.GetAllocatedBytesForCurrentThread();
                read.Signal();
            }));
        }
        Assert.True(read.Wait(Wire.BoundMs, Soon.Token));
        return bytes.Sum();
    }
}
