using FastGate.Gateway.Upstreams;
using FastGate.Tests.Proxy;

namespace FastGate.Tests.Upstreams.Health;

/// <summary>Active checks of servers that are moved by hand, and of time too.</summary>
public sealed class HealthCheckTests
{
    private const string Good = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string Bad = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";

    [Fact]
    public void A_check_asks_on_a_connection_of_its_own_and_says_who_asks()
    {
        using GateInMemory gate = GateOf("path = \"/health?deep=1\"");
        Peer check = NextCheck(gate);
        Assert.Equal("GET /health?deep=1 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: fastgate\r\nAccept: */*\r\n"
            + "Connection: close\r\n\r\n", check.Received);
        Assert.Equal(0, ServerOf(gate).Connections);
        Assert.Equal(-1, ServerOf(gate).LastCheck);
        check.Send(Good);
        Assert.True(check.Ended);
        Assert.False(check.Broken);
        Assert.Equal(gate.Lane.Now, ServerOf(gate).LastCheck);
    }

    [Fact]
    public void A_server_goes_down_after_fall_bad_checks_in_a_row_and_up_after_rise_good_ones()
    {
        using GateInMemory gate = GateOf("rise = 2, fall = 3");
        Answer(gate, Bad, 2);
        Answer(gate, Good);
        Answer(gate, Bad, 2);
        Assert.Equal(ServerState.Up, ServerOf(gate).Status.State);
        Answer(gate, Bad);
        Assert.Equal((ServerState.Down, "check_status_503"), StateOf(gate));
        Assert.Equal(gate.Lane.Now, ServerOf(gate).Status.Since);
        Answer(gate, Good);
        Answer(gate, Bad);
        Answer(gate, Good);
        Assert.Equal(ServerState.Down, ServerOf(gate).Status.State);
        Answer(gate, Good);
        Assert.Equal((ServerState.Up, "check_passed"), StateOf(gate));
    }

    [Theory]
    [InlineData("HTTP/1.1 301 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "check_status_301")]
    [InlineData("nonsense\r\n\r\n", "check_protocol")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-", "check_incomplete")]
    [InlineData("", "check_reset")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nnot oke", "check_body")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n", "check_body")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nal", "check_body")]
    public void What_is_no_good_answer(string answer, string reason)
    {
        using GateInMemory gate = GateOf("fall = 1, body = \"all good\"");
        Peer check = NextCheck(gate);
        if (answer.Length > 0)
        {
            check.Send(answer);
        }
        check.End();
        Assert.Equal((ServerState.Down, reason), StateOf(gate));
    }

    [Theory]
    [InlineData("HTTP/1.1 204 No\r\n\r\n", "status = [\"200\", \"204-299\"]")]
    [InlineData("HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n", "status = \"401\"")]
    [InlineData("HTTP/1.1 103 Soon\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "")]
    [InlineData("HTTP/1.0 200 OK\r\n\r\nit is all good", "body = \"all good\"")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n5\r\n good\r\n0\r\n\r\n",
        "body = \"all good\"")]
    public void What_is_a_good_answer(string answer, string more)
    {
        using GateInMemory gate = GateOf("fall = 1" + (more.Length > 0 ? ", " + more : ""));
        Peer check = NextCheck(gate);
        check.Send(answer);
        check.End();
        Assert.Equal(ServerState.Up, ServerOf(gate).Status.State);
        Assert.NotEqual(-1, ServerOf(gate).LastCheck);
    }

    [Fact]
    public void A_check_has_one_time_for_everything()
    {
        using GateInMemory gate = GateOf("fall = 1, timeout = \"2s\"");
        Peer check = NextCheck(gate);
        gate.Advance(1_500);
        check.Send("HTTP/1.1 200");
        gate.Advance(490);
        Assert.Equal(ServerState.Up, ServerOf(gate).Status.State);
        check.Send(" OK\r\nContent-Length:");
        gate.Advance(10);
        Assert.Equal((ServerState.Down, "check_timeout"), StateOf(gate));
        Assert.True(check.Ended);
    }

    [Fact]
    public void A_server_that_refuses_is_down()
    {
        using GateInMemory gate = GateOf("fall = 2", "unix:/nobody");
        gate.Advance(5_000);
        Assert.Equal(ServerState.Up, ServerOf(gate).Status.State);
        gate.Advance(5_000);
        Assert.Equal((ServerState.Down, "check_refused"), StateOf(gate));
    }

    [Fact]
    public void Checks_come_within_the_interval_and_up_to_a_fifth_sooner()
    {
        using GateInMemory gate = GateOf("every = \"10s\"");
        Peer check = NextCheck(gate, 10_000);
        check.Send(Good);
        long last = gate.Lane.Now;
        var gaps = new List<long>();
        for (int i = 0; i < 50; i++)
        {
            NextCheck(gate, 10_000).Send(Good);
            gaps.Add(gate.Lane.Now - last);
            last = gate.Lane.Now;
        }
        Assert.All(gaps, static gap => Assert.InRange(gap, 8_000, 10_000));
        Assert.True(gaps.Max() - gaps.Min() > 500, "they come like clockwork");
    }

    [Fact]
    public void A_server_that_returns_is_up_within_the_interval()
    {
        using GateInMemory gate = GateOf("every = \"10s\", rise = 4, fall = 1");
        NextCheck(gate, 10_000).Send(Bad);
        Assert.Equal(ServerState.Down, ServerOf(gate).Status.State);
        long from = gate.Lane.Now;
        for (int i = 0; i < 4; i++)
        {
            NextCheck(gate, 2_500).Send(Good);
        }
        Assert.Equal(ServerState.Up, ServerOf(gate).Status.State);
        Assert.InRange(gate.Lane.Now - from, 1, 10_000);
    }

    [Fact]
    public void Checks_of_a_thousand_servers_are_spread_over_the_interval()
    {
        string servers = string.Join(", ", Enumerable.Range(0, 1_000).Select(static i => $"\"unix:/s{i}\""));
        using GateInMemory gate = GateOf("every = \"10s\"", servers.Trim('"'));
        Server[] all = gate.Gate.Upstreams[0].Servers;
        int[] byTenth = new int[20];
        int before = 0;
        for (int tenth = 0; tenth < 20; tenth++)
        {
            gate.Advance(1_000);
            int now = all.Count(s => s.LastCheck > gate.Lane.Now - 1_000);
            byTenth[tenth] = now;
            before += now;
        }
        // While the first round ends, the second begins, for its checks may come sooner.
        Assert.All(byTenth, static count => Assert.InRange(count, 70, 190));
        Assert.True(before > 2_000);
    }

    [Fact]
    public void A_server_that_is_down_gets_nothing_while_others_are_up_and_what_idles_there_is_closed()
    {
        using GateInMemory gate = GateOf("fall = 1", "demo:\", \"unix:/b");
        List<Peer> other = gate.Listen("/b");
        Peer client = gate.Connect();
        gate.Advance(5_000);
        // The first connection of each is its check.
        other[0].Send(Good);
        gate.Upstream[0].Send(Bad);
        Assert.Equal(ServerState.Down, gate.Gate.Upstreams[0].Servers[0].Status.State);
        for (int i = 0; i < 20; i++)
        {
            client.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
            other[^1].Send(Good);
        }
        Assert.DoesNotContain(gate.Upstream, static p => p.Received.Contains("GET /a", StringComparison.Ordinal));
    }

    [Fact]
    public void An_ejection_ends_when_checks_that_saw_the_server_down_see_it_up()
    {
        using GateInMemory gate = GateOf("every = \"1s\", rise = 2, fall = 2", "demo:\", \"unix:/b");
        gate.Listen("/b");
        Eject(gate);
        Answer(gate, Bad, 2);
        Assert.Equal((ServerState.Down, "check_status_503"), StateOf(gate));
        Answer(gate, Good, 2);
        Assert.Equal((ServerState.Up, "check_passed"), StateOf(gate));
    }

    /// <summary>They may be what lies.</summary>
    [Fact]
    public void Checks_that_never_saw_it_down_end_no_ejection()
    {
        using GateInMemory gate = GateOf("every = \"1s\", rise = 1, fall = 2", "demo:\", \"unix:/b");
        gate.Listen("/b");
        Eject(gate);
        Answer(gate, Bad);
        Answer(gate, Good, 3);
        Assert.Equal((ServerState.Ejected, "consecutive_failures"), StateOf(gate));
    }

    private static void Eject(GateInMemory gate)
    {
        gate.On(() =>
        {
            for (int i = 0; i < 5; i++)
            {
                ServerOf(gate).Finished(gate.Lane, 1_000, Outcome.Failed, gate.Lane.Now);
            }
        });
        Assert.Equal((ServerState.Ejected, "consecutive_failures"), StateOf(gate));
    }

    private static GateInMemory GateOf(string health, string servers = "demo:")
    {
        if (!health.Contains("path", StringComparison.Ordinal))
        {
            health = "path = \"/healthz\", " + health;
        }
        var gate = new GateInMemory(GateInMemory.Plain.Replace("servers = [\"demo:\"]",
            $"servers = [\"{servers}\"]\nhealth = {{ {health} }}", StringComparison.Ordinal));
        gate.StartChecks();
        return gate;
    }

    private static void Answer(GateInMemory gate, string answer, int times = 1)
    {
        for (int i = 0; i < times; i++)
        {
            NextCheck(gate).Send(answer);
        }
    }

    /// <summary>The next connection, once time has moved on to it.</summary>
    private static Peer NextCheck(GateInMemory gate, long withinMs = 5_000)
    {
        int seen = gate.Upstream.Count;
        for (long step = Math.Max(1, withinMs / 200), passed = 0; gate.Upstream.Count == seen; passed += step)
        {
            Assert.True(passed < withinMs, "no check came");
            gate.Advance(step);
        }
        return gate.Upstream[^1];
    }

    private static Server ServerOf(GateInMemory gate) => gate.Gate.Upstreams[0].Servers[0];

    private static (ServerState State, string Reason) StateOf(GateInMemory gate) =>
        (ServerOf(gate).Status.State, ServerOf(gate).Status.Reason);
}
