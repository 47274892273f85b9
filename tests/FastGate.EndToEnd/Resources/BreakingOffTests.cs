using FastGate.EndToEnd.Processes;
using FastGate.Net;
using FastGate.Tests;

namespace FastGate.EndToEnd.Resources;

/// <summary>Half-closes and resets of either side at every phase, and clients that stop reading: afterwards nothing is
/// held, and no loop has kept the others waiting.</summary>
[Collection(Alone.Name)]
public sealed partial class BreakingOffTests
{
    private const int StalledReaders = 32;
    private const int LagMsMax = 50;
    private const long GarbageBytes = 8 << 20;

    private static readonly string s_ping = """
        [[route]]
        name = "ping"
        match = "/ping"
        respond = { status = 200, body = "pong" }
        """;

    private static int Rounds => ProcessState.IsFull ? 1_000 : 10;

    [Fact]
    public void A_process_gives_back_every_descriptor_and_its_memory()
    {
        using var upstream = new HandUpstream();
        using var watched = new Watched(
            GateOnLoopback.To(upstream.Address, "timeout = { idle = \"1s\" }") + "\n" + s_ping);
        RunRounds(watched.Gate.Port, upstream, 1);
        watched.AssertNothingIsOpen();
        long before = watched.ResidentBytes;
        RunRounds(watched.Gate.Port, upstream, Rounds);
        watched.AssertNothingIsOpen();
        TestContext.Current.SendDiagnosticMessage(
            $"{Rounds} rounds: {before >> 10} KiB before, {watched.ResidentBytes >> 10} after");
        Assert.InRange(watched.ResidentBytes, 0, before + GarbageBytes);
        Assert.EndsWith("pong", watched.Gate.Get("/ping"), StringComparison.Ordinal);
        watched.AssertNoStall();
        watched.Gate.End();
    }

    [Fact]
    public void No_exchange_permit_or_byte_is_held_and_no_loop_lags()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, "timeout = { idle = \"1s\" }"));
        RunRounds(gate.Port, upstream, 1);
        Lane lane = gate.Transport.Lanes[0];
        AwaitNothing(gate, lane);
        long kept = lane.Memory.Used;
        LagOf(lane, () => RunRounds(gate.Port, upstream, Rounds));
        AwaitNothing(gate, lane);
        Assert.Equal(kept, lane.Memory.Used);
    }

    [Fact]
    public void Thousands_that_end_together_do_not_make_the_loop_lag()
    {
        const int Crowd = 3_000;
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, rest: "[client]\nkeep_alive = \"1s\"\n"));
        Lane lane = gate.Transport.Lanes[0];
        LagOf(lane, () =>
        {
            List<Wire> crowd = [.. Enumerable.Range(0, Crowd).Select(_ => gate.Connect())];
            // They say nothing, and it is the gate that ends them.
            crowd.ForEach(wire => wire.AssertEnded());
            crowd.ForEach(wire => wire.Dispose());
            crowd = [.. Enumerable.Range(0, Crowd).Select(_ => gate.Connect())];
            Expect.Await(() => gate.Gate.Connections == Crowd, "not everybody is served");
            // At the drain all of them are silent at one and the same time.
            Assert.True(gate.Gate.DrainAsync().Wait(Wire.BoundMs), "it does not drain");
            crowd.ForEach(wire => wire.Dispose());
        });
        AwaitNothing(gate, lane);
    }

    private static void RunRounds(int port, HandUpstream upstream, int rounds)
    {
        (Wire Client, Wire Server)[] stalled =
            [.. Enumerable.Range(0, StalledReaders).Select(_ => Visit.WithoutReading(port, upstream))];
        for (int i = 0; i < rounds; i++)
        {
            Visit.All(port, upstream);
        }
        for (int i = 0; i < StalledReaders; i++)
        {
            // Half of them give up by themselves, the others are given up.
            if (i % 2 == 0)
            {
                stalled[i].Client.Reset();
            }
            stalled[i].Server.Socket.Blocking = true;
            stalled[i].Server.ReadToEnd(out _);
            stalled[i].Client.Dispose();
            stalled[i].Server.Dispose();
        }
    }

    /// <summary>The longest turn, but for what the machine and the collector kept the loop waiting.</summary>
    private static void LagOf(Lane lane, Action work)
    {
        int thread = 0;
        var known = new ManualResetEventSlim();
        lane.Post(new LaneAction(() =>
        {
            thread = GetThreadId();
            known.Set();
        }));
        Assert.True(known.Wait(Wire.BoundMs, TestContext.Current.CancellationToken));
        long waited = ProcessState.WaitedForCoreMs(Environment.ProcessId, thread);
        TimeSpan paused = GC.GetTotalPauseDuration();
        lane.TakeLoopLag();
        work();
        long lagMs = lane.TakeLoopLag() / 1_000;
        waited = ProcessState.WaitedForCoreMs(Environment.ProcessId, thread) - waited;
        double pausedMs = (GC.GetTotalPauseDuration() - paused).TotalMilliseconds;
        TestContext.Current.SendDiagnosticMessage(
            $"lag {lagMs} ms; waited {waited} ms for a core, paused {pausedMs} ms by the collector in all");
        Assert.InRange(lagMs, 0, LagMsMax + waited + (long)pausedMs);
    }

    private static void AwaitNothing(GateOnLoopback gate, Lane lane)
    {
        Expect.Await(() => gate.Gate.Connections == 0, "a client's connection is left");
        Expect.Await(() => gate.Gate.Upstreams[0].Servers[0].Active == 0, "an exchange is left");
        Expect.Await(() => gate.Gate.Upstreams[0].Servers[0].Connections == 0, "a permit is lost");
        Expect.Await(() => lane.Buffers.RentedBytes == 0, "a buffer is lost");
    }

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThreadId();
}
