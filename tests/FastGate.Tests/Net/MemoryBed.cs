using FastGate.Net;
using FastGate.Net.Memory;

namespace FastGate.Tests.Net;

/// <summary>The transport in memory, turned by hand; its clock moves only when nothing else can.</summary>
public sealed class MemoryBed(int lanes = 1) : TransportBed(new MemoryTransport(lanes))
{
    private const int MillisecondsMax = 600_000;

    private MemoryTransport Memory => (MemoryTransport)Transport;

    protected override NetAddress Address => NetAddress.Memory("bed:");

    protected override void Drive(Lane lane, Func<Task> body)
    {
        // The test framework's context would take the continuations off the lane.
        SynchronizationContext? context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            Task? task = null;
            Memory.On(lane.Index, () => task = body());
            Memory.RunUntilIdle();
            for (int i = 0; i < MillisecondsMax && !task!.IsCompleted; i++)
            {
                Memory.Advance(TimeSpan.FromMilliseconds(1));
            }
            Assert.True(task!.IsCompleted, "the body waits for something that never comes");
            task.GetAwaiter().GetResult();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }
}

public sealed class MemoryRoundTrips() : RoundTripContract(new MemoryBed());

public sealed class MemorySoon() : SoonContract(new MemoryBed());

public sealed class MemoryRests() : RestContract(new MemoryBed());

public sealed class MemoryEnds() : EndContract(new MemoryBed());

public sealed class MemoryResets() : ResetContract(new MemoryBed());

public sealed class MemoryWatches() : WatchContract(new MemoryBed())
{
    protected override int InFlight => 1;
}

public sealed class MemoryDeadlines() : DeadlineContract(new MemoryBed());

public sealed class MemoryLanes() : LaneContract(new MemoryBed())
{
    protected override int PingPongs => 100_000;
}

[Collection(Alone.Name)]
public sealed class MemoryAllocations() : AllocationContract(new MemoryBed());
