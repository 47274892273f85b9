using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Net;
using FastGate.Net.Memory;

namespace FastGate.Tests.Upstreams;

/// <summary>The pool over the memory transport: lanes turned by hand, time moved by hand.</summary>
public sealed class ConnectionPoolTests : IDisposable
{
    private readonly MemoryTransport _transport = new(2);
    private readonly List<Connection> _accepted = [];

    public ConnectionPoolTests()
    {
        Listener listener = _transport.Bind(NetAddress.Memory("demo:"));
        for (int lane = 0; lane < 2; lane++)
        {
            int index = lane;
            _transport.On(index, () => _ = AcceptAsync(listener, _transport.Lanes[index]));
        }
    }

    public void Dispose() => _transport.Dispose();

    [Fact]
    public void A_returned_connection_is_rented_again_the_last_one_first()
    {
        Upstream upstream = Group();
        PooledConnection first = Rent(upstream).Connection!;
        PooledConnection second = Rent(upstream).Connection!;
        Assert.NotSame(first, second);
        Return(upstream, first);
        Return(upstream, second);
        Assert.Same(second, Rent(upstream).Connection);
        Assert.Same(first, Rent(upstream).Connection);
        Assert.True(first.IsReused);
        Assert.Equal(2, upstream.Servers[0].Connections);
    }

    [Fact]
    public void An_idle_connection_is_closed_when_its_time_is_up()
    {
        Upstream upstream = Group(idleMs: 4_000);
        Return(upstream, Rent(upstream).Connection!);
        _transport.Advance(TimeSpan.FromMilliseconds(3_900));
        Assert.Equal(1, upstream.Servers[0].Connections);
        _transport.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal(0, upstream.Servers[0].Connections);
        Assert.Equal(0, upstream.PoolOf(_transport.Lanes[0]).IdleCount);
    }

    [Fact]
    public void A_server_that_keeps_idle_connections_for_less_time_is_believed_less_a_second()
    {
        Upstream upstream = Group(idleMs: 10_000);
        Return(upstream, Rent(upstream).Connection!, keepAliveSeconds: 3);
        _transport.Advance(TimeSpan.FromMilliseconds(1_900));
        Assert.Equal(1, upstream.Servers[0].Connections);
        _transport.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal(0, upstream.Servers[0].Connections);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_server_that_keeps_no_idle_connections_gets_none(int seconds)
    {
        Upstream upstream = Group();
        Return(upstream, Rent(upstream).Connection!, seconds);
        Assert.Equal(0, upstream.Servers[0].Connections);
    }

    [Fact]
    public void An_idle_connection_that_says_something_is_discarded()
    {
        Upstream upstream = Group();
        Return(upstream, Rent(upstream).Connection!);
        _transport.On(0, () =>
        {
            _accepted[0].Output.Append("HTTP/1.1 200 OK\r\n\r\n"u8);
            _ = _accepted[0].Output.FlushAsync();
        });
        _transport.RunUntilIdle();
        Assert.Equal(0, upstream.Servers[0].Connections);
    }

    [Fact]
    public void An_idle_connection_whose_server_ends_it_is_discarded()
    {
        Upstream upstream = Group();
        Return(upstream, Rent(upstream).Connection!);
        _transport.On(0, _accepted[0].EndOutput);
        _transport.RunUntilIdle();
        Assert.Equal(0, upstream.Servers[0].Connections);
    }

    [Fact]
    public void A_connection_with_unread_bytes_is_not_kept()
    {
        Upstream upstream = Group();
        PooledConnection pooled = Rent(upstream).Connection!;
        _transport.On(0, () =>
        {
            _accepted[0].Output.Append("more"u8);
            _ = _accepted[0].Output.FlushAsync();
        });
        _transport.RunUntilIdle();
        Return(upstream, pooled);
        _transport.RunUntilIdle();
        Assert.Equal(0, upstream.Servers[0].Connections);
    }

    [Fact]
    public void The_bound_holds_for_all_lanes_together()
    {
        Upstream upstream = Group(connectionsMax: 2, queueTimeoutMs: 1_000);
        Assert.NotNull(Rent(upstream, lane: 0).Connection);
        Assert.NotNull(Rent(upstream, lane: 1).Connection);
        Asking third = Ask(upstream, lane: 0);
        Assert.False(third.IsCompleted);
        _transport.Advance(TimeSpan.FromMilliseconds(1_100));
        Assert.Equal(new Rental(null, Reason.ConnectionLimitReached), third.Result);
        Assert.Equal(2, upstream.Servers[0].Connections);
        Assert.Equal(0, upstream.Queue.Count);
    }

    [Fact]
    public void Who_needs_a_new_connection_gets_one_in_the_place_of_an_idle_one()
    {
        Upstream upstream = Group(connectionsMax: 2);
        PooledConnection first = Rent(upstream).Connection!;
        PooledConnection second = Rent(upstream).Connection!;
        Return(upstream, first);
        Return(upstream, second);
        PooledConnection fresh = Ask(upstream, fresh: true).Result.Connection!;
        Assert.False(fresh.IsReused);
        Assert.Equal(2, upstream.Servers[0].Connections);
        Assert.Equal(1, upstream.PoolOf(_transport.Lanes[0]).IdleCount);
    }

    [Fact]
    public void A_full_queue_refuses_at_once()
    {
        Upstream upstream = Group(connectionsMax: 1, queueMax: 1);
        Rent(upstream);
        Asking waiting = Ask(upstream);
        Asking refused = Ask(upstream);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(Reason.ConnectionLimitReached, refused.Result.Reason);
    }

    [Fact]
    public void A_returned_connection_goes_to_who_waits_longest()
    {
        Upstream upstream = Group(connectionsMax: 1);
        PooledConnection pooled = Rent(upstream).Connection!;
        Asking first = Ask(upstream);
        Asking second = Ask(upstream);
        Return(upstream, pooled);
        _transport.RunUntilIdle();
        Assert.Same(pooled, first.Result.Connection);
        Assert.False(second.IsCompleted);
        Return(upstream, pooled);
        _transport.RunUntilIdle();
        Assert.Same(pooled, second.Result.Connection);
    }

    [Fact]
    public void The_permit_of_a_dropped_connection_goes_to_who_waits_longest_on_any_lane()
    {
        Upstream upstream = Group(connectionsMax: 1);
        PooledConnection pooled = Rent(upstream, lane: 0).Connection!;
        Asking other = Ask(upstream, lane: 1);
        Asking own = Ask(upstream, lane: 0);
        _transport.On(0, () => upstream.PoolOf(_transport.Lanes[0]).Drop(pooled));
        _transport.RunUntilIdle();
        Assert.NotNull(other.Result.Connection);
        Assert.False(own.IsCompleted);
        Assert.Equal(1, upstream.Servers[0].Connections);
    }

    [Fact]
    public void A_lane_without_a_permit_gets_what_idles_on_another()
    {
        Upstream upstream = Group(connectionsMax: 1);
        Return(upstream, Rent(upstream, lane: 0).Connection!, lane: 0);
        Asking wish = Ask(upstream, lane: 1);
        _transport.RunUntilIdle();
        Assert.NotNull(wish.Result.Connection);
        Assert.Same(_transport.Lanes[1], wish.Result.Connection!.Connection.Lane);
        Assert.Equal(1, upstream.Servers[0].Connections);
    }

    [Fact]
    public void A_wait_that_is_given_up_leaves_the_queue()
    {
        Upstream upstream = Group(connectionsMax: 1);
        Rent(upstream);
        Asking waiting = Ask(upstream);
        _transport.On(0, waiting.Wait.GiveUp);
        _transport.RunUntilIdle();
        Assert.Null(waiting.Result.Connection);
        Assert.Equal(0, upstream.Queue.Count);
    }

    [Fact]
    public void A_server_that_refuses_gives_its_permit_back()
    {
        var upstream = new Upstream(
            new UpstreamOptions { Name = "u", Servers = [new UpstreamServer(Address("unix:/nowhere"))] }, _transport);
        Asking asking = Ask(upstream);
        Assert.Equal(new Rental(null, Reason.ConnectionRefused, upstream.Servers[0]), asking.Result);
        Assert.Equal(0, upstream.Servers[0].Connections);
        Assert.Equal(0, upstream.Servers[0].Active);
        // Whoever tries again goes elsewhere, and others know that it fails.
        Assert.True(asking.Wait.Tried.Contains(0));
        Assert.Equal(100_000, upstream.Servers[0].LatencyUs(_transport.Lanes[0].Now));
    }

    [Fact]
    public void A_name_that_was_never_resolved_is_a_dns_error()
    {
        var upstream = new Upstream(
            new UpstreamOptions { Name = "u", Servers = [new UpstreamServer(Address("nowhere.invalid:80"))] }, _transport);
        Assert.Equal(new Rental(null, Reason.DnsError), Rent(upstream));
        Assert.Equal(0, upstream.Servers[0].Connections);
    }

    [Fact]
    public void Tunnels_are_counted_apart()
    {
        Upstream upstream = Group(connectionsMax: 1, tunnelsMax: 1);
        PooledConnection tunnel = Rent(upstream).Connection!;
        ConnectionPool pool = upstream.PoolOf(_transport.Lanes[0]);
        _transport.On(0, () => Assert.True(pool.TryBecomeTunnel(tunnel)));
        Assert.Equal((0, 1), (upstream.Servers[0].Connections, upstream.Servers[0].Tunnels));
        PooledConnection second = Rent(upstream).Connection!;
        _transport.On(0, () => Assert.False(pool.TryBecomeTunnel(second)));
        _transport.On(0, () => pool.Drop(tunnel));
        Assert.Equal(0, upstream.Servers[0].Tunnels);
    }

    [Fact]
    public void Least_prefers_the_server_with_fewest_exchanges_and_round_robin_takes_turns()
    {
        foreach (Balance balance in (Balance[])[Balance.Least, Balance.RoundRobin])
        {
            var upstream = new Upstream(new UpstreamOptions
            {
                Name = "u",
                Balance = balance,
                Servers = [.. Enumerable.Repeat(new UpstreamServer(ServerAddress.Demo), 3)],
            }, _transport);
            for (int i = 0; i < 9; i++)
            {
                Rent(upstream);
            }
            Assert.All(upstream.Servers, server => Assert.Equal(3, server.Active));
        }
    }

    private Upstream Group(int connectionsMax = 16, int tunnelsMax = 16, long idleMs = 4_000, int queueMax = 16,
        long queueTimeoutMs = 60_000) => new(new UpstreamOptions
        {
            Name = "u",
            Servers = [new UpstreamServer(ServerAddress.Demo)],
            Pool = new PoolOptions
            {
                ConnectionsMax = connectionsMax,
                TunnelsMax = tunnelsMax,
                IdleMs = idleMs,
                QueueMax = queueMax,
                QueueTimeoutMs = queueTimeoutMs,
            },
        }, _transport);

    private static ServerAddress Address(string text)
    {
        Assert.True(ServerAddress.TryParse(text, out ServerAddress? address, out _, out _));
        return address!;
    }

    private async Task AcceptAsync(Listener listener, Lane lane)
    {
        while (await listener.AcceptAsync(lane) is { } connection)
        {
            _accepted.Add(connection);
        }
    }

    private Rental Rent(Upstream upstream, int lane = 0)
    {
        Asking asking = Ask(upstream, lane);
        _transport.RunUntilIdle();
        return asking.Result;
    }

    private Asking Ask(Upstream upstream, int lane = 0, bool fresh = false)
    {
        var asking = new Asking();
        _transport.On(lane, () => _ = asking.RunAsync(upstream.PoolOf(_transport.Lanes[lane]), fresh));
        _transport.RunUntilIdle();
        return asking;
    }

    private void Return(Upstream upstream, PooledConnection pooled, int keepAliveSeconds = -1, int lane = 0)
    {
        _transport.On(lane, () => upstream.PoolOf(_transport.Lanes[lane]).Return(pooled, keepAliveSeconds));
        _transport.RunUntilIdle();
    }

    private sealed class Asking
    {
        private Rental? _result;

        public PoolWait Wait { get; } = new();

        public bool IsCompleted => _result is not null;

        public Rental Result => _result ?? throw new InvalidOperationException("still waiting");

        public async Task RunAsync(ConnectionPool pool, bool fresh) =>
            _result = await pool.RentAsync(Wait, connectMs: 1_000, fresh);
    }
}
