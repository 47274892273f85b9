using FastGate.Gateway.Upstreams;

namespace FastGate.EndToEnd.Upstreams;

/// <summary>Servers that go and come, and servers whose checks say something else than their answers.</summary>
public sealed class HealthTests
{
    /// <summary>Who is well answers within it on a busy machine too.</summary>
    private const string Checked =
        "health = { path = \"/healthz\", every = \"300ms\", timeout = \"250ms\", rise = 2, fall = 2 }";

    [Fact]
    public void A_server_that_goes_and_comes_is_said_once_each_time_with_the_reason()
    {
        using var one = new MoodyUpstream("one");
        using var two = new MoodyUpstream("two");
        using GateOnLoopback gate = GateOf(Checked, one, two);
        Server server = gate.Gate.Upstreams[0].Servers[0];
        Expect.Await(() => one.Checks >= 3 && two.Checks >= 3, "nobody checks");
        one.Mood = Mood.Refusing;
        Await(server, ServerState.Down);
        AssertAllFrom(gate, "two");
        one.Mood = Mood.Good;
        Await(server, ServerState.Up);
        Expect.Await(() => Get(gate) == "one", "it gets nothing");
        string[] said = [.. gate.Says("check_passed").Where(static l => l.Contains("state", StringComparison.Ordinal))];
        Assert.Equal(2, said.Length);
        Assert.Contains($"server={one.Address}", said[0], StringComparison.Ordinal);
        Assert.Contains("state=down", said[0], StringComparison.Ordinal);
        Assert.Contains("reason=check_refused", said[0], StringComparison.Ordinal);
        Assert.Contains("state=up", said[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_black_hole_is_found_by_its_checks()
    {
        using var one = new MoodyUpstream("one");
        using var two = new MoodyUpstream("two");
        using GateOnLoopback gate = GateOf(Checked, one, two);
        one.Mood = Mood.Silent;
        Await(gate.Gate.Upstreams[0].Servers[0], ServerState.Down);
        Assert.Equal("check_timeout", gate.Gate.Upstreams[0].Servers[0].Status.Reason);
        AssertAllFrom(gate, "two");
    }

    [Fact]
    public void A_tarpit_is_found_by_its_checks()
    {
        using var one = new MoodyUpstream("one");
        using var two = new MoodyUpstream("two");
        using GateOnLoopback gate = GateOf(Checked, one, two);
        one.Mood = Mood.Dribbling;
        Await(gate.Gate.Upstreams[0].Servers[0], ServerState.Down);
        AssertAllFrom(gate, "two");
    }

    [Fact]
    public void A_liar_is_ejected_though_its_checks_are_good()
    {
        using var one = new MoodyUpstream("one");
        using var two = new MoodyUpstream("two");
        using GateOnLoopback gate = GateOf(
            Checked + "\nbalance = \"round_robin\"\neject = { consecutive = 5, base = \"1h\" }", one, two);
        one.Mood = Mood.Lying;
        Server server = gate.Gate.Upstreams[0].Servers[0];
        Expect.Await(() =>
        {
            Get(gate);
            return server.Status.State == ServerState.Ejected;
        }, "it is not ejected");
        Assert.Equal("consecutive_failures", server.Status.Reason);
        int checks = one.Checks;
        Expect.Await(() => one.Checks > checks + 3, "it is not checked any more");
        Assert.Equal(ServerState.Ejected, server.Status.State);
        AssertAllFrom(gate, "two");
    }

    [Fact]
    public void Where_all_are_down_they_are_tried_and_the_first_request_after_one_returns_succeeds()
    {
        using var one = new MoodyUpstream("one");
        using var two = new MoodyUpstream("two");
        using GateOnLoopback gate = GateOf(Checked, one, two);
        (one.Mood, two.Mood) = (Mood.Refusing, Mood.Refusing);
        foreach (Server server in gate.Gate.Upstreams[0].Servers)
        {
            Await(server, ServerState.Down);
        }
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        client.Problem(502, "connection_refused");
        two.Mood = Mood.Good;
        Await(gate.Gate.Upstreams[0].Servers[1], ServerState.Up);
        AssertAllFrom(gate, "two");
    }

    [Fact]
    public void Without_panic_nobody_is_tried_when_all_are_down()
    {
        using var one = new MoodyUpstream("one");
        using GateOnLoopback gate = GateOf(Checked + "\neject = { panic = \"none\" }", one);
        one.Mood = Mood.Refusing;
        Server server = Assert.Single(gate.Gate.Upstreams[0].Servers);
        Await(server, ServerState.Down);
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        client.Problem(503, "destination_unavailable");
        one.Mood = Mood.Good;
        Await(server, ServerState.Up);
        AssertAllFrom(gate, "one");
    }

    /// <summary>Half of the time up, and every time it is, it gets its requests; but it does not take its group along,
    /// and it is left alone for longer and longer.</summary>
    [Fact]
    public void A_flapper_is_left_alone_for_longer_each_time()
    {
        using var one = new MoodyUpstream("one");
        using var two = new MoodyUpstream("two");
        using GateOnLoopback gate = GateOf(
            "balance = \"round_robin\"\neject = { consecutive = 2, base = \"50ms\" }", one, two);
        one.Mood = Mood.Breaking;
        Server server = gate.Gate.Upstreams[0].Servers[0];
        var lasted = new List<long>();
        for (int i = 0; i < 4; i++)
        {
            Expect.Await(() =>
            {
                Get(gate);
                return server.Status.State == ServerState.Ejected;
            }, "it is not ejected");
            long from = server.Status.Since;
            Await(server, ServerState.Up);
            lasted.Add(server.Status.Since - from);
        }
        Assert.InRange(lasted[0], 50, 1_000);
        Assert.InRange(lasted[3], 400, 5_000);
    }

    private static GateOnLoopback GateOf(string upstream, params MoodyUpstream[] servers) =>
        new(GateOnLoopback.To(string.Join("\", \"", servers.Select(static s => s.Address)), upstream: upstream));

    private static void Await(Server server, ServerState state) =>
        Expect.Await(() => server.Status.State == state, $"it is never {state}");

    /// <summary>The body of the answer to one request.</summary>
    private static string Get(GateOnLoopback gate)
    {
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        return client.ReadMessage().Body;
    }

    private static void AssertAllFrom(GateOnLoopback gate, string name)
    {
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(name, Get(gate));
        }
    }
}
