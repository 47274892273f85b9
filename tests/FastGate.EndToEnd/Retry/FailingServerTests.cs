using System.Diagnostics;
using FastGate.EndToEnd.Upstreams;
using FastGate.Gateway.Upstreams;

namespace FastGate.EndToEnd.Retry;

/// <summary>A server that fails beside one that works, each in its way, with nobody who checks them: the client notices
/// nothing but some time. And what it costs when all of them fail.</summary>
public sealed class FailingServerTests
{
    private const string Bold = "retry = { per_try = \"300ms\", budget_min = \"1000/s\" }";

    /// <summary>A refuser, a black hole, a tarpit, a liar, and one that breaks connections.</summary>
    [Theory]
    [InlineData((int)Mood.Refusing)]
    [InlineData((int)Mood.Silent)]
    [InlineData((int)Mood.Dribbling)]
    [InlineData((int)Mood.Lying)]
    [InlineData((int)Mood.Breaking)]
    public void What_one_server_does_not_answer_another_does(int mood)
    {
        using var one = new MoodyUpstream("one") { Mood = (Mood)mood };
        using var two = new MoodyUpstream("two");
        using GateOnLoopback gate = GateOf("balance = \"round_robin\"\neject = { base = \"1h\" }", Bold, one, two);
        using Wire client = gate.Connect();
        for (int i = 0; i < 20; i++)
        {
            client.Send(Expect.Get);
            (string head, string body) = client.ReadMessage();
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", head, StringComparison.Ordinal);
            Assert.Equal("two", body);
        }
        // Each of them counts for its server, so it is left alone soon.
        Server server = gate.Gate.Upstreams[0].Servers[0];
        Assert.Equal(ServerState.Ejected, server.Status.State);
        Assert.Equal((5, 5), server.Stats.Sum() is var (requests, errors) && (Mood)mood == Mood.Lying
            ? (requests, errors + 5)
            : (requests, errors));
        (long charged, long free) = gate.Gate.Upstreams[0].RetryBudget.Sum();
        Assert.Equal((Mood)mood == Mood.Refusing ? (0, 5) : (5, 0), (charged, free));
        gate.AwaitExchanges(20);
        Assert.Equal(5, gate.Close().Count(static line => line.Contains("\"retries\":1,", StringComparison.Ordinal)));
    }

    /// <summary>Up and down every second, while requests come.</summary>
    [Fact]
    public void A_flapper_costs_no_request()
    {
        using var one = new MoodyUpstream("one");
        using var two = new MoodyUpstream("two");
        using var three = new MoodyUpstream("three");
        using GateOnLoopback gate = GateOf("health = { path = \"/healthz\", every = \"200ms\" }", "", one, two, three);
        using var load = new Load(gate.Port, clients: 4);
        for (int i = 0; i < 4; i++)
        {
            one.Mood = i % 2 == 0 ? Mood.Refusing : Mood.Good;
            long until = Stopwatch.GetTimestamp() + Stopwatch.Frequency;
            Expect.Await(() => Stopwatch.GetTimestamp() > until, "time stands still");
        }
        Asked[] asked = load.End();
        Assert.DoesNotContain(asked, static each => each.IsLost);
        Assert.True(asked.Length > 100, $"{asked.Length} requests are no load");
    }

    [Fact]
    public void A_body_reaches_the_server_that_works()
    {
        using var one = new HandUpstream();
        using var two = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(
            $"{one.Address}\", \"{two.Address}", upstream: "balance = \"round_robin\""));
        using Wire client = gate.Connect();
        string body = new('x', 50_000);
        client.Send($"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        Expect.Await(() => one.HasPending || two.HasPending, "nobody is asked");
        (HandUpstream first, HandUpstream second) = one.HasPending ? (one, two) : (two, one);
        using (Wire broken = first.Accept())
        {
            broken.ReadHead();
            broken.ReadExactly(body.Length);
            broken.Reset();
        }
        using Wire good = second.Accept();
        Assert.Contains($"\r\nContent-Length: {body.Length}\r\n", good.ReadHead(), StringComparison.Ordinal);
        Assert.Equal(body, good.ReadExactly(body.Length));
        good.Send(Expect.Ok);
        client.Fine();
        gate.Logs("200");
    }

    /// <summary>All servers fail every request: what they get is what the clients ask, and the budget.</summary>
    [Theory]
    [InlineData((int)Mood.Lying, 503)]
    [InlineData((int)Mood.Breaking, 502)]
    public void An_outage_is_not_multiplied(int mood, int status)
    {
        using var one = new MoodyUpstream("one") { Mood = (Mood)mood };
        using var two = new MoodyUpstream("two") { Mood = (Mood)mood };
        using var three = new MoodyUpstream("three") { Mood = (Mood)mood };
        using GateOnLoopback gate = GateOf(
            "eject = \"off\"", "retry = { retries = 5, budget = \"10%\", budget_min = \"2/s\" }", one, two, three);
        long from = Stopwatch.GetTimestamp();
        using var load = new Load(gate.Port, clients: 4);
        load.Await(1_000);
        Asked[] asked = load.End();
        Assert.All(asked, each => Assert.Equal(status, each.Status));
        double seconds = Stopwatch.GetElapsedTime(from).TotalSeconds;
        long retries = one.Requests + two.Requests + three.Requests - asked.Length;
        Assert.Equal((retries, 0), gate.Gate.Upstreams[0].RetryBudget.Sum());
        double most = (asked.Length * 0.1) + (2 * seconds) + 2;
        Assert.InRange(retries, asked.Length / 20, most);
    }

    private static GateOnLoopback GateOf(string upstream, string route, params MoodyUpstream[] servers) => new(
        GateOnLoopback.To(string.Join("\", \"", servers.Select(static s => s.Address)), route, upstream));
}
