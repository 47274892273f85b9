using System.Net;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Linux;
using FastGate.Tests;

namespace FastGate.EndToEnd.Net;

/// <summary>A connect that finds no descriptor, and for which room is made.</summary>
[Collection(Alone.Name)]
public sealed class ConnectInRoomTests : IDisposable
{
    private readonly SocketBed _bed = new();

    [Fact]
    public void It_is_tried_once_more() => Assert.Equal(ConnectionFault.None, Connect(null, () => { }).Fault);

    [Fact]
    public void It_may_be_canceled_meanwhile()
    {
        var handle = new ConnectHandle();
        // As a client that leaves in the turn in which others end for it.
        Assert.Equal(ConnectionFault.Aborted, Connect(handle, handle.Cancel).Fault);
    }

    [Fact]
    public void A_cancel_of_the_connect_before_it_is_none_of_it()
    {
        var handle = new ConnectHandle();
        handle.Cancel();
        Assert.Equal(ConnectionFault.None, Connect(handle, () => { }).Fault);
    }

    public void Dispose() => _bed.Dispose();

    /// <summary>Connects while the system gives no descriptor until room is made.</summary>
    private Connection Connect(ConnectHandle? handle, Action whileRoomIsMade)
    {
        Connection? connected = null;
        _bed.Run(async lane =>
        {
            NetAddress address = _bed.Listener.Address;
            long limit = Limit(0);
            lane.MakesRoom = () =>
            {
                Limit(limit);
                whileRoomIsMade();
            };
            try
            {
                LaneTask<Connection> connecting =
                    _bed.Transport.ConnectAsync(lane, address, lane.Now + 5_000, handle);
                connected = _bed.Track(await connecting);
            }
            finally
            {
                Limit(limit);
            }
        });
        return connected!;
    }

    /// <summary>Sets how many descriptors the process may have; those that are open stay.</summary>
    /// <returns>How many it was before.</returns>
    private static unsafe long Limit(long descriptors)
    {
        Libc.ResourceLimit limit;
        Assert.Equal(0, Libc.GetRLimit(Libc.RLimitNoFile, &limit));
        long before = (long)limit.Soft;
        limit.Soft = (ulong)descriptors;
        Assert.Equal(0, Libc.SetRLimit(Libc.RLimitNoFile, &limit));
        return before;
    }
}
