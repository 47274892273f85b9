using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Health;
using FastGate.Net;
using FastGate.Net.Memory;
using FastGate.Tests.Upstreams.Balancing;

namespace FastGate.Tests.Upstreams;

/// <summary>The pool keeps to the servers that can be used, whatever is full.</summary>
public sealed class UsablePoolTests : IDisposable
{
    private readonly MemoryTransport _transport = new(2);

    public UsablePoolTests()
    {
        foreach (string path in (string[])["/a", "/b", "/c"])
        {
            Listener listener = _transport.Bind(NetAddress.Unix(path));
            for (int lane = 0; lane < 2; lane++)
            {
                int index = lane;
                _transport.On(index, () => _ = AcceptAsync(listener, _transport.Lanes[index]));
            }
        }
    }

    public void Dispose() => _transport.Dispose();

    [Fact]
    public void Where_the_chosen_server_is_full_the_others_in_use_take_over_and_backups_do_not()
    {
        Upstream group = Group("/a", "/b", "/c backup");
        Asking[] asking = [.. Enumerable.Range(0, 3).Select(_ => Ask(group))];
        Assert.Equal([1, 1, 0], group.Servers.Select(static s => s.Connections));
        Assert.Equal(2, asking.Count(static a => a.IsCompleted));
        Assert.Equal(1, group.Queue.Count);
    }

    [Fact]
    public void Where_the_chosen_server_is_full_one_that_is_down_does_not_take_over()
    {
        Upstream group = Group("/a", "/b", "/c");
        Say(group, 1, ServerState.Down);
        Ask(group);
        Ask(group);
        Assert.False(Ask(group).IsCompleted);
        Assert.Equal([1, 0, 1], group.Servers.Select(static s => s.Connections));
    }

    [Fact]
    public void Where_no_server_is_usable_the_answer_comes_at_once()
    {
        Upstream group = Group("/a", "/b backup");
        Say(group, 0, ServerState.Down);
        Say(group, 1, ServerState.Ejected);
        Assert.Equal(new Rental(null, Reason.DestinationUnavailable), Ask(group).Result);
        Assert.Equal(0, group.Queue.Count);
    }

    [Fact]
    public void Who_waits_when_the_last_server_goes_down_is_told_at_once()
    {
        Upstream group = Group("/a");
        Assert.True(Ask(group).IsCompleted);
        Asking[] waiting = [Ask(group, lane: 0), Ask(group, lane: 1)];
        Assert.All(waiting, static w => Assert.False(w.IsCompleted));
        Say(group, 0, ServerState.Down);
        Assert.All(waiting, static w => Assert.Equal(new Rental(null, Reason.DestinationUnavailable), w.Result));
        Assert.Equal(0, group.Queue.Count);
    }

    [Fact]
    public void Who_waits_when_a_server_comes_up_goes_there()
    {
        Upstream group = Group("/a", "/b");
        Say(group, 1, ServerState.Down);
        Ask(group);
        Asking waiting = Ask(group, lane: 1);
        Assert.False(waiting.IsCompleted);
        Say(group, 1, ServerState.Up);
        Assert.Same(group.Servers[1], waiting.Result.Connection!.Server);
    }

    [Fact]
    public void The_connection_of_a_server_that_went_down_is_not_kept_and_goes_to_nobody_who_waits()
    {
        Upstream group = Group("/a", "/b");
        PooledConnection first = Ask(group).Result.Connection!;
        PooledConnection second = Ask(group).Result.Connection!;
        Asking waiting = Ask(group);
        Say(group, first.Server.Index, ServerState.Draining);
        Return(group, first);
        Assert.Equal(0, first.Server.Connections);
        Assert.False(waiting.IsCompleted);
        Return(group, second);
        Assert.Same(second, waiting.Result.Connection);
    }

    [Fact]
    public void What_idles_at_a_server_that_went_down_is_closed()
    {
        Upstream group = Group("/a", "/b");
        PooledConnection[] pooled = [Ask(group).Result.Connection!, Ask(group).Result.Connection!];
        Array.ForEach(pooled, each => Return(group, each));
        Assert.Equal(2, group.PoolOf(_transport.Lanes[0]).IdleCount);
        Say(group, 0, ServerState.Down);
        Assert.Same(group.Servers[1], Ask(group).Result.Connection!.Server);
        Assert.Equal(0, group.Servers[0].Connections);
    }

    [Fact]
    public void What_idles_at_a_backup_is_not_given_away_while_others_are_up()
    {
        Upstream group = Group("/a", "/b backup");
        Say(group, 0, ServerState.Down);
        PooledConnection backup = Ask(group).Result.Connection!;
        Assert.Same(group.Servers[1], backup.Server);
        Say(group, 0, ServerState.Up);
        Ask(group);
        Asking waiting = Ask(group, lane: 1);
        Return(group, backup);
        Assert.False(waiting.IsCompleted);
    }

    [Fact]
    public void Who_was_at_a_server_in_vain_goes_to_another_also_where_that_means_a_dial()
    {
        Upstream group = Group("/a", "/b");
        PooledConnection[] pooled = [Ask(group).Result.Connection!, Ask(group).Result.Connection!];
        Return(group, pooled[0]);
        var wait = new PoolWait();
        wait.Tried.Add(pooled[0].Server);
        Asking asking = Ask(group, wait: wait);
        // The other is full, and the one that idles is not wanted.
        Assert.False(asking.IsCompleted);
        Return(group, pooled[1]);
        Assert.Same(pooled[1], asking.Result.Connection);
        wait.Forget();
        Assert.Equal(0, wait.Tried.Count);
    }

    private Upstream Group(params string[] servers) => new(new UpstreamOptions
    {
        Name = "u",
        Balance = Balance.RoundRobin,
        Servers = [.. servers.Select(static text => new UpstreamServer(
            ChoiceBed.Address("unix:" + text.Split(' ')[0]), IsBackup: text.EndsWith("backup", StringComparison.Ordinal)))],
        Eject = EjectOptions.Off with { PanicPercent = 0 },
        Pool = new PoolOptions { ConnectionsMax = 1, IdleMs = 60_000, QueueTimeoutMs = 60_000 },
    }, _transport);

    private void Say(Upstream group, int server, ServerState state)
    {
        group.Servers[server].SetState(StateVoice.Health, state, "test", _transport.Lanes[0].Now);
        _transport.RunUntilIdle();
    }

    private Asking Ask(Upstream group, int lane = 0, PoolWait? wait = null)
    {
        var asking = new Asking(wait ?? new PoolWait());
        _transport.On(lane, () => _ = asking.RunAsync(group.PoolOf(_transport.Lanes[lane])));
        _transport.RunUntilIdle();
        return asking;
    }

    private void Return(Upstream group, PooledConnection pooled)
    {
        _transport.On(0, () => group.PoolOf(_transport.Lanes[0]).Return(pooled, keepAliveSeconds: -1));
        _transport.RunUntilIdle();
    }

    private static async Task AcceptAsync(Listener listener, Lane lane)
    {
        while (await listener.AcceptAsync(lane) is not null)
        {
        }
    }

    private sealed class Asking(PoolWait wait)
    {
        private Rental? _result;

        public bool IsCompleted => _result is not null;

        public Rental Result => _result ?? throw new InvalidOperationException("still waiting");

        public async Task RunAsync(ConnectionPool pool) => _result = await pool.RentAsync(wait, connectMs: 1_000);
    }
}
