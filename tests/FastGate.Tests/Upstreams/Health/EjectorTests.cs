using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Health;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Memory;

namespace FastGate.Tests.Upstreams.Health;

/// <summary>Which failures eject a server, for how long, and how many at once.</summary>
public sealed class EjectorTests : IDisposable
{
    private readonly MemoryTransport _transport = new(2);
    private Upstream _group = null!;

    public void Dispose() => _transport.Dispose();

    [Theory]
    [InlineData(Outcome.Failed)]
    [InlineData(Outcome.Unavailable)]
    public void So_many_failures_in_a_row_eject(Outcome outcome)
    {
        Build(new EjectOptions { Consecutive = 3 });
        Tell(0, outcome, 2);
        Tell(0, Outcome.Answered);
        Tell(0, outcome, 2);
        Assert.True(IsUp(0));
        Tell(0, outcome);
        Assert.Equal((ServerState.Ejected, "consecutive_failures"), StateOf(0));
        Assert.True(IsUp(1));
    }

    [Fact]
    public void Failures_in_a_row_are_counted_over_all_lanes()
    {
        Build(new EjectOptions { Consecutive = 4 });
        Tell(0, Outcome.Failed, 2, lane: 0);
        Tell(0, Outcome.Failed, 1, lane: 1);
        Assert.True(IsUp(0));
        Tell(0, Outcome.Failed, 1, lane: 1);
        Assert.False(IsUp(0));
    }

    [Theory]
    [InlineData(Outcome.Answered)]
    [InlineData(Outcome.ServerError)]
    [InlineData(Outcome.Abandoned)]
    public void What_is_no_failure_ejects_nobody(Outcome outcome)
    {
        Build(new EjectOptions { Consecutive = 1, RequestsMin = 1, RatioPercent = 1 });
        Tell(0, outcome, 100);
        Assert.True(IsUp(0));
    }

    [Fact]
    public void So_large_a_part_of_enough_requests_ejects()
    {
        Build(new EjectOptions { Consecutive = 0, RatioPercent = 50, RequestsMin = 50 });
        for (int i = 0; i < 24; i++)
        {
            Tell(0, Outcome.Answered, 1, lane: i % 2);
            Tell(0, Outcome.Failed, 1, lane: i % 2);
        }
        // 48 requests are too few to tell.
        Tell(0, Outcome.Answered);
        Assert.True(IsUp(0));
        Tell(0, Outcome.Failed);
        Assert.Equal((ServerState.Ejected, "failure_ratio"), StateOf(0));
    }

    [Fact]
    public void A_smaller_part_never_ejects()
    {
        Build(new EjectOptions { Consecutive = 5, RatioPercent = 50, RequestsMin = 20 });
        for (int i = 0; i < 1_000; i++)
        {
            Tell(0, Outcome.Answered, 2);
            Tell(0, Outcome.Failed);
        }
        Assert.True(IsUp(0));
    }

    [Fact]
    public void Answers_that_break_off_are_failures_of_requests_that_were_counted_already()
    {
        Build(new EjectOptions { Consecutive = 0, RatioPercent = 100, RequestsMin = 10 });
        for (int i = 0; i < 9; i++)
        {
            Tell(0, Outcome.Answered);
            Tell(0, Outcome.Broken);
        }
        Assert.True(IsUp(0));
        Tell(0, Outcome.Answered);
        Tell(0, Outcome.Broken);
        Assert.Equal((ServerState.Ejected, "failure_ratio"), StateOf(0));
    }

    [Fact]
    public void Failures_of_long_ago_count_no_more()
    {
        Build(new EjectOptions { Consecutive = 0, RatioPercent = 50, RequestsMin = 10, WindowMs = 10_000 });
        Tell(0, Outcome.Failed, 9);
        Advance(10_000);
        Tell(0, Outcome.Failed, 9);
        Assert.True(IsUp(0));
        Advance(4_000);
        Tell(0, Outcome.Failed);
        Assert.False(IsUp(0));
    }

    [Fact]
    public void It_returns_when_the_time_is_over_and_the_next_time_is_twice_as_long()
    {
        Build(new EjectOptions { Consecutive = 2, BaseMs = 1_000 });
        foreach (int wanted in (ReadOnlySpan<int>)[1_000, 2_000, 4_000, 8_000])
        {
            Tell(0, Outcome.Failed, 2);
            Assert.False(IsUp(0));
            Advance(wanted - 1);
            Assert.False(IsUp(0));
            Advance(1 + (wanted / 8) + 1);
            Assert.Equal((ServerState.Up, "ejection_over"), StateOf(0));
        }
        // It was good for ten times the base: the past is forgotten.
        Advance(10_001);
        Tell(0, Outcome.Failed, 2);
        Assert.False(IsUp(0));
        Advance(1_126);
        Assert.True(IsUp(0));
    }

    [Fact]
    public void A_server_that_came_back_is_not_ejected_for_what_it_was_ejected_for()
    {
        Build(new EjectOptions { Consecutive = 0, RatioPercent = 50, RequestsMin = 10, BaseMs = 1_000 });
        Tell(0, Outcome.Failed, 10);
        Assert.False(IsUp(0));
        Advance(1_200);
        Tell(0, Outcome.Failed, 9);
        Assert.True(IsUp(0));
        Tell(0, Outcome.Failed);
        Assert.False(IsUp(0));
    }

    [Fact]
    public void What_was_under_way_when_it_was_ejected_changes_nothing()
    {
        Build(new EjectOptions { Consecutive = 2, BaseMs = 1_000 });
        Tell(0, Outcome.Failed, 20);
        ServerStatus status = _group.Servers[0].Status;
        Tell(0, Outcome.Answered, 20);
        Assert.Same(status, _group.Servers[0].Status);
        Advance(1_200);
        Assert.True(IsUp(0));
    }

    [Theory]
    [InlineData(1, 50, 0)]
    [InlineData(2, 50, 1)]
    [InlineData(3, 50, 1)]
    [InlineData(10, 30, 3)]
    [InlineData(10, 100, 10)]
    public void No_more_than_max_are_ejected_at_once(int servers, int max, int wanted)
    {
        Build(new EjectOptions { Consecutive = 1, MaxPercent = max, PanicPercent = 0 }, servers);
        for (int i = 0; i < servers; i++)
        {
            Tell(i, Outcome.Failed, 3);
        }
        Assert.Equal(wanted, _group.Servers.Count(s => s.Status.State == ServerState.Ejected));
        Assert.Equal(servers - wanted, _group.Set.Count);
        // One that returns makes room for another.
        Advance(10_000);
        Assert.All(_group.Servers, static s => Assert.True(s.Status.IsUsable));
        Tell(servers - 1, Outcome.Failed);
        Assert.Equal(wanted > 0, !IsUp(servers - 1));
    }

    [Fact]
    public void Checks_that_have_seen_an_outage_end_end_the_ejection_and_not_the_next_one()
    {
        Build(new EjectOptions { Consecutive = 2, BaseMs = 60_000 });
        Tell(0, Outcome.Failed, 2);
        Assert.False(IsUp(0));
        Recover(0);
        Assert.Equal((ServerState.Up, "check_passed"), StateOf(0));
        Tell(0, Outcome.Failed, 2);
        Assert.False(IsUp(0));
        // When the first one would have been over.
        Advance(70_000);
        Assert.False(IsUp(0));
        Advance(70_000);
        Assert.Equal((ServerState.Up, "ejection_over"), StateOf(0));
    }

    [Fact]
    public void What_failed_in_an_outage_that_checks_saw_end_counts_no_more()
    {
        Build(new EjectOptions { Consecutive = 3, RatioPercent = 50, RequestsMin = 4 });
        Tell(0, Outcome.Failed, 2);
        Recover(0);
        Tell(0, Outcome.Failed, 2);
        Assert.True(IsUp(0));
        Tell(0, Outcome.Failed);
        Assert.False(IsUp(0));
    }

    /// <summary>It is well whenever it has nothing to do, and fails whenever it has.</summary>
    [Fact]
    public void Checks_that_vouched_in_vain_end_an_ejection_no_sooner_than_the_one_before()
    {
        Build(new EjectOptions { Consecutive = 2, BaseMs = 1_000 });
        foreach (int before in (ReadOnlySpan<int>)[0, 1_000, 2_000, 4_000])
        {
            Tell(0, Outcome.Failed, 2);
            Advance(Math.Max(0, before - 1));
            Recover(0);
            Assert.Equal(before == 0, IsUp(0));
            Advance(1);
            Assert.Equal((ServerState.Up, "check_passed"), StateOf(0));
        }
        // It was good for ten times the base: checks are believed again.
        Advance(10_001);
        Tell(0, Outcome.Failed, 2);
        Recover(0);
        Assert.True(IsUp(0));
    }

    [Fact]
    public void Checks_may_vouch_when_the_time_of_the_ejection_before_is_over()
    {
        Build(new EjectOptions { Consecutive = 2, BaseMs = 1_000 });
        Tell(0, Outcome.Failed, 2);
        Recover(0);
        Tell(0, Outcome.Failed, 2);
        Advance(1_500);
        Assert.False(IsUp(0));
        Recover(0);
        Assert.Equal((ServerState.Up, "check_passed"), StateOf(0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_was_begun_in_an_outage_and_fails_after_it_counts_no_more(bool byChecks)
    {
        Build(new EjectOptions { Consecutive = 2, RatioPercent = 50, RequestsMin = 2, BaseMs = 1_000 });
        Tell(0, Outcome.Failed, 2);
        Advance(byChecks ? 10 : 1_200);
        if (byChecks)
        {
            Recover(0);
        }
        Assert.True(IsUp(0));
        Advance(500);
        Tell(0, Outcome.Failed, 10, tookMs: 1_000);
        Assert.True(IsUp(0));
        Tell(0, Outcome.Failed, 2, tookMs: 100);
        Assert.False(IsUp(0));
    }

    [Fact]
    public void An_ejection_that_cannot_be_logged_ends_like_any_other()
    {
        Build(new EjectOptions { Consecutive = 1 }, servers: 2);
        _group.Log = new ProcessLog(LogLevel.Debug, new BrokenClock());
        var escaped = new List<Exception>();
        _transport.Lanes[0].Escaped = escaped.Add;
        Tell(0, Outcome.Failed);
        Assert.Single(escaped);
        Assert.Equal((ServerState.Ejected, 1), (_group.Servers[0].Status.State, _group.Set.Count));
        Advance(10_000);
        Assert.Equal(2, escaped.Count);
        Assert.Equal((ServerState.Up, 2), (_group.Servers[0].Status.State, _group.Set.Count));
        // One of two may be ejected.
        Tell(1, Outcome.Failed);
        Assert.Equal((ServerState.Ejected, 1), (_group.Servers[1].Status.State, _group.Set.Count));
    }

    /// <summary>Nothing that is wrong with what is told of faults keeps a server out for ever.</summary>
    [Fact]
    public void An_ejection_of_which_not_even_the_fault_can_be_told_ends_like_any_other()
    {
        Build(new EjectOptions { Consecutive = 1 }, servers: 2);
        _group.Log = new ProcessLog(LogLevel.Debug, new BrokenClock());
        _transport.Lanes[0].Escaped = static _ => throw new InvalidOperationException();
        foreach (int server in (ReadOnlySpan<int>)[0, 1, 0])
        {
            Tell(server, Outcome.Failed);
            Assert.Equal((ServerState.Ejected, 1), (_group.Servers[server].Status.State, _group.Set.Count));
            // Until checks may end it, and until it is over.
            Advance(6_000);
            Advance(14_000);
            Assert.Equal((ServerState.Up, 2), (_group.Servers[server].Status.State, _group.Set.Count));
        }
    }

    /// <summary>The state of a server of a large group is changed on another thread.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Checks_that_see_the_end_of_an_outage_while_its_ejection_begins_are_heard(int lane)
    {
        Build(new EjectOptions { Consecutive = 1, BaseMs = 3_600_000 }, servers: 100);
        Tell(0, Outcome.Failed);
        Recover(0, lane);
        using var soon = new CancellationTokenSource(5_000);
        while (StateOf(0) != (ServerState.Up, "check_passed"))
        {
            soon.Token.ThrowIfCancellationRequested();
            _transport.RunUntilIdle();
            await Task.Yield();
        }
    }

    /// <summary>An operator's word is the strongest, and takes no other's back.</summary>
    [Theory]
    [InlineData(ServerState.Draining, false)]
    [InlineData(ServerState.Down, false)]
    [InlineData(ServerState.Draining, true)]
    [InlineData(ServerState.Down, true)]
    public void What_an_operator_says_of_an_ejected_server_holds_beside_it(ServerState said, bool byChecks)
    {
        Build(new EjectOptions { Consecutive = 1, BaseMs = 1_000 }, servers: 2);
        Tell(0, Outcome.Failed);
        Assert.False(Order(0, ServerState.Up));
        Assert.Equal((ServerState.Ejected, "consecutive_failures"), StateOf(0));
        Assert.True(Order(0, said));
        Assert.Equal((said, "operator"), StateOf(0));
        // Taken back while it lasts, it is ejected as before.
        Assert.True(Order(0, ServerState.Up));
        Assert.Equal((ServerState.Ejected, "consecutive_failures"), StateOf(0));
        Assert.True(Order(0, said));
        if (byChecks)
        {
            Recover(0);
        }
        else
        {
            Advance(1_200);
        }
        Assert.Equal((said, "operator", 1), (StateOf(0).State, StateOf(0).Reason, _group.Set.Count));
        Assert.True(Order(0, ServerState.Up));
        Assert.Equal((ServerState.Up, 2), (StateOf(0).State, _group.Set.Count));
        // It counts for max no more.
        Tell(1, Outcome.Failed);
        Assert.Equal(ServerState.Ejected, StateOf(1).State);
    }

    [Fact]
    public void Off_is_off()
    {
        Build(EjectOptions.Off);
        Tell(0, Outcome.Failed, 1_000);
        Assert.True(IsUp(0));
        Assert.Null(_group.Failures);
    }

    [Fact]
    public async Task A_large_group_builds_its_tables_off_the_lane()
    {
        Build(new EjectOptions { Consecutive = 1, MaxPercent = 100 }, servers: 1_000);
        for (int i = 0; i < 500; i++)
        {
            Tell(i, Outcome.Failed);
        }
        // On the thread pool; what it posts back is run here.
        using var soon = new CancellationTokenSource(20_000);
        while (_group.Set.Count != 500)
        {
            soon.Token.ThrowIfCancellationRequested();
            _transport.RunUntilIdle();
            await Task.Yield();
        }
        Assert.All(_group.Set.Servers, static s => Assert.True(s.Index >= 500));
    }

    private sealed class BrokenClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => throw new InvalidOperationException();
    }

    private void Build(EjectOptions eject, int servers = 3) => _group = new Upstream(new UpstreamOptions
    {
        Name = "u",
        Eject = eject,
        Servers = [.. Enumerable.Range(0, servers).Select(
            static i => new UpstreamServer(Balancing.ChoiceBed.Address($"10.0.{i / 250}.{i % 250}:80")))],
    }, _transport);

    private void Tell(int server, Outcome outcome, int times = 1, int lane = 0, int tookMs = 0) =>
        _transport.On(lane, () =>
        {
            for (int i = 0; i < times; i++)
            {
                Lane here = _transport.Lanes[lane];
                _group.Servers[server].Finished(here, tookMs * 1_000, outcome, here.Now - tookMs);
            }
        });

    private bool Order(int server, ServerState state) =>
        _group.Order(_group.Servers[server], state, weight: null, _transport.Lanes[0].Now);

    private void Recover(int server, int lane = 1) => _transport.On(lane, () =>
    {
        LaneTask done = _group.Servers[server].RecoverAsync(_transport.Lanes[lane]);
        Assert.True(done.IsCompleted);
    });

    private void Advance(int milliseconds) => _transport.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private bool IsUp(int server) => _group.Servers[server].Status.IsUsable;

    private (ServerState State, string Reason) StateOf(int server) =>
        (_group.Servers[server].Status.State, _group.Servers[server].Status.Reason);
}
