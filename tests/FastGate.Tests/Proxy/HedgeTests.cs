using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Proxy;

/// <summary>A second copy, moment by moment: when it is sent and when not, who wins, and that nothing of the other one is
/// left.</summary>
public sealed class HedgeTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string Late = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
    private const string Busy = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
    private const string On = "retry = { hedge = \"p95\" }";

    [Fact]
    public void A_silent_server_is_not_waited_for_alone()
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        client.Send(Get);
        Peer first = bed.Asked(out string once);
        bed.Gate.Advance(17);
        Assert.Null(bed.TryAsked());
        bed.Gate.Advance(8);
        Peer second = bed.Asked(out string again);
        Assert.Equal(once, again);
        second.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.True(first.Broken, "the other one was not cut");
        AssertSettled(bed, second.Connection.BytesReceived > 0 ? 1 : 0);
        Assert.Equal((1, 0), bed.Budget.Sum());
        // Both are told: one that it answered, the other that it was waited for.
        Assert.Equal([(1, 0), (1, 0)], Servers(bed).Select(static s => s.Stats.Sum()));
        // A late answer meets nobody.
        client.Forget();
        client.Send(Get);
        first.Send(Late);
        Assert.Empty(client.Received);
        Peer next = bed.Asked();
        Assert.NotSame(first, next);
        next.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
    }

    [Fact]
    public void The_first_may_still_win()
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        first.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.True(second.Broken);
        AssertSettled(bed, 1);
        // Its connection goes on, the other one is gone.
        client.Forget();
        client.Send(Get);
        Assert.NotSame(second, bed.Asked());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_heads_of_one_moment_are_one_answer(bool firstIsFirst)
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        (firstIsFirst ? first : second).Queue(Bytes(Ok));
        (firstIsFirst ? second : first).Queue(Bytes(Ok));
        bed.Gate.Run();
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.Equal(1, client.Received.Split("HTTP/1.1").Length - 1);
        Assert.True(first.Broken != second.Broken);
        AssertSettled(bed, 1);
    }

    [Fact]
    public void Half_a_head_wins_nothing()
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        second.Send("HTTP/1.1 200 OK\r\nContent-Le");
        first.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
        Assert.Empty(client.Received);
        first.Send("\r\nok");
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.True(second.Broken);
        AssertSettled(bed, 1);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("", false)]
    [InlineData(Busy, true)]
    [InlineData(Busy, false)]
    [InlineData("HTTP/1.1 200 OK\r\nConte", true)]
    [InlineData("HTTP/1.1 200 OK\r\nConte", false)]
    public void Who_fails_leaves_it_to_the_other(string answer, bool firstFails)
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        Peer failing = firstFails ? first : second;
        if (answer.Length > 0)
        {
            failing.Send(answer);
        }
        failing.End();
        Assert.Empty(client.Received);
        (firstFails ? second : first).Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        AssertSettled(bed, 1);
        int errors = answer == Busy ? 0 : 1;
        Assert.Equal([(1, 0), (1, errors)], Servers(bed).Select(static s => s.Stats.Sum()).Order());
        Assert.Equal((1, 0), bed.Budget.Sum());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_both_fail_it_ends_as_the_last_one_did(bool firstFailsFirst)
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        (firstFailsFirst ? first : second).Reset();
        (firstFailsFirst ? second : first).Send(Busy);
        Assert.StartsWith("HTTP/1.1 503 Busy\r\n", client.Received);
        Assert.EndsWith("\r\n\r\nbusy", client.Received);
        AssertSettled(bed, 1);
        using var other = Bed();
        client = other.Connect();
        (first, second) = Hedged(other, client);
        (firstFailsFirst ? first : second).Reset();
        (firstFailsFirst ? second : first).Reset();
        Assert.Contains("error=connection_terminated\r\n", client.Received);
        AssertSettled(other, 0);
    }

    [Fact]
    public void Where_both_fail_a_third_is_asked_as_ever()
    {
        using var bed = Bed(servers: ["/a", "/b", "/c"]);
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        first.Reset();
        second.Reset();
        Peer third = bed.Asked();
        bed.Gate.Advance(100);
        Assert.Null(bed.TryAsked());
        third.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        AssertSettled(bed, 1);
    }

    [Fact]
    public void A_client_that_leaves_ends_both_and_blames_nobody()
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        client.Reset();
        Assert.True(first.Broken && second.Broken);
        AssertSettled(bed, 0);
        Assert.Equal([(1, 0), (1, 0)], Servers(bed).Select(static s => s.Stats.Sum()));
    }

    [Fact]
    public void Times_hold_for_each_and_for_all()
    {
        using var bed = Bed("timeout = { first_byte = \"200ms\" }");
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        bed.Gate.Advance(190);
        Assert.True(first.Broken && !second.Broken);
        Assert.Empty(client.Received);
        bed.Gate.Advance(40);
        Assert.Contains("error=http_response_timeout\r\n", client.Received);
        AssertSettled(bed, 0);

        using var total = Bed("timeout = { total = \"200ms\" }");
        client = total.Connect();
        (first, second) = Hedged(total, client);
        total.Gate.Advance(190);
        Assert.True(first.Broken && second.Broken);
        Assert.StartsWith("HTTP/1.1 504 ", client.Received);
        AssertSettled(total, 0);
    }

    [Fact]
    public void A_second_server_that_refuses_changes_nothing()
    {
        using var bed = Bed(servers: ["/a", "/nobody"]);
        for (int i = 0; i < 2; i++)
        {
            Peer client = bed.Connect();
            client.Send(Get);
            Peer asked = bed.Asked();
            bed.Gate.Advance(30);
            Assert.Null(bed.TryAsked());
            asked.Send(Ok);
            Assert.EndsWith("\r\n\r\nok", client.Received);
            AssertSettled(bed, 1);
        }
    }

    [Fact]
    public void A_second_copy_never_queues()
    {
        using var bed = Bed(upstream: "eject = \"off\"\npool = { connections_max = 1 }");
        Peer one = bed.Connect();
        Peer other = bed.Connect();
        one.Send(Get);
        Peer first = bed.Asked();
        other.Send(Get);
        Peer second = bed.Asked();
        bed.Gate.Advance(50);
        Assert.Null(bed.TryAsked());
        Assert.Equal(0, bed.Gate.Gate.Upstreams[0].Queue.Count);
        first.Send(Ok);
        second.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", one.Received);
        Assert.EndsWith("\r\n\r\nok", other.Received);
    }

    [Theory]
    [InlineData("", Get)]
    [InlineData("retry = { hedge = \"off\" }", Get)]
    [InlineData("retry = { hedge = \"p95\", budget = \"1%\", budget_min = \"none\" }", Get)]
    [InlineData("retry = { hedge = \"p95\", on = [] }", Get)]
    [InlineData(On, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")]
    [InlineData(On, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")]
    [InlineData(On, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")]
    [InlineData(On, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")]
    public void What_is_not_asked_for_or_may_not_happen_twice_is_sent_once(string route, string request)
    {
        using var bed = Bed(route, isWhole: true);
        Peer client = bed.Connect();
        client.Send(request);
        Peer asked = bed.Asked();
        bed.Gate.Advance(500);
        Assert.Null(bed.TryAsked());
        asked.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.Equal((0, 0), bed.Budget.Sum());
    }

    [Fact]
    public void Too_few_answers_say_nothing_of_most()
    {
        using var bed = new RetryBed(On);
        Record(bed, HeadTimes.CountMin - 1);
        Peer client = bed.Connect();
        client.Send(Get);
        Peer asked = bed.Asked();
        bed.Gate.Advance(500);
        Assert.Null(bed.TryAsked());
        asked.Send(Ok);
        bed.Gate.Advance(300);
        client.Send(Get);
        bed.Asked();
        bed.Gate.Advance(30);
        Assert.NotNull(bed.TryAsked());
    }

    /// <summary>All servers have become slow: what is sent twice is the budget's share.</summary>
    [Fact]
    public void The_budget_bounds_what_is_sent_twice()
    {
        using var bed = Bed("retry = { hedge = \"p95\", budget = \"20%\", budget_min = \"none\" }", isWhole: true);
        const int Count = 100;
        Peer client = bed.Connect();
        int twice = 0;
        for (int i = 0; i < Count; i++)
        {
            client.Forget();
            client.Send(Get);
            Peer first = bed.Asked();
            bed.Gate.Advance(30);
            twice += bed.TryAsked() is null ? 0 : 1;
            first.Send(Ok);
            Assert.EndsWith("\r\n\r\nok", client.Received);
        }
        Assert.Equal(Count / 5, twice);
        Assert.Equal((Count / 5, 0), bed.Budget.Sum());
    }

    /// <summary>One that was passed by does not count among the answers, or the delay would follow it.</summary>
    [Fact]
    public void The_delay_stays_where_it_was_while_one_server_is_passed_by()
    {
        using var bed = Bed("retry = { hedge = \"p95\", budget = \"100%\" }", isWhole: true);
        Peer client = bed.Connect();
        for (int i = 0; i < 200; i++)
        {
            client.Forget();
            Hedged(bed, client).Second.Send(Ok);
            Assert.EndsWith("\r\n\r\nok", client.Received);
        }
        Assert.True(Times(bed).TryDelay(95, bed.Gate.Lane.Now + 1_000, out long delay));
        Assert.InRange(delay, 1, 22);
    }

    [Fact]
    public void A_copy_that_met_a_stale_connection_says_nothing_of_its_server()
    {
        using var bed = Bed(servers: ["/a", "/b"]);
        Peer client = bed.Connect();
        for (int i = 0; i < 2; i++)
        {
            client.Forget();
            client.Send(Get);
            bed.Asked().Send(Ok);
        }
        long errors = Servers(bed).Sum(static s => s.Stats.Sum().Errors);
        (Peer first, Peer second) = Hedged(bed, client);
        client.Forget();
        // It idled, and its server ended it just then.
        second.End();
        first.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.Equal(errors, Servers(bed).Sum(static s => s.Stats.Sum().Errors));
    }

    [Fact]
    public void Where_one_breaks_a_503_of_the_other_is_the_answer_in_the_same_turn_too()
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        second.Queue(Bytes(Busy));
        first.Reset();
        bed.Gate.Run();
        Assert.StartsWith("HTTP/1.1 503 Busy", client.Received);
    }

    /// <summary>Two at a time are not two in a row: the slower one deletes, and the faster one answers 404.</summary>
    [Theory]
    [InlineData("DELETE")]
    [InlineData("PUT")]
    public void What_changes_something_has_no_copy(string method)
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        client.Send($"{method} /a HTTP/1.1\r\nHost: h\r\n\r\n");
        Peer first = bed.Asked();
        bed.Gate.Advance(25);
        Assert.Null(bed.TryAsked());
        first.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9\r\n")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 0\n\n")]
    public void What_is_no_head_is_not_waited_for(string head)
    {
        using var bed = Bed("timeout = { first_byte = \"10s\" }", servers: ["/a", "/b"]);
        Peer client = bed.Connect();
        client.Send(Get);
        bed.Asked().Send(head);
        // It failed here and now: the other one is asked for that, and not when the copy is due.
        bed.Asked().Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9\r\n")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 0\n\n")]
    public void What_is_no_head_does_not_win(string head)
    {
        using var bed = Bed();
        Peer client = bed.Connect();
        (Peer first, Peer second) = Hedged(bed, client);
        second.Send(head);
        Assert.Empty(client.Received);
        first.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
    }

    private static RetryBed Bed(string route = "", string[]? servers = null, string upstream = "eject = \"off\"",
        bool isWhole = false)
    {
        var bed = new RetryBed(isWhole ? route : $"{On}\n{route}", servers, upstream);
        Record(bed, 200);
        return bed;
    }

    /// <summary>So many answers that took 20 ms.</summary>
    private static void Record(RetryBed bed, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Times(bed).Record(bed.Gate.Lane.Now, 20_000);
        }
    }

    private static HeadTimes Times(RetryBed bed) => bed.Gate.Gate.Upstreams[0].PoolOf(bed.Gate.Lane).HeadTimes;

    private static (Peer First, Peer Second) Hedged(RetryBed bed, Peer client)
    {
        client.Send(Get);
        Peer first = bed.Asked();
        bed.Gate.Advance(25);
        return (first, bed.Asked());
    }

    private static Server[] Servers(RetryBed bed) => bed.Gate.Gate.Upstreams[0].Servers;

    /// <summary>Nothing is under way, and so many connections are kept.</summary>
    private static void AssertSettled(RetryBed bed, int connections)
    {
        Assert.Equal((0, connections), (Servers(bed).Sum(static s => s.Active), Servers(bed).Sum(static s => s.Connections)));
        Assert.Equal(0, bed.Gate.Lane.Buffers.Rented);
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);
}
