using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Proxy;

/// <summary>What the forwarder tells the servers of an upstream, and what it asks them by.</summary>
public sealed class BalancingTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Fact]
    public void Where_no_server_is_usable_the_gate_answers_503_at_once()
    {
        using var gate = GateOf("\"demo:\"", "eject = { panic = \"none\" }");
        Say(gate, ServerState.Down);
        Peer client = gate.Connect();
        client.Send(Get);
        Assert.StartsWith("HTTP/1.1 503 Service Unavailable\r\n", client.Received);
        Assert.Contains("Proxy-Status: fastgate; error=destination_unavailable\r\n", client.Received);
        Assert.Empty(gate.Upstream);
        client.Forget();
        Say(gate, ServerState.Up);
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", client.Received);
    }

    [Fact]
    public void Where_too_few_servers_are_up_one_that_is_down_is_tried()
    {
        using var gate = new GateInMemory();
        Say(gate, ServerState.Down);
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", client.Received);
        // Its connection is kept like any other.
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        Assert.Single(gate.Upstream);
    }

    [Fact]
    public void A_name_that_was_never_resolved_is_502()
    {
        using var gate = GateOf("\"nowhere.invalid:80\"");
        Peer client = gate.Connect();
        client.Send(Get);
        Assert.StartsWith("HTTP/1.1 502 Bad Gateway\r\n", client.Received);
        Assert.Contains("error=dns_error", client.Received);
    }

    [Fact]
    public void The_time_to_the_head_of_an_answer_is_known_when_the_head_is_there()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        Assert.Equal(0, LatencyUs(gate));
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        Assert.InRange(LatencyUs(gate), 1, 60_000_000);
        Assert.Equal(1, ServerOf(gate).Active);
        gate.Upstream[0].Send("ok");
        Assert.Equal(0, ServerOf(gate).Active);
    }

    /// <summary>An answer beyond our own bounds is no failure of its server, or a client that knows a URL with one has
    /// all servers ejected, one after the other.</summary>
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: {0}\r\n\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: {0}\r\n\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", false)]
    public void What_is_more_than_the_gate_takes_ejects_nobody(string answer, bool staysUp)
    {
        using GateInMemory gate = GateInMemory.With("head_bytes_max = \"1KiB\"\nheaders_max = 4", "retry = \"off\"",
            "eject = { consecutive = 5, requests_min = 5, max = \"100%\" }");
        answer = answer.Replace("{0}", new string('x', 1_100), StringComparison.Ordinal);
        for (int i = 0; i < 8; i++)
        {
            Peer client = gate.Connect();
            client.Send(Get);
            gate.Upstream[^1].Send(answer);
            Assert.True(client.Ended || client.Received.StartsWith("HTTP/1.1 502 ", StringComparison.Ordinal));
            client.End();
        }
        Assert.Equal(8, gate.Upstream.Count);
        Assert.Equal(staysUp ? ServerState.Up : ServerState.Ejected, ServerOf(gate).Status.State);
        Assert.Equal(8, ServerOf(gate).Stats.Sum().Errors);
    }

    [Theory]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense")]
    [InlineData("")]
    public void A_failure_counts_as_slow(string answer)
    {
        using var gate = new GateInMemory();
        gate.Connect().Send(Get);
        if (answer.Length > 0)
        {
            gate.Upstream[0].Send(answer);
        }
        gate.Upstream[0].End();
        // A failure of which nothing else is known is 100 ms; one behind a head is four times the head's time.
        bool hadHead = answer.Contains("\r\n\r\n", StringComparison.Ordinal) && answer.Contains("200", StringComparison.Ordinal);
        Assert.InRange(LatencyUs(gate), hadHead ? 4 : 100_000, 60_000_000);
    }

    [Fact]
    public void A_server_that_does_not_answer_in_time_is_as_slow_as_that()
    {
        using var gate = GateInMemory.With(route: "timeout = { first_byte = \"2s\" }");
        gate.Connect().Send(Get);
        gate.Advance(2_100);
        Assert.InRange(LatencyUs(gate), 100_000, 60_000_000);
    }

    [Fact]
    public void What_a_client_breaks_off_is_no_failure_of_the_server()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
        client.Reset();
        Assert.Equal(0, LatencyUs(gate));
        Assert.Equal(0, ServerOf(gate).Active);
    }

    [Fact]
    public void A_client_that_left_while_it_waited_tells_at_least_how_long()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        client.Reset();
        Assert.InRange(LatencyUs(gate), 1, 60_000_000);
    }

    [Fact]
    public void An_answer_before_the_whole_request_was_sent_tells_nothing_of_time()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234");
        gate.Upstream[0].Send("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n");
        Assert.Contains("HTTP/1.1 413 No\r\n", client.Received);
        Assert.Equal(0, LatencyUs(gate));
    }

    [Fact]
    public void A_stale_connection_that_is_replaced_is_no_failure()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        double before = LatencyUs(gate);
        client.Send(Get);
        gate.Upstream[0].Reset();
        Assert.Equal(2, gate.Upstream.Count);
        Assert.InRange(LatencyUs(gate), 1, before);
    }

    [Fact]
    public void A_server_that_refuses_counts_as_slow()
    {
        using var gate = GateOf("\"unix:/nobody\"");
        Peer client = gate.Connect();
        client.Send(Get);
        Assert.Contains("error=connection_refused", client.Received);
        Assert.Equal(100_000, LatencyUs(gate));
    }

    [Fact]
    public void The_same_key_goes_to_the_same_server_and_different_ones_to_all()
    {
        using var gate = GateOf("\"demo:\", \"unix:/a\", \"unix:/b\"", "balance = \"hash\"\nhash = \"cookie:sid\"");
        List<Peer>[] servers = [gate.Upstream, gate.Listen("/a"), gate.Listen("/b")];
        var homes = new Dictionary<int, int>();
        for (int i = 0; i < 90; i++)
        {
            Peer client = gate.Connect();
            client.Send($"GET /a HTTP/1.1\r\nHost: h\r\nCookie: sid={i % 30}\r\n\r\n");
            int home = Array.FindIndex(servers, peers => peers.Exists(static p => p.ReceivedBytes > 0));
            Peer server = servers[home].Find(static p => p.ReceivedBytes > 0)!;
            Assert.Contains($"sid={i % 30}\r\n", server.Received);
            server.Forget();
            server.Send(Ok);
            Assert.EndsWith("ok", client.Received);
            Assert.Equal(home, homes.TryAdd(i % 30, home) ? home : homes[i % 30]);
            client.End();
        }
        Assert.Equal(3, homes.Values.Distinct().Count());
    }

    [Fact]
    public void A_key_of_one_exchange_is_not_the_next_one_s()
    {
        using var gate = GateOf("\"demo:\", \"unix:/a\"", "balance = \"hash\"\nhash = \"cookie:sid\"");
        List<Peer>[] servers = [gate.Upstream, gate.Listen("/a")];
        Peer client = gate.Connect();
        int[] counts = new int[2];
        for (int i = 0; i < 80; i++)
        {
            // Each time the exchange before it had this key.
            client.Send("GET /a HTTP/1.1\r\nHost: h\r\nCookie: sid=1\r\n\r\n");
            Answer(servers);
            client.Send(Get);
            counts[Answer(servers)]++;
        }
        Assert.All(counts, static count => Assert.InRange(count, 10, 70));

        static int Answer(List<Peer>[] servers)
        {
            int home = Array.FindIndex(servers, peers => peers.Exists(static p => p.ReceivedBytes > 0));
            Peer server = servers[home].Find(static p => p.ReceivedBytes > 0)!;
            server.Forget();
            server.Send(Ok);
            return home;
        }
    }

    private static GateInMemory GateOf(string servers, string more = "") => new(GateInMemory.Plain.Replace(
        "servers = [\"demo:\"]", $"servers = [{servers}]\n{more}", StringComparison.Ordinal));

    private static Server ServerOf(GateInMemory gate) => gate.Gate.Upstreams[0].Servers[0];

    private static double LatencyUs(GateInMemory gate) => ServerOf(gate).LatencyUs(gate.Lane.Now);

    private static void Say(GateInMemory gate, ServerState state) =>
        ServerOf(gate).SetState(StateVoice.Health, state, "test", gate.Lane.Now);
}
