namespace FastGate.EndToEnd.Forwarding;

/// <summary>Rules of a route for fields that the gate writes itself, and what must not come by another way.</summary>
public sealed class OwnFieldsTests
{
    [Fact]
    public void A_rule_replaces_them()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, """
            request_headers = { set = { "X-Forwarded-For" = "9.9.9.9", "X-Request-Id" = "mine" }, remove = ["X-Forwarded-Proto", "Via"] }
            response_headers = { set = { "X-Request-Id" = "yours", "Date" = "today" } }
            """));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        string head = connection.ReadHead();
        Assert.Equal("9.9.9.9", ValueOf(head, "X-Forwarded-For"));
        Assert.Equal("mine", ValueOf(head, "X-Request-Id"));
        Assert.DoesNotContain("X-Forwarded-Proto", head, StringComparison.Ordinal);
        Assert.DoesNotContain("Via", head, StringComparison.Ordinal);
        connection.Send(Expect.Ok);
        (string answer, _) = client.ReadMessage();
        Assert.Equal("yours", ValueOf(answer, "X-Request-Id"));
        Assert.Equal("today", ValueOf(answer, "Date"));
    }

    [Theory]
    [InlineData("drop")]
    [InlineData("refuse")]
    [InlineData("pass")]
    public void Underscores_in_trailers_are_treated_as_in_heads(string handling)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(
            GateOnLoopback.To(upstream.Address, rest: $"[client]\nunderscore_headers = \"{handling}\"\n"));
        using Wire client = gate.Connect();
        client.Send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        client.Send("0\r\nX_Real_IP: 6.6.6.6\r\nContent_Type: a\r\nMy_Own: 1\r\nA: \t b \r\n\r\n");
        if (handling == "refuse")
        {
            client.Problem(400, "bad_request");
            connection.AssertEnded();
            return;
        }
        string kept = handling == "pass" ? "My_Own: 1\r\n" : "";
        string expected = $"0\r\n{kept}A: b\r\n\r\n";
        Assert.Equal(expected, connection.ReadExactly(expected.Length));
        connection.Send(Expect.Ok);
        client.Fine();
    }

    /// <summary>From a peer that is not trusted, in every spelling, also where underscores may pass.</summary>
    [Fact]
    public void Whatever_speaks_of_the_client_stops_here()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(
            GateOnLoopback.To(upstream.Address, rest: "[client]\nunderscore_headers = \"pass\"\n"));
        using Wire client = gate.Connect();
        client.Send("GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-Prefix: /forged\r\nx-forwarded-ssl: forged\r\n"
            + "X_Forwarded_For: forged\r\nX-Forwarded_Host: forged\r\nX_Real_IP: forged\r\nX_REQUEST_ID: forged\r\n"
            + "X.Forwarded!For: forged\r\n"
            + "Forwarded: for=forged\r\nX-Forwarded-Client-Cert: forged\r\nX-Forwarding: mine\r\nMy_Own: 1\r\n\r\n");
        using Wire connection = upstream.Accept();
        string head = connection.ReadHead();
        Assert.DoesNotContain("forged", head, StringComparison.Ordinal);
        Assert.Equal("mine", ValueOf(head, "X-Forwarding"));
        Assert.Equal("1", ValueOf(head, "My_Own"));
        connection.Send(Expect.Ok);
        client.Fine();
    }

    /// <summary>A trusted proxy is believed in what it writes, not in what it lets through from its clients.</summary>
    [Fact]
    public void Underscores_of_a_trusted_peer_are_no_field_of_the_gate()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address,
            rest: "[server]\ntrusted_proxies = [\"127.0.0.1/32\"]\n[client]\nunderscore_headers = \"pass\"\n"));
        using Wire client = gate.Connect();
        client.Send("GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.7\r\nX_Forwarded_For: 6.6.6.6\r\n"
            + "X_Forwarded_Proto: https\r\nMy_Own: 1\r\n\r\n");
        using Wire connection = upstream.Accept();
        string head = connection.ReadHead();
        Assert.Equal("192.0.2.7, 127.0.0.1", ValueOf(head, "X-Forwarded-For"));
        Assert.Equal("1", ValueOf(head, "My_Own"));
        Assert.DoesNotContain("X_Forwarded", head, StringComparison.Ordinal);
        connection.Send(Expect.Ok);
        client.Fine();
    }

    /// <summary>Who could take fields off by naming them would choose what the server behind does not see.</summary>
    [Fact]
    public void A_name_that_Connection_may_not_take_off_goes_on()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nAuthorization: Basic YTpi\r\nCookie: a=b\r\nContent-Length: 2\r\n"
            + "X-Mine: 1\r\nConnection: Host, content-length, AUTHORIZATION, X-Forwarded-For,, X-Mine, Cookie, Via\r\n\r\nok");
        using Wire connection = upstream.Accept();
        string head = connection.ReadHead();
        Assert.Equal("h", ValueOf(head, "Host"));
        Assert.Equal("Basic YTpi", ValueOf(head, "Authorization"));
        Assert.Equal("a=b", ValueOf(head, "Cookie"));
        Assert.Equal("2", ValueOf(head, "Content-Length"));
        Assert.Equal("127.0.0.1", ValueOf(head, "X-Forwarded-For"));
        Assert.Equal("1.1 fastgate", ValueOf(head, "Via"));
        Assert.DoesNotContain("X-Mine", head, StringComparison.Ordinal);
        Assert.DoesNotContain("Connection", head, StringComparison.Ordinal);
        connection.ReadExactly(2);
        connection.Send("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nX-Mine: 1\r\nContent-Length: 2\r\n"
            + "Connection: keep-alive, Set-Cookie, Content-Length, X-Mine\r\n\r\nok");
        (string answer, string body) = client.ReadMessage();
        Assert.Equal("a=b", ValueOf(answer, "Set-Cookie"));
        Assert.Equal("2", ValueOf(answer, "Content-Length"));
        Assert.DoesNotContain("X-Mine", answer, StringComparison.Ordinal);
        Assert.Equal("ok", body);
    }

    /// <summary>No two recipients have to agree on what to trim, or on how a number is read.</summary>
    [Fact]
    public void White_space_and_zeros_do_not_go_on()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nA:1\r\nB: \t 2\t \r\nC:\r\nD: \t \r\nContent-Length:\t0005 \r\n"
            + "E: 5\r\n\r\nhello");
        using Wire connection = upstream.Accept();
        Assert.StartsWith("POST /a HTTP/1.1\r\nHost: h\r\nA:1\r\nB: 2\r\nC:\r\nD: \r\nContent-Length: 5\r\nE: 5\r\n"
            + "X-Forwarded-For: ", connection.ReadHead(), StringComparison.Ordinal);
        Assert.Equal("hello", connection.ReadExactly(5));
        connection.Send("HTTP/1.1 200 OK\r\nContent-Length:\t02 \r\nF: \t g \r\n\r\nok");
        (string head, string body) = client.ReadMessage();
        Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nF: g\r\n", head, StringComparison.Ordinal);
        Assert.Equal("ok", body);
    }

    [Fact]
    public void An_answer_to_CONNECT_says_nothing_of_the_request_before_it()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback($"""
            [upstream.u]
            servers = ["{upstream.Address}"]
            [[route]]
            name = "one"
            match = "PATCH /*"
            upstream = "u"
            """);
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        Assert.Equal("PATCH", ValueOf(client.ReadMessage().Head, "Allow"));
        client.Send("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
        Assert.Equal("", ValueOf(client.ReadMessage().Head, "Allow"));
    }

    /// <summary>The value of the one line of that name.</summary>
    private static string ValueOf(string head, string name) => Assert.Single(
        head.Split("\r\n"), line => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase))[(name.Length + 1)..]
        .Trim();
}
