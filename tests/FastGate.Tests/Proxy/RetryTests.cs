using FastGate.Gateway.Proxy;
using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Proxy;

/// <summary>What is tried again and what is not, move by move: servers that take turns, so that the second try is known
/// to be with the other one.</summary>
public sealed class RetryTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string Busy = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Le")]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early\r\n\r\n")]
    [InlineData("HTTP/1.1 502 Bad\r\nContent-Length: 3\r\n\r\nbad")]
    [InlineData("HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 503 Busy\r\nContent-Length: 9223372036854775807\r\n\r\n")]
    [InlineData("HTTP/1.1 504 Late\r\n\r\n")]
    public void Another_server_answers_and_the_client_sees_only_that(string answer)
    {
        using var bed = new RetryBed();
        Peer client = bed.Connect();
        client.Send(Get);
        Peer first = bed.Asked();
        if (answer.Length > 0)
        {
            first.Send(answer);
        }
        first.End();
        Peer second = bed.Asked();
        Assert.NotSame(first, second);
        second.Send(Ok);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", client.Received.Replace("HTTP/1.1 103 Early\r\n\r\n", ""));
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.Equal((1, 0), bed.Budget.Sum());
        // The client's connection goes on.
        client.Forget();
        client.Send(Get);
        bed.Asked().Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.Equal((1, 0), bed.Budget.Sum());
    }

    [Fact]
    public void Half_a_head_in_pieces_leaves_nothing_for_the_next_answer()
    {
        using var bed = new RetryBed();
        Peer client = bed.Connect();
        client.Send(Get);
        Peer first = bed.Asked();
        // More than a buffer, so that it is put together elsewhere.
        first.Send($"HTTP/1.1 200 OK\r\nX-Long: {new string('x', 20_000)}");
        first.Reset();
        Peer second = bed.Asked();
        string field = $"X-Other: {new string('y', 20_000)}\r\n";
        second.Send($"HTTP/1.1 200 OK\r\n{field}");
        second.Send("Content-Length: 2\r\n\r\nok");
        Assert.Contains(field, client.Received);
        Assert.DoesNotContain("X-Long", client.Received);
        Assert.EndsWith("\r\n\r\nok", client.Received);
    }

    [Fact]
    public void When_all_were_tried_the_last_answer_goes_out_as_it_came()
    {
        using var bed = new RetryBed();
        Peer client = bed.Connect();
        client.Send(Get);
        bed.Asked().Send("HTTP/1.1 503 Other\r\nContent-Length: 5\r\n\r\nother");
        bed.Asked().Send(Busy);
        Assert.StartsWith("HTTP/1.1 503 Busy\r\n", client.Received);
        Assert.EndsWith("\r\n\r\nbusy", client.Received);
        Assert.DoesNotContain("Proxy-Status", client.Received);
        Assert.Equal((1, 0), bed.Budget.Sum());
    }

    [Fact]
    public void The_reason_is_that_of_the_last_try()
    {
        using var bed = new RetryBed();
        Peer client = bed.Connect();
        client.Send(Get);
        bed.Asked().Send("nonsense\r\n\r\n");
        bed.Asked().Reset();
        Assert.StartsWith("HTTP/1.1 502 Bad Gateway\r\n", client.Received);
        Assert.Contains("Proxy-Status: fastgate; error=connection_terminated\r\n", client.Received);
    }

    /// <summary>A small answer that is all there is skipped: its connection is not lost for being busy.</summary>
    [Fact]
    public void The_connection_of_a_dropped_answer_is_used_again()
    {
        using var bed = new RetryBed("retry = { budget_min = \"1000/s\" }");
        Peer client = bed.Connect();
        for (int i = 0; i < 4; i++)
        {
            client.Forget();
            client.Send(Get);
            bed.Asked().Send(Busy);
            bed.Asked().Send(Ok);
            Assert.EndsWith("\r\n\r\nok", client.Received);
        }
        Assert.Equal(2, bed.Peers.Sum(static peers => peers.Count));
    }

    [Theory]
    [InlineData("on = [\"connect\", \"503\"]", "")]
    [InlineData("on = [\"connect\", \"reset\"]", Busy)]
    [InlineData("on = []", Busy)]
    [InlineData("budget = \"1%\", budget_min = \"none\"", "")]
    public void What_is_not_asked_for_or_not_in_the_budget_ends_as_it_was(string retry, string answer)
    {
        using var bed = new RetryBed($"retry = {{ {retry} }}");
        Peer client = bed.Connect();
        client.Send(Get);
        Peer first = bed.Asked();
        if (answer.Length > 0)
        {
            first.Send(answer);
            Assert.StartsWith("HTTP/1.1 503 Busy\r\n", client.Received);
        }
        else
        {
            first.End();
            Assert.Contains("error=connection_terminated\r\n", client.Received);
        }
        Assert.Null(bed.TryAsked());
        Assert.Equal((0, 0), bed.Budget.Sum());
    }

    [Fact]
    public void Off_is_off()
    {
        using var bed = new RetryBed("retry = \"off\"", servers: ["/nobody", "/nobody-else"]);
        Peer client = bed.Connect();
        client.Send(Get);
        Assert.Contains("error=connection_refused\r\n", client.Received);
        Assert.Equal((0, 0), bed.Budget.Sum());
        Assert.False(bed.Budget.IsOn);
    }

    [Theory]
    [InlineData("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")]
    [InlineData("PATCH /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")]
    [InlineData("BREW /a HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")]
    public void What_may_not_happen_twice_is_not_sent_twice(string request)
    {
        using var bed = new RetryBed();
        foreach (string answer in (string[])["", Busy])
        {
            Peer client = bed.Connect();
            client.Send(request);
            Peer first = bed.Asked();
            if (answer.Length > 0)
            {
                first.Send(answer);
            }
            first.End();
            Assert.Contains(answer.Length > 0 ? "503 Busy" : "error=connection_terminated", client.Received);
            Assert.Null(bed.TryAsked());
        }
        Assert.Equal((0, 0), bed.Budget.Sum());
    }

    [Theory]
    [InlineData("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")]
    [InlineData("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")]
    [InlineData(Get)]
    public void What_never_left_may_be_sent_elsewhere_and_costs_nothing(string request)
    {
        using var bed = new RetryBed("retry = { budget = \"1%\", budget_min = \"none\" }", servers: ["/nobody", "/b"]);
        Peer client = bed.Connect();
        // One of two begins with the server that refuses.
        for (int i = 0; i < 2; i++)
        {
            client.Send(request);
            Peer asked = bed.Asked(out string received);
            Assert.True(!request.Contains("body", StringComparison.Ordinal)
                || received.Contains("body", StringComparison.Ordinal), received);
            asked.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            Assert.EndsWith("\r\n\r\nok", client.Received);
            client.Forget();
        }
        (long charged, long free) = bed.Budget.Sum();
        Assert.Equal(0, charged);
        Assert.InRange(free, 1, 2);
    }

    [Fact]
    public void With_one_server_there_is_nowhere_to_go()
    {
        using var bed = new RetryBed("retry = { retries = 5 }", servers: ["/a"]);
        Peer client = bed.Connect();
        client.Send(Get);
        bed.Asked().End();
        Assert.Contains("error=connection_terminated\r\n", client.Received);
        Assert.Null(bed.TryAsked());
    }

    [Theory]
    [InlineData("Content-Length: 8", "body", "rest")]
    [InlineData("Transfer-Encoding: chunked", "4\r\nbody\r\n4\r", "\nrest\r\n0\r\nX-T: 1\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked", "6;x=y\r\nbodyre\r\n2\r\nst\r\n0\r\nX-T", ": 1\r\n\r\n")]
    public void A_body_that_was_read_in_part_is_sent_again_and_then_the_rest(string framing, string part, string rest)
    {
        using var bed = new RetryBed();
        Peer client = bed.Connect();
        client.Send($"PUT /a HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n{part}");
        Peer first = bed.Asked(out string received);
        Assert.Contains("body", received);
        first.Reset();
        Peer second = bed.Asked(out received);
        Assert.Contains("body", received);
        client.Send(rest);
        string body = (received + second.Received).Split("\r\n\r\n", 2)[1];
        string whole = framing.StartsWith("Content", StringComparison.Ordinal) ? body
            : string.Concat(body.Split("\r\n").Where(static line => line.Length > 1 && !line.StartsWith("X-T", StringComparison.Ordinal)));
        Assert.Equal("bodyrest", whole);
        Assert.Equal(framing.StartsWith("Transfer", StringComparison.Ordinal), body.EndsWith("0\r\nX-T: 1\r\n\r\n", StringComparison.Ordinal));
        second.Forget();
        second.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.Equal(0, bed.Gate.Lane.Buffers.Rented);
        // Its connection is clean: the next request is read where the body ended.
        client.Forget();
        client.Send(Get);
        bed.Asked().Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
    }

    [Fact]
    public void A_busy_server_s_answer_in_the_middle_of_an_upload_ends_that_try_alone()
    {
        using var bed = new RetryBed();
        Peer client = bed.Connect();
        client.Send("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nbody");
        bed.Asked().Send(Busy);
        Peer second = bed.Asked(out string received);
        Assert.EndsWith("\r\n\r\nbody", received);
        client.Send("rest");
        Assert.Equal("rest", second.Received);
        second.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.DoesNotContain("Connection: close", client.Received);
    }

    [Theory]
    [InlineData("Content-Length: 5", "12345", false)]
    [InlineData("Content-Length: 4", "1234", true)]
    [InlineData("Transfer-Encoding: chunked", "1\r\n1\r\n", false)]
    public void A_body_is_kept_up_to_body_max_and_not_a_byte_beyond(string framing, string body, bool isRetried)
    {
        using var bed = new RetryBed("retry = { body_max = \"4B\" }");
        Peer client = bed.Connect();
        client.Send($"PUT /a HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n{body}");
        bed.Asked().Reset();
        Assert.Equal(isRetried, bed.TryAsked() is not null);
        Assert.Equal(!isRetried, client.Received.Contains("error=connection_terminated", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_kept_goes_back_as_soon_as_there_is_an_answer()
    {
        using var bed = new RetryBed();
        Peer client = bed.Connect();
        client.Send($"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n{new string('x', 60_000)}");
        Peer first = bed.Asked();
        Assert.InRange(bed.Gate.Lane.Buffers.RentedBytes, 60_000, 4 * 16 * 1024);
        first.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        Assert.Equal(0, bed.Gate.Lane.Buffers.Rented);
        first.Send("ok");
        Assert.EndsWith("\r\n\r\nok", client.Received);
    }

    [Fact]
    public void A_body_that_nobody_could_send_again_is_not_kept()
    {
        using var bed = new RetryBed();
        foreach (string method in (string[])["POST", "PATCH"])
        {
            bed.Connect().Send($"{method} /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9000\r\n\r\n{new string('x', 9000)}");
            bed.Asked();
        }
        bed.Connect().Send($"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 65537\r\n\r\n{new string('x', 60_000)}");
        bed.Asked();
        Assert.Equal(0, bed.Gate.Lane.Buffers.Rented);
    }

    [Fact]
    public void Leave_to_go_on_is_passed_on_once()
    {
        using var bed = new RetryBed();
        Peer client = bed.Connect();
        client.Send("PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        Peer first = bed.Asked();
        first.Send("HTTP/1.1 100 Continue\r\n\r\n");
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", client.Received);
        client.Forget();
        client.Send("body");
        Assert.Equal("body", first.Received);
        first.Forget();
        first.Reset();
        Peer second = bed.Asked(out string received);
        Assert.EndsWith("\r\n\r\nbody", received);
        second.Send("HTTP/1.1 100 Continue\r\n\r\n");
        Assert.Empty(client.Received);
        second.Send(Ok);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", client.Received);
    }

    [Fact]
    public void A_try_has_its_time_and_the_exchange_its_own()
    {
        using var bed = new RetryBed("retry = { per_try = \"200ms\" }\ntimeout = { first_byte = \"5s\", total = \"1s\" }");
        Peer client = bed.Connect();
        client.Send(Get);
        Peer first = bed.Asked();
        bed.Gate.Advance(210);
        Assert.True(first.Ended || first.Broken);
        Peer second = bed.Asked();
        second.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        client.Forget();
        client.Send(Get);
        bed.Asked();
        bed.Gate.Advance(210);
        bed.Asked();
        Assert.Empty(client.Received);
        bed.Gate.Advance(210);
        Assert.Contains("error=http_response_timeout\r\n", client.Received);
        Assert.Null(bed.TryAsked());
    }

    [Fact]
    public void The_time_of_the_exchange_is_not_renewed_by_another_try()
    {
        using var bed = new RetryBed("timeout = { first_byte = \"5s\", total = \"1s\" }");
        Peer client = bed.Connect();
        client.Send(Get);
        Peer first = bed.Asked();
        bed.Gate.Advance(600);
        first.Reset();
        bed.Asked();
        bed.Gate.Advance(500);
        Assert.Contains("HTTP/1.1 504 ", client.Received);
        Assert.Null(bed.TryAsked());
    }

    /// <summary>The first retry is at once, for the other server has done nothing; the others wait.</summary>
    [Fact]
    public void Later_tries_wait_a_little_and_end_with_their_client()
    {
        using var bed = new RetryBed("retry = { retries = 9, budget_min = \"1000/s\" }", servers: ["/a", "/b", "/c", "/d", "/e", "/f"]);
        bool hasWaited = false;
        for (int i = 0; i < 40 && !hasWaited; i++)
        {
            Peer client = bed.Connect();
            client.Send(Get);
            bed.Asked().Reset();
            bed.Asked().Reset();
            if (bed.TryAsked() is { } third)
            {
                // Full jitter begins at nothing.
                third.Send(Ok);
                Assert.EndsWith("\r\n\r\nok", client.Received);
                continue;
            }
            hasWaited = true;
            Assert.Empty(client.Received);
            bed.Gate.Advance(26);
            bed.Asked().Send(Ok);
            Assert.EndsWith("\r\n\r\nok", client.Received);
        }
        Assert.True(hasWaited);
        bool hasLeft = false;
        for (int i = 0; i < 40 && !hasLeft; i++)
        {
            Peer client = bed.Connect();
            client.Send(Get);
            bed.Asked().Reset();
            bed.Asked().Reset();
            if (bed.TryAsked() is { } third)
            {
                third.Send(Ok);
                continue;
            }
            hasLeft = true;
            client.Reset();
            bed.Gate.Advance(300);
            Assert.Null(bed.TryAsked());
            Assert.Equal(0, bed.Gate.Gate.Upstreams[0].Servers.Sum(static server => server.Active));
        }
        Assert.True(hasLeft);
    }

    [Fact]
    public void Every_server_is_tried_once_and_then_it_ends()
    {
        using var bed = new RetryBed("retry = { retries = 9, budget_min = \"1000/s\" }", servers: ["/a", "/b", "/c"]);
        Peer client = bed.Connect();
        client.Send(Get);
        var tried = new HashSet<Peer>();
        for (int i = 0; i < 3; i++)
        {
            Peer asked = bed.Asked();
            Assert.True(tried.Add(asked));
            asked.Reset();
            bed.Gate.Advance(260);
        }
        Assert.Contains("error=connection_terminated\r\n", client.Received);
        Assert.Null(bed.TryAsked());
        Assert.All(bed.Peers, static peers => Assert.Single(peers));
    }

    [Fact]
    public void A_stale_connection_that_is_replaced_takes_no_retry_but_its_price()
    {
        using var bed = new RetryBed("retry = { budget_min = \"1000/s\" }");
        Peer client = bed.Connect();
        for (int i = 0; i < 2; i++)
        {
            client.Send(Get);
            bed.Asked().Send(Ok);
        }
        client.Forget();
        client.Send(Get);
        bed.Asked().Reset();
        Assert.Equal((1, 0), bed.Budget.Sum());
        bed.Asked().Reset();
        Assert.Equal((2, 0), bed.Budget.Sum());
        bed.Asked().Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
    }

    /// <summary>Where retries are off, it is what persistent connections need (RFC 9112 section 9.3.1) and no
    /// more.</summary>
    [Theory]
    [InlineData("retry = \"off\"", true)]
    [InlineData("retry = { budget = \"1%\", budget_min = \"none\" }", false)]
    public void A_stale_connection_is_replaced_without_retries_and_not_without_their_budget(string retry, bool isReplaced)
    {
        using var bed = new RetryBed(retry, servers: ["/a"]);
        Peer client = bed.Connect();
        client.Send(Get);
        bed.Asked().Send(Ok);
        client.Send(Get);
        bed.Asked().Reset();
        Assert.Equal(isReplaced, bed.TryAsked() is not null);
        Assert.Equal((0, 0), bed.Budget.Sum());
    }

    [Fact]
    public void Each_failed_try_counts_for_its_server()
    {
        using var bed = new RetryBed();
        Peer client = bed.Connect();
        client.Send(Get);
        bed.Asked().Reset();
        bed.Asked().Send(Ok);
        Assert.Equal([(1, 0), (1, 1)], bed.Gate.Gate.Upstreams[0].Servers.Select(static s => s.Stats.Sum()).Order());
        Assert.Equal(1, bed.Gate.Gate.Stats.Sum().Requests);
    }

    /// <summary>All but one of a group are away: it costs no request, however few <c>retries</c> there are.</summary>
    [Theory]
    [InlineData(3, Get)]
    [InlineData(16, Get)]
    [InlineData(16, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")]
    public void Servers_that_refuse_use_no_retry_up(int servers, string request)
    {
        using var bed = new RetryBed("retry = { retries = 1, budget = \"1%\", budget_min = \"none\" }",
            servers: [.. Enumerable.Range(1, servers - 1).Select(static i => $"/nobody{i}"), "/b"]);
        Peer client = bed.Connect();
        for (int i = 0; i < 2 * servers; i++)
        {
            client.Forget();
            client.Send(request);
            bed.Asked().Send(Ok);
            Assert.EndsWith("\r\n\r\nok", client.Received);
        }
        Assert.Equal((0L, true), (bed.Budget.Sum().Charged, bed.Budget.Sum().Free >= servers - 1));
    }

    [Fact]
    public void The_retry_is_there_still_when_servers_have_refused()
    {
        // The round begins anywhere.
        for (int i = 0; i < 8; i++)
        {
            using var bed = new RetryBed("retry = { retries = 1 }", servers: ["/nobody", "/nobody2", "/a", "/b"]);
            Peer client = bed.Connect();
            client.Send(Get);
            bed.Asked().Reset();
            bed.Asked().Send(Ok);
            Assert.EndsWith("\r\n\r\nok", client.Received);
        }
    }

    [Fact]
    public void An_outage_of_many_ends_after_so_many_servers_and_the_retries()
    {
        using var bed = new RetryBed("retry = { retries = 2 }", servers: [.. Enumerable.Range(0, 40).Select(static i => $"/nobody{i}")]);
        Peer client = bed.Connect();
        client.Send(Get);
        bed.Gate.Advance(100);
        Assert.Contains("error=connection_refused\r\n", client.Received);
        Server[] servers = bed.Gate.Gate.Upstreams[0].Servers;
        Assert.Equal(1 + 15 + 2, servers.Sum(static server => server.Stats.Sum().Requests));
        Assert.All(servers, static server => Assert.InRange(server.Stats.Sum().Requests, 0, 1));
    }

    [Theory]
    [InlineData("retry = { on = [\"reset\", \"503\"] }")]
    [InlineData("retry = \"off\"")]
    public void Who_refuses_is_not_passed_by_where_that_is_not_asked_for(string route)
    {
        using var bed = new RetryBed(route, servers: ["/nobody", "/nobody2", "/nobody3"]);
        Peer client = bed.Connect();
        client.Send(Get);
        Assert.Contains("error=connection_refused\r\n", client.Received);
        Assert.Equal(1, bed.Gate.Gate.Upstreams[0].Servers.Sum(static server => server.Stats.Sum().Requests));
    }

    /// <summary>Who refuses late is as expensive as who does not answer.</summary>
    [Fact]
    public void Moving_on_is_bound_in_number_and_in_time()
    {
        var tries = new Tries();
        int moves = 0;
        while (tries.TryMoveOn(now: 1_000, connectMs: 300))
        {
            moves++;
        }
        Assert.Equal((RetryOptions.MovesMax, RetryOptions.MovesMax), (moves, tries.Repeats));
        tries.Clear();
        Assert.True(tries.TryMoveOn(1_000, 300));
        Assert.True(tries.TryMoveOn(1_299, 300));
        Assert.False(tries.TryMoveOn(1_300, 300));
        Assert.Equal(2, tries.Repeats);
    }
}
