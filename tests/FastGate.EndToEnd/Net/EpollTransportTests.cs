using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using FastGate.Net;
using FastGate.Net.Linux;
using FastGate.Net.Time;
using FastGate.Tests.Net;

namespace FastGate.EndToEnd.Net;

/// <summary>Lanes as threads: work between them, their sleep, their end.</summary>
public sealed partial class EpollTransportTests
{
    [Fact]
    public void Work_posted_from_many_threads_is_neither_lost_nor_left_asleep()
    {
        const int Threads = 4;
        const int Each = 20_000;
        using var bed = new SocketBed();
        int ran = 0;
        int[] last = new int[Threads];
        bool inOrder = true;
        var threads = Enumerable.Range(0, Threads).Select(thread => new Thread(() =>
        {
            for (int i = 1; i <= Each; i++)
            {
                int number = i;
                bed.Lane.Post(new LaneAction(() =>
                {
                    inOrder &= last[thread] == number - 1;
                    last[thread] = number;
                    ran++;
                }));
                if (i % 64 == 0)
                {
                    // Lets the lane fall asleep: the next post must wake it.
                    int seen = i;
                    Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref last[thread]) == seen, 10_000), "a lost wake-up");
                }
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => Assert.True(thread.Join(TimeSpan.FromSeconds(60))));
        bed.Run(_ => Task.CompletedTask);
        Assert.Equal(Threads * Each, ran);
        Assert.True(inOrder, "posts of one thread ran out of order");
    }

    [Fact]
    public void Offloaded_work_runs_elsewhere_and_continues_here()
    {
        using var bed = new SocketBed();
        bed.Run(async lane =>
        {
            int result = await lane.OffloadAsync(state => Lane.Current is null ? state + 1 : -1, 41);
            Assert.Equal(42, result);
            Assert.Same(lane, Lane.Current);
            var thrown = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
                await lane.OffloadAsync<int, int>(_ => throw new InvalidOperationException("over there"), 0));
            Assert.Equal("over there", thrown.Message);
            Assert.Same(lane, Lane.Current);
        });
    }

    [Fact]
    public void A_connection_moves_between_lanes_while_its_peer_sends()
    {
        const int Moves = 200;
        using var bed = new SocketBed(2);
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var address = NetAddress.Tcp(IPAddress.Loopback, ((IPEndPoint)plain.LocalEndpoint).Port);
        byte[] sent = Ends.Pattern(Moves * 100);
        var received = new List<byte>();
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int moves = 0;
        Connection moving = null!;
        bed.On(bed.Lane, async () => moving = await bed.Transport.ConnectAsync(bed.Lane, address, LaneTimer.Never));
        using Socket peer = plain.AcceptSocket();
        var sender = new Thread(() =>
        {
            for (int at = 0; at < sent.Length; at += 100)
            {
                peer.Send(sent.AsSpan(at, 100));
            }
            peer.Shutdown(SocketShutdown.Send);
        });
        sender.Start();
        bed.Lane.Post(new LaneAction(() => _ = StepAsync(moving)));

        // One read on each lane, then over to the other, until the end is read.
        async Task StepAsync(Connection connection)
        {
            try
            {
                Assert.Same(connection.Lane, Lane.Current);
                connection.SetReadDeadline(connection.Lane.Now + 10_000);
                var read = await connection.Input.ReadAsync();
                Assert.False(read.IsCanceled, "an edge was lost");
                foreach (var piece in read.Buffer)
                {
                    received.AddRange(piece.Span);
                }
                connection.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    connection.Close();
                    done.SetResult();
                    return;
                }
                Lane target = bed.Transport.Lanes[++moves % 2];
                connection.HandOver(target, arrived => _ = StepAsync(arrived));
            }
            catch (Exception exception)
            {
                done.TrySetException(exception);
            }
        }

        SocketBed.Wait(done.Task);
        sender.Join();
        Assert.True(moves > 0);
        Assert.Equal(sent, received);
        bed.Run(_ => Task.CompletedTask);
    }

    [Theory]
    [InlineData("end")]
    [InlineData("reset")]
    [InlineData("bytes")]
    public void What_happened_before_a_hand_over_is_told_on_the_other_lane(string what)
    {
        using var bed = new SocketBed(2);
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var address = NetAddress.Tcp(IPAddress.Loopback, ((IPEndPoint)plain.LocalEndpoint).Port);
        Connection connection = null!;
        bed.On(bed.Lane, async () => connection = await bed.Transport.ConnectAsync(bed.Lane, address, LaneTimer.Never));
        using (Socket peer = plain.AcceptSocket())
        {
            if (what == "bytes")
            {
                peer.Send([1]);
            }
            peer.LingerState = new LingerOption(what == "reset", 0);
            if (what != "bytes")
            {
                peer.Close();
            }
            var watch = new RecordingWatch();
            bed.On(bed.Lane, async () =>
            {
                await TransportBed.PassAsync(bed.Lane, 5);
                connection.HandOver(bed.Transport.Lanes[1], arrived => arrived.Watch(watch));
            });
            bed.On(bed.Transport.Lanes[1], async () =>
            {
                await TransportBed.UntilAsync(connection.Lane, () => watch.Active > 0);
                Assert.Equal(what == "reset" ? ConnectionFault.Reset : ConnectionFault.None, connection.Fault);
                connection.Close();
            });
        }
    }

    [Fact]
    public void A_connection_that_was_cut_arrives_cut()
    {
        using var bed = new SocketBed(2);
        Connection? arrived = null;
        bed.On(bed.Lane, async () =>
        {
            Connection connection = await bed.PairOnAnyLaneAsync(bed.Lane);
            connection.Abort();
            connection.HandOver(bed.Transport.Lanes[1], there => arrived = there);
        });
        bed.On(bed.Transport.Lanes[1], async () =>
        {
            await TransportBed.UntilAsync(bed.Transport.Lanes[1], () => arrived is not null);
            Assert.Equal(ConnectionFault.Aborted, arrived!.Fault);
            Assert.True((await arrived.Input.ReadAsync()).IsCompleted);
            arrived.Close();
        });
    }

    [Fact]
    public void A_name_inside_the_process_is_served_on_the_lanes_of_the_sockets()
    {
        using var bed = new SocketBed(2);
        NetAddress name = NetAddress.Memory("demo:");
        Listener listener = bed.Transport.Bind(name);
        Connection? arrived = null;
        bed.On(bed.Lane, async () =>
        {
            Lane lane = bed.Lane;
            Connection client = await bed.Transport.ConnectAsync(lane, name, LaneTimer.Never);
            Connection server = (await listener.AcceptAsync(lane))!;
            await client.WriteAsync([1]);
            Assert.Equal([1], await server.ReadExactlyAsync(1));
            // It cannot leave its lane: what arrives elsewhere is cut, and so is what stays.
            Assert.False(client.IsMovable);
            client.HandOver(bed.Transport.Lanes[1], there => arrived = there);
            Assert.True((await server.Input.ReadAsync()).IsCompleted);
            Assert.Equal(ConnectionFault.Reset, server.Fault);
            server.Close();
            Assert.Equal(0, lane.Buffers.Rented);
        });
        bed.On(bed.Transport.Lanes[1], async () =>
        {
            await TransportBed.UntilAsync(bed.Transport.Lanes[1], () => arrived is not null);
            Assert.NotEqual(ConnectionFault.None, arrived!.Fault);
            arrived.Output.Append([1]);
            Assert.True((await arrived.Output.FlushAsync()).IsCompleted);
            arrived.Close();
        });
        listener.Stop();
    }

    [Fact]
    public void An_idle_lane_uses_no_processor()
    {
        using var bed = new SocketBed();
        int thread = 0;
        bed.On(bed.Lane, async () =>
        {
            thread = GetThreadId();
            for (int i = 0; i < 20; i++)
            {
                var (client, server) = await bed.PairAsync(bed.Lane);
                client.SetReadDeadline(bed.Lane.Now + 3_600_000);
                _ = server.Input.ReadAsync();
            }
            await TransportBed.PassAsync(bed.Lane, 20);
        });
        string schedule = $"/proc/self/task/{thread}/schedstat";
        string status = $"/proc/self/task/{thread}/status";
        (long before, long sleepsBefore) = (Nanoseconds(schedule), Sleeps(status));
        Thread.Sleep(500);
        Assert.InRange(Nanoseconds(schedule) - before, 0, 5_000_000);
        Assert.InRange(Sleeps(status) - sleepsBefore, 0, 2);

        static long Nanoseconds(string path) =>
            long.Parse(File.ReadAllText(path).Split(' ')[0], CultureInfo.InvariantCulture);

        static long Sleeps(string path) => long.Parse(
            File.ReadLines(path).First(line => line.StartsWith("voluntary", StringComparison.Ordinal)).Split(':')[1],
            CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Disposing_closes_what_is_open_and_twice_is_once()
    {
        var bed = new SocketBed(2);
        using var client = new TcpClient();
        client.Connect(IPAddress.Loopback, bed.Listener.Address.Port);
        bed.On(bed.Lane, () => Task.CompletedTask);
        EpollTransport transport = bed.Sockets;
        transport.Dispose();
        transport.Dispose();
        client.ReceiveTimeout = 10_000;
        int count;
        try
        {
            count = client.GetStream().Read(new byte[1]);
        }
        catch (IOException exception) when (exception.InnerException is SocketException
        {
            SocketErrorCode: SocketError.ConnectionReset,
        })
        {
            count = 0;
        }
        Assert.Equal(0, count);
        // Nobody is there any more, and nobody is harmed.
        transport.Lanes[0].Post(new LaneAction(() => throw new InvalidOperationException("ran on an ended lane")));
    }

    [Fact]
    public void A_transport_that_was_never_started_lets_its_port_go()
    {
        NetAddress address;
        using (var transport = new EpollTransport(2))
        {
            address = transport.Bind(NetAddress.Tcp(IPAddress.Loopback, 0)).Address;
        }
        using var second = new EpollTransport(1);
        second.Bind(address);
    }

    [Fact]
    public void A_lane_that_is_told_to_end_in_the_middle_of_a_turn_does_not_fall_asleep()
    {
        for (int i = 0; i < 2_000; i++)
        {
            var transport = new EpollTransport(1);
            transport.Start();
            // The nudge that goes with the end is then taken by the turn that began before it.
            var busy = new ManualResetEventSlim();
            transport.Lanes[0].Post(new LaneAction(busy.Set));
            busy.Wait(TestContext.Current.CancellationToken);
            SpinFor(i % 50);
            SocketBed.Wait(Task.Run(transport.Dispose, TestContext.Current.CancellationToken));
        }

        static void SpinFor(int count) => Thread.SpinWait(count * 20);
    }

    [Fact]
    public void A_lane_that_is_kept_busy_shows_it()
    {
        using var bed = new SocketBed();
        bed.Lane.TakeLoopLag();
        bed.On(bed.Lane, () => KeepBusyAsync(bed.Lane, milliseconds: 20));
        Assert.InRange(bed.Lane.TakeLoopLag(), 15_000, 5_000_000);
    }

    [Fact]
    public void A_turn_that_takes_too_long_is_told()
    {
        using var bed = new SocketBed();
        long told = 0;
        // A machine that keeps the lane from its core may make another turn too long.
        bed.Lane.Overran = microseconds => told = Math.Max(told, microseconds);
        bed.On(bed.Lane, () => KeepBusyAsync(bed.Lane, milliseconds: (int)(Lane.TurnMicrosecondsMax / 1_000) + 20));
        Assert.InRange(told, Lane.TurnMicrosecondsMax + 15_000, 5_000_000);
    }

    private static async Task KeepBusyAsync(Lane lane, int milliseconds)
    {
        await TransportBed.PassAsync(lane, 1);
        long until = Stopwatch.GetTimestamp() + (milliseconds * Stopwatch.Frequency / 1_000);
        while (Stopwatch.GetTimestamp() < until)
        {
        }
        await TransportBed.PassAsync(lane, 1);
    }

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThreadId();
}
