using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Proxy;

/// <summary>Every bound in time and in bytes, at the bound, with the time moved by hand.</summary>
public sealed class BoundsTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private static GateInMemory With(string client = "", string route = "", string pool = "", string server = "") =>
        GateInMemory.With(client, route, pool, server);

    [Fact]
    public void A_head_has_its_time_from_the_first_byte_on()
    {
        using GateInMemory gate = With(client: "head_timeout = \"10s\"\nkeep_alive = \"75s\"");
        Peer client = gate.Connect();
        gate.Advance(70_000);
        Assert.False(client.Ended);
        client.Send("GET / HT");
        gate.Advance(9_000);
        client.Send("TP/1.1\r\n");
        gate.Advance(900);
        Assert.Equal(0, client.ReceivedBytes);
        gate.Advance(200);
        Assert.StartsWith("HTTP/1.1 408 Request Timeout\r\n", client.Received);
        Assert.Contains("error=client_timeout", client.Received);
        Assert.True(client.Ended);
    }

    [Fact]
    public void A_silent_connection_ends_after_keep_alive_without_a_word()
    {
        using GateInMemory gate = With(client: "keep_alive = \"5s\"");
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        client.Forget();
        gate.Advance(4_900);
        Assert.False(client.Ended);
        gate.Advance(200);
        Assert.True(client.Ended);
        Assert.Equal(0, client.ReceivedBytes);
    }

    [Fact]
    public void An_upstream_has_its_time_for_the_first_byte_from_the_end_of_the_request_on()
    {
        using GateInMemory gate = With(client: "body_rate_min = \"none\"",
            route: "timeout = { first_byte = \"5s\", idle = \"60s\" }");
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\na");
        gate.Advance(30_000);
        client.Send("b");
        gate.Advance(4_900);
        Assert.Equal(0, client.ReceivedBytes);
        gate.Advance(200);
        Assert.StartsWith("HTTP/1.1 504 Gateway Timeout\r\n", client.Received);
        Assert.Contains("error=http_response_timeout", client.Received);
        Assert.True(gate.Upstream[0].Ended);
        Assert.False(client.Ended);
    }

    [Fact]
    public void A_gap_in_the_answer_s_body_cuts_it()
    {
        using GateInMemory gate = With(route: "timeout = { idle = \"5s\" }");
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\na");
        gate.Advance(4_900);
        gate.Upstream[0].Send("b");
        gate.Advance(4_900);
        Assert.False(client.Broken);
        gate.Advance(200);
        Assert.True(client.Broken);
        Assert.True(gate.Upstream[0].Ended);
    }

    [Fact]
    public void A_gap_in_the_request_s_body_is_408()
    {
        using GateInMemory gate = With(client: "body_rate_min = \"none\"", route: "timeout = { idle = \"5s\" }");
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\na");
        gate.Advance(5_100);
        Assert.StartsWith("HTTP/1.1 408 ", client.Received);
        Assert.True(gate.Upstream[0].Ended);
        Assert.True(client.Ended);
    }

    [Fact]
    public void A_body_slower_than_the_rate_is_408_after_the_grace()
    {
        using GateInMemory gate = With(client: "body_rate_min = \"100B/s\"");
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n");
        for (int second = 0; second < 10; second++)
        {
            client.Send("ab");
            gate.Advance(1_000);
            Assert.Equal(0, second == 9 ? 0 : client.ReceivedBytes);
        }
        client.Send("ab");
        gate.Advance(1_000);
        Assert.StartsWith("HTTP/1.1 408 ", client.Received);
    }

    [Fact]
    public void The_whole_exchange_has_its_time()
    {
        using GateInMemory gate = With(route: "timeout = { total = \"5s\" }");
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Advance(5_100);
        Assert.StartsWith("HTTP/1.1 504 ", client.Received);
        client.Forget();
        client.Send(Get);
        gate.Upstream[1].Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        gate.Advance(5_100);
        Assert.True(client.Broken);
    }

    [Fact]
    public void A_tunnel_in_which_nothing_moves_is_ended()
    {
        using GateInMemory gate = With(route: "timeout = { tunnel = \"5s\", idle = \"1s\" }");
        Peer client = gate.Connect();
        client.Send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        gate.Upstream[0].Send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        gate.Advance(4_000);
        client.Send("a");
        gate.Advance(4_000);
        gate.Upstream[0].Send("b");
        gate.Advance(4_000);
        Assert.False(client.Ended);
        gate.Advance(1_100);
        Assert.True(client.Ended);
        Assert.True(gate.Upstream[0].Ended);
    }

    /// <summary>Its own time takes the place of every other.</summary>
    [Fact]
    public void A_tunnel_outlasts_what_bounds_an_exchange()
    {
        using GateInMemory gate = With(client: "keep_alive = \"1s\"\nhead_timeout = \"1s\"",
            route: "timeout = { tunnel = \"1h\", idle = \"1s\", first_byte = \"1s\", total = \"1s\" }");
        Peer client = gate.Connect();
        client.Send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
        gate.Upstream[0].Send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        gate.Advance(3_599_000);
        gate.Upstream[0].Send("hello");
        client.Send("there");
        Assert.EndsWith("hello", client.Received, StringComparison.Ordinal);
        Assert.EndsWith("there", gate.Upstream[0].Received, StringComparison.Ordinal);
        gate.Upstream[0].End();
        gate.Advance(3_599_000);
        client.Send("and more");
        Assert.EndsWith("and more", gate.Upstream[0].Received, StringComparison.Ordinal);
        gate.Advance(3_599_000);
        Assert.False(gate.Upstream[0].Ended);
        gate.Advance(1_100);
        Assert.True(gate.Upstream[0].Broken);
        Assert.Equal(0, gate.Gate.Connections);
    }

    [Fact]
    public void A_client_that_does_not_read_is_given_up_and_its_upstream_is_held_back()
    {
        using GateInMemory gate = With(route: "timeout = { idle = \"5s\" }");
        Peer client = gate.Connect();
        client.Hold();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n");
        gate.Upstream[0].Send(new byte[1_000_000]);
        Assert.True(gate.Upstream[0].Connection.OutputInUse is { IsWaiting: true });
        Assert.InRange(gate.Lane.Buffers.RentedBytes, 0, 2_000_000);
        gate.Advance(5_100);
        Assert.True(gate.Upstream[0].Ended);
        Assert.Equal(0, gate.Gate.Connections);
    }

    [Theory]
    [InlineData("head_bytes_max = \"1KiB\"", "GET /{0} HTTP/1.1\r\nHost: h\r\n\r\n", "414 URI Too Long")]
    [InlineData("head_bytes_max = \"1KiB\"", "GET / HTTP/1.1\r\nHost: h\r\nX: {0}\r\n\r\n", "431 Request Header Fields")]
    [InlineData("headers_max = 3", "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n", "431 Request Header Fields")]
    [InlineData("path = \"refuse\"", "GET /a/../b HTTP/1.1\r\nHost: h\r\n\r\n", "400 Bad Request")]
    [InlineData("underscore_headers = \"refuse\"", "GET / HTTP/1.1\r\nHost: h\r\nA_B: 1\r\n\r\n", "400 Bad Request")]
    [InlineData("", "GET / HTTP/1.1\r\n\r\n", "400 Bad Request")]
    [InlineData("", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505 HTTP Version")]
    [InlineData("", "GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", "417 Expectation")]
    [InlineData("", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501 Not Implemented")]
    [InlineData("", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "405 Method")]
    public void What_is_refused_gets_its_status_and_reaches_no_upstream(string option, string request, string status)
    {
        using GateInMemory gate = With(client: option);
        Peer client = gate.Connect();
        client.Send(string.Format(System.Globalization.CultureInfo.InvariantCulture, request, new string('x', 1100)));
        Assert.StartsWith($"HTTP/1.1 {status}", client.Received);
        Assert.Empty(gate.Upstream);
    }

    [Fact]
    public void A_body_that_says_it_is_too_large_is_refused_before_it_is_forwarded()
    {
        using GateInMemory gate = With(client: "body_bytes_max = \"10B\"");
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", client.Received);
        Assert.Empty(gate.Upstream);
        Assert.True(client.Ended);
    }

    [Fact]
    public void A_chunked_body_that_grows_too_large_is_refused_on_the_way()
    {
        using GateInMemory gate = With(route: "body_bytes_max = \"10B\"");
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        Assert.Equal(0, client.ReceivedBytes);
        client.Send("6\r\nhello!\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", client.Received);
        Assert.True(gate.Upstream[0].Broken);
        Assert.True(client.Ended);
        Assert.False(client.Broken);
    }

    [Fact]
    public void A_burst_of_pipelined_requests_ends_at_its_bound()
    {
        using GateInMemory gate = With(client: "requests_pipelined_max = 2");
        Peer client = gate.Connect();
        client.Send(Get + Get + Get + Get);
        for (int i = 0; i < 3 && !client.Ended; i++)
        {
            gate.Upstream[^1].Send(Ok);
        }
        Assert.Equal(3, client.Received.Split("HTTP/1.1 200").Length - 1);
        Assert.EndsWith("Connection: close\r\n\r\nok", client.Received);
        Assert.True(client.Ended);
    }

    [Fact]
    public void Connections_over_the_bound_are_told_so()
    {
        using GateInMemory gate = With(client: "connections_max = 1");
        Peer first = gate.Connect();
        Peer second = gate.Connect();
        Assert.StartsWith("HTTP/1.1 503 ", second.Received);
        Assert.Contains("error=overloaded", second.Received);
        Assert.True(second.Ended);
        first.End();
        Assert.Equal(0, gate.Connect().ReceivedBytes);
    }

    /// <summary>Clients that say nothing would keep everybody out.</summary>
    [Fact]
    public void At_the_bound_of_connections_who_is_idle_longest_makes_room()
    {
        using GateInMemory gate = With(client: "connections_max = 4");
        Peer busy = gate.Connect();
        busy.Send(Get);
        Peer oldest = gate.Connect();
        gate.Advance(1_000);
        Peer old = gate.Connect();
        old.Send(Get);
        gate.Upstream[1].Send(Ok);
        Peer young = gate.Connect();
        Peer newcomer = gate.Connect();
        newcomer.Send(Get);
        gate.Upstream[1].Send(Ok);
        Assert.EndsWith("ok", newcomer.Received);
        Assert.Equal((true, false, false, false), (oldest.Ended, old.Ended, young.Ended, busy.Ended));
        Assert.Equal(0, oldest.ReceivedBytes);
        Assert.Equal(4, gate.Gate.Connections);
        // Nobody else has been idle for a second.
        Assert.StartsWith("HTTP/1.1 503 ", gate.Connect().Received);
        gate.Advance(1_000);
        Assert.Equal(0, gate.Connect().ReceivedBytes);
        Assert.Single(new[] { old, young, newcomer }, peer => peer.Ended);
        Assert.Equal(4, gate.Gate.Connections);
        gate.Upstream[0].Send(Ok);
        Assert.EndsWith("ok", busy.Received);
    }

    /// <summary>A head alone costs a client nothing; of half of the connections it shall not cost others one
    /// either.</summary>
    [Theory]
    [InlineData("Content-Length: 5\r\n", "hello")]
    [InlineData("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")]
    public void A_body_that_does_not_begin_takes_none_of_the_last_connections(string framing, string body)
    {
        using GateInMemory gate = With(client: "head_timeout = \"10s\"", pool: "pool = { connections_max = 2 }");
        string head = $"POST /a HTTP/1.1\r\nHost: h\r\n{framing}\r\n";
        Peer first = gate.Connect();
        first.Send(head);
        Assert.Single(gate.Upstream);
        Peer silent = gate.Connect();
        silent.Send(head);
        Peer client = gate.Connect();
        client.Send(head);
        gate.Advance(9_900);
        Assert.Single(gate.Upstream);
        client.Send(body[..1]);
        Assert.Equal(2, gate.Upstream.Count);
        client.Send(body[1..]);
        Assert.EndsWith(body, gate.Upstream[1].Received);
        gate.Upstream[1].Send(Ok);
        Assert.EndsWith("ok", client.Received);
        gate.Advance(200);
        Assert.StartsWith("HTTP/1.1 408 ", silent.Received);
        Assert.True(silent.Ended);
        Assert.Equal((0, false), (first.ReceivedBytes, first.Ended));
    }

    [Fact]
    public void Who_was_told_to_go_on_has_no_longer_than_for_a_head()
    {
        using GateInMemory gate = With(client: "head_timeout = \"10s\"");
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
        gate.Advance(20_000);
        gate.Upstream[0].Send("HTTP/1.1 100 Continue\r\n\r\n");
        gate.Advance(9_900);
        Assert.EndsWith("100 Continue\r\n\r\n", client.Received);
        gate.Advance(200);
        Assert.Contains("HTTP/1.1 408 ", client.Received);
        Assert.True(gate.Upstream[0].Ended);
    }

    [Fact]
    public void Memory_over_its_bound_refuses_requests_and_ends_idle_connections()
    {
        using GateInMemory gate = With(server: "memory_max = \"16MiB\"");
        Peer idle = gate.Connect();
        gate.On(() =>
        {
            for (int i = 0; i <= 256; i++)
            {
                gate.Lane.Buffers.RentLarge();
            }
        });
        Assert.True(idle.Ended);
        Peer client = gate.Connect();
        client.Send(Get);
        Assert.StartsWith("HTTP/1.1 503 ", client.Received);
        Assert.Contains("error=overloaded", client.Received);
        Assert.Empty(gate.Upstream);
    }

    [Fact]
    public void The_rate_of_a_body_counts_from_its_first_byte()
    {
        using GateInMemory gate = With();
        Peer client = gate.Connect();
        client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
        gate.Advance(20_000);
        gate.Upstream[0].Send("HTTP/1.1 100 Continue\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 100 ", client.Received);
        client.Send("body");
        gate.Upstream[0].Send(Ok);
        Assert.EndsWith("ok", client.Received);
    }

    [Fact]
    public void Who_is_answered_already_may_take_their_time_with_the_body()
    {
        using GateInMemory gate = With(route: "timeout = { idle = \"15s\" }");
        Peer client = gate.Connect();
        client.Send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nb");
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 4; i++)
        {
            gate.Advance(10_000);
            Assert.False(client.Ended);
            gate.Upstream[0].Send("1\r\ne\r\n");
        }
        gate.Upstream[0].Send("0\r\n\r\n");
        Assert.EndsWith("1\r\ne\r\n1\r\ne\r\n1\r\ne\r\n1\r\ne\r\n0\r\n\r\n", client.Received);
    }

    [Fact]
    public void The_time_of_an_exchange_ends_the_wait_for_a_body_before_a_tunnel()
    {
        using GateInMemory gate = With(route: "timeout = { total = \"2s\" }");
        Peer client = gate.Connect();
        client.Send("POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 4\r\n\r\nb");
        gate.Upstream[0].Send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        gate.Advance(1_900);
        Assert.Equal(0, client.ReceivedBytes);
        gate.Advance(200);
        Assert.StartsWith("HTTP/1.1 504 ", client.Received);
        Assert.True(gate.Upstream[0].Ended);
        Assert.True(client.Ended);
    }

    [Fact]
    public void Memory_over_its_bound_ends_requests_whose_heads_do_not_come()
    {
        using GateInMemory gate = With(server: "memory_max = \"16MiB\"");
        Peer half = gate.Connect();
        half.Send("GET / HTTP/1.1\r\nHo");
        gate.On(() =>
        {
            for (int i = 0; i < 256; i++)
            {
                gate.Lane.Buffers.RentLarge();
            }
        });
        Peer client = gate.Connect();
        client.Send("GET / HT");
        foreach (Peer peer in (Peer[])[client, half])
        {
            Assert.StartsWith("HTTP/1.1 503 ", peer.Received);
            Assert.Contains("error=overloaded", peer.Received);
            Assert.True(peer.Ended);
            peer.Send("what was under way");
            Assert.False(peer.Broken, "it may not have seen its answer");
        }
    }

    /// <summary>Tunnels have permits of their own, and a connection that idles is anybody's: neither makes a body that
    /// has not begun wait, and exchanges do.</summary>
    [Fact]
    public void Of_the_half_that_is_taken_neither_tunnels_nor_idle_connections_are()
    {
        using GateInMemory gate = With(pool: "pool = { connections_max = 4, tunnels_max = 8 }");
        const string Head = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";
        for (int i = 0; i < 6; i++)
        {
            gate.Connect().Send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
            gate.Upstream[i].Send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        }
        Server server = gate.Gate.Upstreams[0].Servers[0];
        Assert.Equal((6, 0, 6), (server.Tunnels, server.Connections, server.Active));
        Peer[] clients = [.. Enumerable.Range(0, 3).Select(_ => gate.Connect())];
        Array.ForEach(clients, static client => client.Send(Get));
        for (int i = 6; i < 9; i++)
        {
            gate.Upstream[i].Send(Ok);
        }
        Assert.Equal(3, gate.Gate.Upstreams[0].IdleOf(server));
        for (int i = 0; i < 2; i++)
        {
            clients[i].Send(Head);
            Assert.Equal(i + 1, gate.Upstream.Count(static peer => peer.Received.Contains("POST", StringComparison.Ordinal)));
        }
        // Two of four: now the next one's body is awaited.
        clients[2].Send(Head);
        Assert.Equal(2, gate.Upstream.Count(static peer => peer.Received.Contains("POST", StringComparison.Ordinal)));
        clients[2].Send("h");
        Assert.Equal(3, gate.Upstream.Count(static peer => peer.Received.Contains("POST", StringComparison.Ordinal)));
    }

    [Fact]
    public void Without_a_connection_to_be_had_the_queue_has_its_bounds()
    {
        using GateInMemory gate = With(
            pool: "pool = { connections_max = 1, queue_max = 1, queue_timeout = \"1s\" }");
        Peer first = gate.Connect();
        Peer second = gate.Connect();
        Peer third = gate.Connect();
        first.Send(Get);
        second.Send(Get);
        third.Send(Get);
        Assert.Contains("error=connection_limit_reached", third.Received);
        gate.Advance(1_100);
        Assert.StartsWith("HTTP/1.1 503 ", second.Received);
        gate.Upstream[0].Send(Ok);
        Assert.EndsWith("ok", first.Received);
        Assert.Single(gate.Upstream);
    }
}
