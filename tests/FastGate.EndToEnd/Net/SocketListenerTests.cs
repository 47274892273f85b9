using System.Net;
using System.Net.Sockets;
using FastGate.Net;
using FastGate.Net.Linux;
using FastGate.Tests.Net;

namespace FastGate.EndToEnd.Net;

/// <summary>Where a transport listens, what it refuses, and how lanes share what comes.</summary>
public sealed class SocketListenerTests
{
    private const int AddressInUse = 98;

    [Fact]
    public void A_stale_socket_file_is_replaced_and_the_path_is_free_after_the_stop()
    {
        string path = SocketBed.NewPath();
        using (var old = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            old.Bind(new UnixDomainSocketEndPoint(path));
            old.Listen(1);
            // As a process that was killed leaves it: closed, and the file is still there.
            File.Move(path, path + ".kept");
        }
        File.Move(path + ".kept", path);
        using var transport = Started(1);
        Listener listener = transport.Bind(NetAddress.Unix(path));
        Assert.Equal("unix:" + path, listener.Address.Text);
        using (var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            client.Connect(new UnixDomainSocketEndPoint(path));
        }
        listener.Stop();
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_path_on_which_somebody_listens_is_taken()
    {
        string path = SocketBed.NewPath();
        using var other = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        other.Bind(new UnixDomainSocketEndPoint(path));
        other.Listen(1);
        using var transport = Started(1);
        var taken = Assert.Throws<BindException>(() => transport.Bind(NetAddress.Unix(path)));
        Assert.Equal(AddressInUse, taken.ErrorNumber);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void A_plain_file_is_not_removed()
    {
        string path = SocketBed.NewPath();
        File.WriteAllText(path, "precious");
        using var transport = Started(1);
        Assert.Equal(AddressInUse, Assert.Throws<BindException>(() => transport.Bind(NetAddress.Unix(path))).ErrorNumber);
        Assert.Equal("precious", File.ReadAllText(path));
        File.Delete(path);
    }

    [Fact]
    public void A_path_that_cannot_be_is_an_error_with_its_own_number()
    {
        using var transport = Started(1);
        var absent = Assert.Throws<BindException>(
            () => transport.Bind(NetAddress.Unix(Path.Combine(SocketBed.NewPath(), "no", "such.sock"))));
        Assert.NotEqual(AddressInUse, absent.ErrorNumber);
    }

    [Fact]
    public void A_port_that_another_one_shares_willingly_is_taken_all_the_same()
    {
        using var first = Started(2);
        using var second = Started(2);
        // Both would set SO_REUSEPORT: two gateways that share a port by accident is what must not happen.
        Listener listener = first.Bind(NetAddress.Tcp(IPAddress.Loopback, 0));
        Assert.NotEqual(0, listener.Address.Port);
        var taken = Assert.Throws<BindException>(() => second.Bind(listener.Address));
        Assert.Equal(AddressInUse, taken.ErrorNumber);
        Assert.Contains(listener.Address.Text, taken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_is_free_again_after_the_stop()
    {
        using var bed = new SocketBed(2);
        NetAddress address = bed.Listener.Address;
        bed.Run(async lane => await bed.PairOnAnyLaneAsync(lane));
        bed.Listener.Stop();
        foreach (Lane lane in bed.Transport.Lanes)
        {
            bed.On(lane, async () =>
            {
                while (await bed.Listener.AcceptAsync(lane) is { } connection)
                {
                    bed.Track(connection);
                }
            });
        }
        using var second = Started(2);
        second.Bind(address).Stop();
    }

    [Theory]
    [InlineData("[::1]", "::1")]
    [InlineData("any", "::1")]
    [InlineData("any", "127.0.0.1")]
    public void IPv6_and_both_families_at_once(string on, string from)
    {
        using var transport = Started(1);
        Listener listener = transport.Bind(on == "any" ? NetAddress.Any(0) : NetAddress.Tcp(IPAddress.IPv6Loopback, 0));
        using var client = new TcpClient(IPAddress.Parse(from).AddressFamily);
        client.Connect(IPAddress.Parse(from), listener.Address.Port);
        var accepted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        NetAddress? remote = null;
        Lane lane = transport.Lanes[0];
        lane.Post(new LaneAction(async () =>
        {
            remote = (await listener.AcceptAsync(lane))!.Remote;
            accepted.SetResult();
        }));
        SocketBed.Wait(accepted.Task);
        // An IPv4 client of a dual-stack listener is an IPv4 client.
        Assert.Equal(IPAddress.Parse(from), remote!.Ip);
        listener.Stop();
    }

    [Fact]
    public void Few_connections_are_spread_over_the_lanes()
    {
        using var bed = new SocketBed(2);
        int[] accepted = new int[2];
        foreach (Lane lane in bed.Transport.Lanes)
        {
            lane.Post(new LaneAction(async () =>
            {
                while (await bed.Listener.AcceptAsync(lane) is { } connection)
                {
                    Assert.Same(lane, Lane.Current);
                    Assert.Same(lane, bed.Track(connection).Lane);
                    Interlocked.Increment(ref accepted[lane.Index]);
                }
            }));
        }
        var clients = new List<TcpClient>();
        for (int i = 0; i < 8; i++)
        {
            var client = new TcpClient();
            client.Connect(IPAddress.Loopback, bed.Listener.Address.Port);
            clients.Add(client);
        }
        Assert.True(SpinWait.SpinUntil(
            () => Volatile.Read(ref accepted[0]) + Volatile.Read(ref accepted[1]) == 8, TimeSpan.FromSeconds(10)));
        Assert.InRange(Math.Max(accepted[0], accepted[1]), 4, 5);
        Assert.Equal(8, bed.Transport.Lanes.Sum(lane => lane.Connections));
        clients.ForEach(client => client.Dispose());
        bed.Run(_ => Task.CompletedTask);
        Assert.Equal(0, bed.Transport.Lanes.Sum(lane => lane.Connections));
    }

    [Fact]
    public void Stopping_while_clients_come_loses_none_that_a_lane_has_accepted()
    {
        for (int round = 0; round < 20; round++)
        {
            using var bed = new SocketBed(2);
            int accepted = 0;
            int ended = 0;
            foreach (Lane lane in bed.Transport.Lanes)
            {
                lane.Post(new LaneAction(async () =>
                {
                    while (await bed.Listener.AcceptAsync(lane) is { } connection)
                    {
                        bed.Track(connection);
                        Interlocked.Increment(ref accepted);
                    }
                    Interlocked.Increment(ref ended);
                }));
            }
            var clients = new List<TcpClient>();
            for (int i = 0; i < 6; i++)
            {
                var client = new TcpClient();
                client.Connect(IPAddress.Loopback, bed.Listener.Address.Port);
                clients.Add(client);
            }
            bed.Listener.Stop();
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref ended) == 2, TimeSpan.FromSeconds(10)));
            Assert.Equal(6, accepted);
            Assert.Equal(6, bed.Transport.Lanes.Sum(lane => lane.Connections));
            clients.ForEach(client => client.Dispose());
        }
    }

    private static EpollTransport Started(int lanes)
    {
        var transport = new EpollTransport(lanes);
        transport.Start();
        return transport;
    }
}
