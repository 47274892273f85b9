namespace FastGate.Tests.Proxy;

/// <summary>What goes through the gate, byte for byte, in both directions.</summary>
public sealed class ForwardingTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Fact]
    public void The_head_that_reaches_the_upstream()
    {
        using var gate = new GateInMemory();
        gate.Connect().Send("GET /a/b?x=1 HTTP/1.1\r\nHost: h:81\r\nAccept: */*\r\nConnection: keep-alive, X-Mine\r\n"
            + "X-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n"
            + "X-Real-IP: 6.6.6.6\r\nX-Request-Id: forged\r\nX_Forwarded_For: 6.6.6.6\r\nCookie: a=b\r\n\r\n");
        string head = gate.Upstream[0].Received;
        Assert.StartsWith("GET /a/b?x=1 HTTP/1.1\r\nHost: h:81\r\nAccept: */*\r\nCookie: a=b\r\nX-Forwarded-For: ", head);
        Assert.Contains("\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h:81\r\nX-Request-Id: ", head);
        Assert.EndsWith("\r\nVia: 1.1 fastgate\r\n\r\n", head);
        Assert.DoesNotContain("6.6.6.6", head);
        Assert.DoesNotContain("forged", head);
        Assert.DoesNotContain("X-Mine", head);
        Assert.DoesNotContain("Keep-Alive", head);
    }

    /// <summary>nginx takes a tab before or behind a value for a part of it, and refuses such a Content-Length.</summary>
    [Theory]
    [InlineData("A:b", "A:b")]
    [InlineData("A: b", "A: b")]
    [InlineData("A:\tb", "A: b")]
    [InlineData("A:b\t", "A: b")]
    [InlineData("A:  b", "A: b")]
    [InlineData("A: b ", "A: b")]
    [InlineData("A: \t b\tc \t", "A: b\tc")]
    [InlineData("A:", "A:")]
    [InlineData("A: ", "A: ")]
    [InlineData("A:\t", "A: ")]
    [InlineData("A:  ", "A: ")]
    public void White_space_around_a_value_does_not_go_on(string sent, string passed)
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send($"POST /a HTTP/1.1\r\nHost:\th\r\nB: 1\r\n{sent}\r\nC: 2\r\nTransfer-Encoding:\tchunked\r\n\r\n"
            + $"0\r\nT: 1\r\n{sent}\r\n\r\n");
        string request = gate.Upstream[0].Received;
        Assert.StartsWith($"POST /a HTTP/1.1\r\nHost: h\r\nB: 1\r\n{passed}\r\nC: 2\r\nX-Forwarded-For: ", request);
        Assert.EndsWith($"\r\n\r\n0\r\nT: 1\r\n{passed}\r\n\r\n", request);
        gate.Upstream[0].Send($"HTTP/1.1 200 OK\r\n{sent}\r\nContent-Length:\t2 \r\nDate: d\r\n\r\nok");
        Assert.StartsWith($"HTTP/1.1 200 OK\r\n{passed}\r\nContent-Length: 2\r\nDate: d\r\nX-", client.Received);
    }

    /// <summary>RFC 9110 section 10.1.1: it says nothing there, and would in the HTTP/1.1 that goes on.</summary>
    [Theory]
    [InlineData("100-continue")]
    [InlineData("anything\r\nA: b\r\nExpect: more")]
    public void An_expectation_of_HTTP10_does_not_go_on(string expect)
    {
        using var gate = new GateInMemory();
        gate.Connect().Send($"POST /a HTTP/1.0\r\nExpect: {expect}\r\nContent-Length: 1\r\n\r\nx");
        Assert.DoesNotContain("Expect", gate.Upstream[0].Received);
        Assert.EndsWith("\r\n\r\nx", gate.Upstream[0].Received);
    }

    [Fact]
    public void The_answer_that_reaches_the_client()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 201 Made up\r\nServer: s\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"
            + "Keep-Alive: timeout=5\r\nDate: d\r\nContent-Length: 2\r\n\r\nok");
        string answer = client.Received;
        Assert.StartsWith("HTTP/1.1 201 Made up\r\nServer: s\r\nDate: d\r\nContent-Length: 2\r\nX-Request-Id: ", answer);
        Assert.EndsWith("\r\n\r\nok", answer);
        Assert.DoesNotContain("X-Hop", answer);
        Assert.DoesNotContain("Keep-Alive", answer);
        Assert.False(client.Ended);
    }

    [Fact]
    public void Pipelined_requests_are_answered_in_order_over_one_upstream_connection()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
        Peer upstream = Assert.Single(gate.Upstream);
        Assert.DoesNotContain("/2", upstream.Received);
        upstream.Send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
        Assert.Contains("GET /2 ", upstream.Received);
        upstream.Send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
        Assert.True(client.Received.IndexOf("one", StringComparison.Ordinal)
            < client.Received.IndexOf("two", StringComparison.Ordinal));
        Assert.Single(gate.Upstream);
    }

    [Theory]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n")]
    public void Answers_without_a_body_end_with_their_head(string method, string answer)
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send($"{method} /a HTTP/1.1\r\nHost: h\r\n\r\n");
        gate.Upstream[0].Send(answer);
        Assert.EndsWith("\r\n\r\n", client.Received);
        client.Forget();
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        Assert.EndsWith("ok", client.Received);
        Assert.Single(gate.Upstream);
    }

    /// <summary>And is framed so that every client knows it (RFC 9110 section 15.3.6).</summary>
    [Theory]
    [InlineData("Content-Length: 0\r\n", "", true)]
    [InlineData("Content-Length: 6\r\n", "poison", false)]
    [InlineData("Transfer-Encoding: chunked\r\n", "6\r\npoison\r\n0\r\n\r\n", false)]
    [InlineData("", "poison", false)]
    public void A_205_has_no_content(string framing, string content, bool reused)
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send($"HTTP/1.1 205 Reset Content\r\n{framing}\r\n{content}");
        Assert.StartsWith("HTTP/1.1 205 Reset Content\r\n", client.Received);
        Assert.Contains("\r\nContent-Length: 0\r\n", client.Received);
        Assert.DoesNotContain("Transfer-Encoding", client.Received);
        Assert.EndsWith("\r\n\r\n", client.Received);
        client.Forget();
        client.Send(Get);
        gate.Upstream[reused ? 0 : 1].Send(Ok);
        Assert.EndsWith("ok", client.Received);
    }

    [Fact]
    public void An_HTTP10_client_gets_no_chunks_and_an_end()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        Assert.Contains("HTTP/1.1\r\nHost: localhost\r\n", gate.Upstream[0].Received);
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n");
        Assert.EndsWith("Connection: close\r\n\r\nabc", client.Received);
        Assert.True(client.Ended);
        Assert.False(client.Broken);
    }

    [Fact]
    public void An_HTTP10_client_that_asks_for_it_keeps_its_connection()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n");
        gate.Upstream[0].Send(Ok);
        Assert.Contains("\r\nConnection: keep-alive\r\n", client.Received);
        Assert.False(client.Ended);
    }

    [Fact]
    public void Chunks_are_written_anew_without_extensions_and_trailers_go_along()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            + "0005;a=\"b\"\r\nhello\r\n0\r\nX-Sum: 9\r\nContent-Length: 5\r\n\r\n");
        Assert.EndsWith("\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 9\r\n\r\n",
            gate.Upstream[0].Received);
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-End: 1\r\n\r\n");
        Assert.EndsWith("\r\n\r\n2\r\nok\r\n0\r\nX-End: 1\r\n\r\n", client.Received);
    }

    /// <summary>RFC 9110 section 7.6.1: header or trailer.</summary>
    [Theory]
    [InlineData("X-Sum", "")]
    [InlineData("close, x-sum", "")]
    [InlineData("referer", "")]
    [InlineData(", close,", "X-Sum: 9\r\n")]
    [InlineData("keep-alive", "X-Sum: 9\r\n")]
    [InlineData("TE", "X-Sum: 9\r\n")]
    public void What_Connection_names_does_not_come_as_a_trailer(string option, string passed)
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        string message = $"Transfer-Encoding: chunked\r\nConnection: {option}\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n";
        client.Send($"POST /a HTTP/1.1\r\nHost: h\r\n{message}");
        Assert.EndsWith($"\r\n\r\n2\r\nok\r\n0\r\n{passed}\r\n", gate.Upstream[0].Received);
        gate.Upstream[0].Send($"HTTP/1.1 200 OK\r\n{message}");
        Assert.EndsWith($"\r\n\r\n2\r\nok\r\n0\r\n{passed}\r\n", client.Received);
    }

    /// <summary>RFC 9110 section 7.6.3.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Via_says_which_version_was_received(int minor)
    {
        using var gate = new GateInMemory();
        gate.Connect().Send($"GET /a HTTP/1.{minor}\r\nHost: h\r\nVia: 1.1 other\r\n\r\n");
        Assert.Contains("\r\nVia: 1.1 other\r\n", gate.Upstream[0].Received);
        Assert.EndsWith($"\r\nVia: 1.{minor} fastgate\r\n\r\n", gate.Upstream[0].Received);
    }

    [Fact]
    public void Each_piece_of_a_stream_is_passed_on_as_it_comes()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        Assert.EndsWith("\r\n\r\n", client.Received);
        gate.Upstream[0].Send("3\r\nab");
        Assert.EndsWith("ab\r\n", client.Received);
        gate.Upstream[0].Send("c\r\n0\r\n\r\n");
        Assert.EndsWith("c\r\n0\r\n\r\n", client.Received);
    }

    [Fact]
    public void An_answer_that_ends_with_its_connection_gets_chunks()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.0 200 OK\r\n\r\nabc");
        gate.Upstream[0].End();
        Assert.EndsWith("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", client.Received);
        Assert.False(client.Ended);
    }

    [Fact]
    public void An_answer_that_ends_in_a_reset_is_cut_and_never_ended()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.0 200 OK\r\n\r\nabc");
        gate.Upstream[0].Reset();
        Assert.DoesNotContain("0\r\n\r\n", client.Received);
        Assert.True(client.Broken);
    }

    [Fact]
    public void Interim_answers_go_through_and_the_body_follows_100()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
        Assert.Contains("\r\nExpect: 100-continue\r\n", gate.Upstream[0].Received);
        gate.Upstream[0].Send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
        Assert.Equal("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", client.Received);
        client.Send("hi");
        Assert.EndsWith("\r\n\r\nhi", gate.Upstream[0].Received);
        gate.Upstream[0].Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
        Assert.False(client.Ended);
    }

    [Fact]
    public void An_answer_before_the_body_ended_reaches_the_client_and_ends_its_connection()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nfirst");
        gate.Upstream[0].Send("HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno");
        Assert.Contains("HTTP/1.1 413 No\r\n", client.Received);
        Assert.EndsWith("Connection: close\r\n\r\nno", client.Received);
        Assert.True(client.Ended);
        Assert.False(client.Broken);
        Assert.True(gate.Upstream[0].Ended);
    }

    /// <summary>Nobody reads a body for an answer of the gate's own: it must not be taken for the next request
    /// (RFC 9112 section 9.3).</summary>
    [Theory]
    [InlineData("Content-Length: 5\r\n\r\nGET /" + Get, 2, false)]
    [InlineData("Content-Length: 1000\r\n\r\n" + Get, 1, true)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + Get, 1, true)]
    public void A_body_that_nobody_reads_is_no_request(string body, int answers, bool ends)
    {
        using GateInMemory gate = GateInMemory.With(routes: """
            [[route]]
            name = "pong"
            match = "/a"
            respond = { status = 200, body = "pong" }
            """);
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\n" + body);
        Assert.Equal(answers, client.Received.Split("pong").Length - 1);
        Assert.DoesNotContain("HTTP/1.1 4", client.Received);
        Assert.Equal(ends, client.Received.Contains("\r\nConnection: close\r\n", StringComparison.Ordinal));
    }

    [Fact]
    public void A_switch_of_protocols_is_a_tunnel_with_half_closes()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly");
        Peer upstream = gate.Upstream[0];
        Assert.Contains("\r\nConnection: upgrade\r\nUpgrade: echo\r\n", upstream.Received);
        upstream.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello");
        Assert.EndsWith("Upgrade: echo\r\n\r\nhello", client.Received);
        Assert.EndsWith("early", upstream.Received);
        client.Send("ping");
        Assert.EndsWith("earlyping", upstream.Received);
        client.End();
        Assert.True(upstream.Ended);
        upstream.Send("last");
        Assert.EndsWith("hellolast", client.Received);
        upstream.End();
        Assert.True(client.Ended);
        Assert.False(client.Broken);
    }

    [Fact]
    public void A_switch_that_nobody_asked_for_is_a_protocol_error()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 502 ", client.Received);
        Assert.Contains("error=http_protocol_error", client.Received);
        Assert.True(gate.Upstream[0].Ended);
    }

    [Theory]
    [InlineData("Upgrade: tls/1.3, x\r\n", "", "Connection: upgrade\r\nUpgrade: tls/1.3, x\r\n")]
    [InlineData("Upgrade: a\r\nUpgrade: b\r\n", "", "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n")]
    [InlineData("Upgrade: a\r\n", "Connection: close\r\n", "Connection: upgrade, close\r\nUpgrade: a\r\n")]
    [InlineData("Upgrade: a, h2c\r\n", "", "")]
    [InlineData("Upgrade: a, h2c/2\r\n", "", "")]
    [InlineData("Upgrade: h2c-14\r\n", "", "")]
    public void An_answer_that_demands_an_upgrade_says_to_what(string upgrade, string request, string expected)
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send($"GET /a HTTP/1.1\r\nHost: h\r\n{request}\r\n");
        gate.Upstream[0].Send(
            $"HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\n{upgrade}Content-Length: 2\r\n\r\nno");
        Assert.StartsWith("HTTP/1.1 426 Upgrade Required\r\n", client.Received);
        Assert.EndsWith("no", client.Received);
        string[] lines = client.Received.Split("\r\n");
        Assert.Equal(expected, string.Concat(
            from line in lines
            where line.StartsWith("Connection:", StringComparison.Ordinal)
                || line.StartsWith("Upgrade:", StringComparison.Ordinal)
            select line + "\r\n"));
    }

    [Fact]
    public void An_old_client_is_told_of_no_upgrade()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("GET /a HTTP/1.0\r\nHost: h\r\n\r\n");
        gate.Upstream[0].Send(
            "HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: a\r\nContent-Length: 0\r\n\r\n");
        Assert.DoesNotContain("Upgrade:", client.Received);
        Assert.DoesNotContain("Connection: upgrade", client.Received);
    }

    [Fact]
    public void A_client_that_half_closes_after_its_request_gets_its_answer()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        client.End();
        gate.Upstream[0].Send(Ok);
        Assert.EndsWith("ok", client.Received);
        Assert.True(client.Ended);
        Assert.False(client.Broken);
    }

    [Fact]
    public void A_client_that_resets_ends_the_upstream_s_work_at_once()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        client.Reset();
        Assert.True(gate.Upstream[0].Broken);
        Assert.Equal(1, gate.Gate.Stats.Sum().ByStatus[499 - 100]);
        Assert.Equal(0, gate.Gate.Connections);
    }

    [Fact]
    public void A_stale_connection_is_replaced_once_and_nobody_notices()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(Ok);
        client.Forget();
        client.Queue("GET /b HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray());
        // The server's FIN meets the request on its way.
        gate.Upstream[0].Reset();
        Assert.Contains("GET /b ", gate.Upstream[^1].Received);
        gate.Upstream[^1].Send(Ok);
        Assert.EndsWith("ok", client.Received);
        Assert.Equal(2, gate.Upstream.Count);
    }

    [Theory]
    [InlineData("garbage\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 1\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")]
    public void An_answer_that_is_no_HTTP_is_a_protocol_error(string answer)
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(answer);
        Assert.StartsWith("HTTP/1.1 502 Bad Gateway\r\n", client.Received);
        Assert.Contains("\r\nProxy-Status: fastgate; error=http_protocol_error\r\n", client.Received);
        Assert.True(gate.Upstream[0].Ended);
        Assert.False(client.Ended);
    }

    [Theory]
    [InlineData("", "connection_terminated")]
    [InlineData("HTTP/1.1 200 O", "http_response_incomplete")]
    public void An_upstream_that_ends_before_its_head_did_is_502(string answer, string reason)
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        if (answer.Length > 0)
        {
            gate.Upstream[0].Send(answer);
        }
        gate.Upstream[0].End();
        Assert.StartsWith("HTTP/1.1 502 ", client.Received);
        Assert.Contains($"error={reason}\r\n", client.Received);
    }

    [Fact]
    public void A_body_shorter_than_its_length_cuts_the_client()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        gate.Upstream[0].End();
        Assert.True(client.Broken);
    }

    [Fact]
    public void Bytes_behind_an_answer_cost_the_connection_and_reach_nobody()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send(Ok + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
        Assert.EndsWith("ok", client.Received);
        Assert.True(gate.Upstream[0].Ended);
        client.Send(Get);
        gate.Upstream[1].Send(Ok);
        Assert.DoesNotContain("poison", client.Received);
    }

    [Fact]
    public void A_body_that_breaks_the_chunked_coding_never_ends()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send(Get);
        gate.Upstream[0].Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n");
        Assert.DoesNotContain("0\r\n\r\n", client.Received);
        Assert.True(client.Broken);
        Assert.True(gate.Upstream[0].Ended);
    }
}
