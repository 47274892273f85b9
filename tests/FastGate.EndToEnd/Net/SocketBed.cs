using System.Net;
using FastGate.Net;
using FastGate.Net.Linux;
using FastGate.Tests;
using FastGate.Tests.Net;

namespace FastGate.EndToEnd.Net;

/// <summary>Real sockets on loopback, or of a Unix path, and real threads.</summary>
public sealed class SocketBed : TransportBed
{
    private static int s_paths;
    private readonly NetAddress _address;

    public SocketBed(int lanes = 1, bool unix = false)
        : base(new EpollTransport(lanes))
    {
        _address = unix ? NetAddress.Unix(NewPath()) : NetAddress.Tcp(IPAddress.Loopback, 0);
        Transport.Start();
    }

    public EpollTransport Sockets => (EpollTransport)Transport;

    protected override NetAddress Address => _address;

    public static string NewPath() =>
        Path.Combine(Path.GetTempPath(), $"fg-{Environment.ProcessId}-{Interlocked.Increment(ref s_paths)}.sock");

    /// <summary>A client of this lane; the server's end may be on any.</summary>
    public async Task<Connection> PairOnAnyLaneAsync(Lane lane) =>
        Track(await Transport.ConnectAsync(lane, Listener.Address, lane.Now + 5_000));

    protected override void Drive(Lane lane, Func<Task> body)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lane.Post(new LaneAction(async () =>
        {
            try
            {
                await body();
                done.SetResult();
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        }));
        Wait(done.Task);
    }

    /// <summary>For a test's thread, which may block, and not for ever.</summary>
    public static void Wait(Task task)
    {
        Assert.True(((IAsyncResult)task).AsyncWaitHandle.WaitOne(TimeSpan.FromSeconds(20)),
            "waits for something that never comes");
        task.GetAwaiter().GetResult();
    }
}

public sealed class TcpRoundTrips() : RoundTripContract(new SocketBed());

public sealed class UnixRoundTrips() : RoundTripContract(new SocketBed(unix: true));

public sealed class TcpSoon() : SoonContract(new SocketBed());

public sealed class UnixSoon() : SoonContract(new SocketBed(unix: true));

public sealed class TcpRests() : RestContract(new SocketBed());

public sealed class UnixRests() : RestContract(new SocketBed(unix: true));

public sealed class TcpEnds() : EndContract(new SocketBed());

public sealed class UnixEnds() : EndContract(new SocketBed(unix: true));

public sealed class TcpResets() : ResetContract(new SocketBed());

public sealed class TcpWatches() : WatchContract(new SocketBed());

public sealed class UnixWatches() : WatchContract(new SocketBed(unix: true));

public sealed class TcpDeadlines() : DeadlineContract(new SocketBed());

public sealed class UnixDeadlines() : DeadlineContract(new SocketBed(unix: true));

public sealed class TcpLanes() : LaneContract(new SocketBed());

[Collection(Alone.Name)]
public sealed class TcpAllocations() : AllocationContract(new SocketBed());
