using System.Diagnostics;
using FastGate.Gateway.Proxy;

namespace FastGate.Tests.Proxy;

/// <summary>A second copy, moment by moment: when it is sent and when not, who wins, and that nothing of the other one is
/// left.</summary>
public sealed class HedgeTests
{
    private const string Get = HedgeBed.Get;
    private const string Ok = HedgeBed.Ok;
    private const string Late = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
    private const string Busy = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
    private const string On = "retry = { hedge = \"p95\" }";

    [Fact]
    public void A_silent_server_is_not_waited_for_alone()
    {
        using var bed = new HedgeBed();
        bed.Client.Send(Get);
        Peer first = bed.Asked(out string once);
        bed.Gate.Advance(17);
        Assert.Null(bed.TryAsked());
        bed.Gate.Advance(8);
        Peer second = bed.Asked(out string again);
        Assert.Equal(once, again);
        second.Send(Ok);
        bed.AssertOk();
        Assert.True(first.Broken, "the other one was not cut");
        bed.AssertSettled(second.Connection.BytesReceived > 0 ? 1 : 0);
        Assert.Equal((1, 0), bed.Budget.Sum());
        // Both are told: one that it answered, the other that it was waited for.
        Assert.Equal([(1, 0), (1, 0)], bed.Servers.Select(static s => s.Stats.Sum()));
        // A late answer meets nobody.
        bed.Client.Forget();
        bed.Client.Send(Get);
        first.Send(Late);
        Assert.Empty(bed.Client.Received);
        Peer next = bed.Asked();
        Assert.NotSame(first, next);
        next.Send(Ok);
        bed.AssertOk();
    }

    [Fact]
    public void The_first_may_still_win()
    {
        using var bed = new HedgeBed();
        (Peer first, Peer second) = bed.Race();
        first.Send(Ok);
        bed.AssertOk();
        Assert.True(second.Broken);
        bed.AssertSettled(1);
        // Its connection goes on, the other one is gone.
        Assert.NotSame(second, bed.Ask());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Two_heads_of_one_moment_are_one_answer(bool firstIsFirst)
    {
        using var bed = new HedgeBed();
        (Peer first, Peer second) = bed.Race();
        (firstIsFirst ? first : second).Queue(Bytes(Ok));
        (firstIsFirst ? second : first).Queue(Bytes(Ok));
        bed.Gate.Run();
        bed.AssertOk();
        Assert.Equal(1, bed.Client.Received.Split("HTTP/1.1").Length - 1);
        Assert.True(first.Broken != second.Broken);
        bed.AssertSettled(1);
    }

    [Fact]
    public void Half_a_head_wins_nothing()
    {
        using var bed = new HedgeBed();
        (Peer first, Peer second) = bed.Race();
        second.Send("HTTP/1.1 200 OK\r\nContent-Le");
        first.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
        Assert.Empty(bed.Client.Received);
        first.Send("\r\nok");
        bed.AssertOk();
        Assert.True(second.Broken);
        bed.AssertSettled(1);
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
        using var bed = new HedgeBed();
        (Peer first, Peer second) = bed.Race();
        Peer failing = firstFails ? first : second;
        if (answer.Length > 0)
        {
            failing.Send(answer);
        }
        failing.End();
        Assert.Empty(bed.Client.Received);
        (firstFails ? second : first).Send(Ok);
        bed.AssertOk();
        bed.AssertSettled(1);
        int errors = answer == Busy ? 0 : 1;
        Assert.Equal([(1, 0), (1, errors)], bed.Servers.Select(static s => s.Stats.Sum()).Order());
        Assert.Equal((1, 0), bed.Budget.Sum());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_both_fail_it_ends_as_the_last_one_did(bool firstFailsFirst)
    {
        using var bed = new HedgeBed();
        (Peer first, Peer second) = bed.Race();
        (firstFailsFirst ? first : second).Reset();
        (firstFailsFirst ? second : first).Send(Busy);
        Assert.StartsWith("HTTP/1.1 503 Busy\r\n", bed.Client.Received);
        Assert.EndsWith("\r\n\r\nbusy", bed.Client.Received);
        bed.AssertSettled(1);
        using var other = new HedgeBed();
        (first, second) = other.Race();
        (firstFailsFirst ? first : second).Reset();
        (firstFailsFirst ? second : first).Reset();
        Assert.Contains("error=connection_terminated\r\n", other.Client.Received);
        other.AssertSettled(0);
    }

    [Fact]
    public void Where_both_fail_a_third_is_asked_as_ever()
    {
        using var bed = new HedgeBed(servers: ["/a", "/b", "/c"]);
        (Peer first, Peer second) = bed.Race();
        first.Reset();
        second.Reset();
        Peer third = bed.Asked();
        bed.Gate.Advance(100);
        Assert.Null(bed.TryAsked());
        third.Send(Ok);
        bed.AssertOk();
        bed.AssertSettled(1);
    }

    [Fact]
    public void A_client_that_leaves_ends_both_and_blames_nobody()
    {
        using var bed = new HedgeBed();
        (Peer first, Peer second) = bed.Race();
        bed.Client.Reset();
        Assert.True(first.Broken && second.Broken);
        bed.AssertSettled(0);
        Assert.Equal([(1, 0), (1, 0)], bed.Servers.Select(static s => s.Stats.Sum()));
    }

    [Fact]
    public void Times_hold_for_each_and_for_all()
    {
        using var bed = new HedgeBed("timeout = { first_byte = \"200ms\" }");
        (Peer first, Peer second) = bed.Race();
        bed.Gate.Advance(190);
        Assert.True(first.Broken && !second.Broken);
        Assert.Empty(bed.Client.Received);
        bed.Gate.Advance(40);
        Assert.Contains("error=http_response_timeout\r\n", bed.Client.Received);
        bed.AssertSettled(0);

        using var total = new HedgeBed("timeout = { total = \"200ms\" }");
        (first, second) = total.Race();
        total.Gate.Advance(190);
        Assert.True(first.Broken && second.Broken);
        Assert.StartsWith("HTTP/1.1 504 ", total.Client.Received);
        total.AssertSettled(0);
    }

    [Fact]
    public void A_second_server_that_refuses_changes_nothing()
    {
        using var bed = new HedgeBed(servers: ["/a", "/nobody"]);
        for (int i = 0; i < 2; i++)
        {
            Peer asked = bed.Ask();
            bed.Gate.Advance(30);
            Assert.Null(bed.TryAsked());
            asked.Send(Ok);
            bed.AssertOk();
            bed.AssertSettled(1);
        }
        // Nothing was sent twice, so nothing was paid.
        Assert.Equal(0, bed.Budget.Sum().Charged);
    }

    [Fact]
    public void A_second_copy_never_queues()
    {
        using var bed = new HedgeBed(upstream: "eject = \"off\"\npool = { connections_max = 1 }");
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
        Assert.Equal((0, 0), bed.Budget.Sum());
    }

    [Theory]
    [InlineData("retry = { budget = \"100%\" }", Get)]
    [InlineData("retry = { hedge = \"off\" }", Get)]
    [InlineData("retry = { hedge = \"p95\", budget = \"1%\", budget_min = \"none\" }", Get)]
    [InlineData("retry = { hedge = \"p95\", on = [] }", Get)]
    [InlineData(On, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")]
    [InlineData(On, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")]
    [InlineData(On, "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")]
    [InlineData(On, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")]
    public void What_is_not_asked_for_or_may_not_happen_twice_is_sent_once(string route, string request)
    {
        using var bed = new HedgeBed(route);
        bed.Client.Send(request);
        Peer asked = bed.Asked();
        bed.Gate.Advance(500);
        Assert.Null(bed.TryAsked());
        asked.Send(Ok);
        bed.AssertOk();
        Assert.Equal((0, 0), bed.Budget.Sum());
    }

    [Fact]
    public void Too_few_answers_say_nothing_of_most()
    {
        using var bed = new HedgeBed(known: HeadTimes.CountMin - 1);
        Peer asked = bed.Ask();
        bed.Gate.Advance(500);
        Assert.Null(bed.TryAsked());
        asked.Send(Ok);
        bed.Gate.Advance(300);
        bed.Ask();
        bed.Gate.Advance(30);
        Assert.NotNull(bed.TryAsked());
    }

    /// <summary>All servers have become slow: what is sent twice is the budget's share.</summary>
    [Fact]
    public void The_budget_bounds_what_is_sent_twice()
    {
        using var bed = new HedgeBed("retry = { hedge = \"p95\", budget = \"20%\", budget_min = \"none\" }");
        const int Count = 100;
        int twice = 0;
        for (int i = 0; i < Count; i++)
        {
            Peer first = bed.Ask();
            bed.Gate.Advance(30);
            twice += bed.TryAsked() is null ? 0 : 1;
            first.Send(Ok);
            bed.AssertOk();
        }
        Assert.Equal(Count / 5, twice);
        Assert.Equal((Count / 5, 0), bed.Budget.Sum());
    }

    /// <summary>The winner's own time would hide how long the first was silent, and the delay would fall.</summary>
    [Fact]
    public void A_request_counts_from_its_first_copy_on()
    {
        using var bed = new HedgeBed(known: 0);
        bed.Record(HeadTimes.CountMin, milliseconds: 1);
        bed.Ask();
        long from = Stopwatch.GetTimestamp();
        Assert.True(SpinWait.SpinUntil(() => Stopwatch.GetElapsedTime(from).TotalMilliseconds > 40, 10_000));
        bed.Gate.Advance(25);
        bed.Asked().Send(Ok);
        bed.AssertOk();
        Assert.InRange(bed.Delay(percent: 99), 20, 10_000);
    }

    /// <summary>A report that takes seconds must not be sent twice each time because its neighbours are fast.</summary>
    [Fact]
    public void Each_route_has_a_measure_of_its_own()
    {
        using var bed = new HedgeBed($"""
            {On}
            [[route]]
            name = "report"
            match = "/report"
            upstream = "u"
            {On}
            """);
        bed.Client.Send("GET /report HTTP/1.1\r\nHost: h\r\n\r\n");
        Peer asked = bed.Asked();
        bed.Gate.Advance(500);
        Assert.Null(bed.TryAsked());
        asked.Send(Ok);
        bed.AssertOk();
        bed.Record(HeadTimes.CountMin, milliseconds: 200, route: 1);
        Assert.InRange(bed.Delay(), 18, 22);
        Assert.InRange(bed.Delay(route: 1), 180, 220);
    }

    /// <summary>What a second server has begun to say is held like all else.</summary>
    [Fact]
    public void Half_a_head_of_the_second_makes_room_when_memory_is_short()
    {
        using var bed = new HedgeBed(upstream: "eject = \"off\"\n[server]\nmemory_max = \"16MiB\"");
        (Peer first, Peer second) = bed.Race();
        second.Send("HTTP/1.1 200 OK\r\nX: " + new string('x', 20_000));
        bed.Gate.Advance(1_000);
        long rest = bed.Lane.Memory.Max - bed.Lane.Memory.Used + 1;
        bed.Gate.On(() => bed.Lane.Memory.Take(rest));
        Assert.StartsWith("HTTP/1.1 503 ", bed.Client.Received);
        Assert.True(first.Broken && second.Broken);
        bed.Gate.On(() => bed.Lane.Memory.Give(rest));
        bed.AssertSettled(0);
    }

    [Fact]
    public void A_copy_that_met_a_stale_connection_says_nothing_of_its_server()
    {
        using var bed = new HedgeBed(servers: ["/a", "/b"]);
        for (int i = 0; i < 2; i++)
        {
            bed.Ask().Send(Ok);
        }
        long errors = bed.Servers.Sum(static s => s.Stats.Sum().Errors);
        (Peer first, Peer second) = bed.Race();
        // It idled, and its server ended it just then.
        second.End();
        first.Send(Ok);
        bed.AssertOk();
        Assert.Equal(errors, bed.Servers.Sum(static s => s.Stats.Sum().Errors));
    }

    [Fact]
    public void Where_one_breaks_a_503_of_the_other_is_the_answer_in_the_same_turn_too()
    {
        using var bed = new HedgeBed();
        (Peer first, Peer second) = bed.Race();
        second.Queue(Bytes(Busy));
        first.Reset();
        bed.Gate.Run();
        Assert.StartsWith("HTTP/1.1 503 Busy", bed.Client.Received);
    }

    /// <summary>Two at a time are not two in a row: the slower one deletes, and the faster one answers 404.</summary>
    [Theory]
    [InlineData("DELETE")]
    [InlineData("PUT")]
    public void What_changes_something_has_no_copy_and_is_not_measured(string method)
    {
        using var known = new HedgeBed();
        Change(known, method);
        using var unknown = new HedgeBed(known: 0);
        for (int i = 0; i < 2 * HeadTimes.CountMin; i++)
        {
            Change(unknown, method);
        }
        // Nothing is known, so nobody else is asked.
        Peer first = unknown.Ask();
        unknown.Gate.Advance(1_000);
        Assert.Null(unknown.TryAsked());
        first.Send(Ok);
        unknown.AssertOk();

        static void Change(HedgeBed bed, string method)
        {
            bed.Client.Forget();
            bed.Client.Send($"{method} /a HTTP/1.1\r\nHost: h\r\n\r\n");
            Peer asked = bed.Asked();
            bed.Gate.Advance(1_000);
            Assert.Null(bed.TryAsked());
            asked.Send(Ok);
            bed.AssertOk();
        }
    }

    [Fact]
    public void What_a_retry_took_is_not_measured()
    {
        using var bed = new HedgeBed(known: 0);
        for (int i = 0; i < 2 * HeadTimes.CountMin; i++)
        {
            bed.Ask().Reset();
            bed.Asked().Send(Ok);
            bed.AssertOk();
            bed.Gate.Advance(1_000);
        }
        // Nothing is known, so nobody else is asked.
        Peer first = bed.Ask();
        bed.Gate.Advance(1_000);
        Assert.Null(bed.TryAsked());
        first.Send(Ok);
        bed.AssertOk();
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9\r\n")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 0\n\n")]
    public void What_is_no_head_is_not_waited_for(string head)
    {
        using var bed = new HedgeBed("timeout = { first_byte = \"10s\" }", servers: ["/a", "/b"]);
        bed.Ask().Send(head);
        // It failed here and now: the other one is asked for that, and not when the copy is due.
        bed.Asked().Send(Ok);
        bed.AssertOk();
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9\r\n")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 0\n\n")]
    public void What_is_no_head_does_not_win(string head)
    {
        using var bed = new HedgeBed();
        (Peer first, Peer second) = bed.Race();
        second.Send(head);
        Assert.Empty(bed.Client.Received);
        first.Send(Ok);
        bed.AssertOk();
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);
}
