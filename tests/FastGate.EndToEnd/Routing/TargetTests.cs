namespace FastGate.EndToEnd.Routing;

/// <summary>What becomes of a request's target on its way.</summary>
public sealed class TargetTests
{
    [Theory]
    [InlineData("GET /a HTTP/1.1\r\nHost: h\r\n", "GET /a HTTP/1.1\r\nHost: h\r\n")]
    [InlineData("GET /a/b%20c/(d)!$&'*+,;=:@/-._~?x=%2f%2F//../&y=a+b&&? HTTP/1.1\r\nHost: H.Example:81\r\n",
        "GET /a/b%20c/(d)!$&'*+,;=:@/-._~?x=%2f%2F//../&y=a+b&&? HTTP/1.1\r\nHost: H.Example:81\r\n")]
    [InlineData("GET /a/? HTTP/1.1\r\nHost: h\r\n", "GET /a/? HTTP/1.1\r\nHost: h\r\n")]
    [InlineData("GET http://other.example:81/a?b HTTP/1.1\r\nHost: h\r\n",
        "GET /a?b HTTP/1.1\r\nHost: other.example:81\r\n")]
    [InlineData("GET https://other.example/a HTTP/1.1\r\nHost: h\r\n",
        "GET /a HTTP/1.1\r\nHost: other.example\r\n")]
    [InlineData("GET http://other.example HTTP/1.1\r\nHost: h\r\n", "GET / HTTP/1.1\r\nHost: other.example\r\n")]
    [InlineData("GET http://other.example?q HTTP/1.1\r\nHost: h\r\n", "GET /?q HTTP/1.1\r\nHost: other.example\r\n")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: h\r\n", "OPTIONS * HTTP/1.1\r\nHost: h\r\n")]
    [InlineData("OPTIONS http://o.example:81 HTTP/1.1\r\nHost: h\r\n", "OPTIONS * HTTP/1.1\r\nHost: o.example:81\r\n")]
    [InlineData("OPTIONS http://o.example/ HTTP/1.1\r\nHost: h\r\n", "OPTIONS / HTTP/1.1\r\nHost: o.example\r\n")]
    [InlineData("OPTIONS http://o.example? HTTP/1.1\r\nHost: h\r\n", "OPTIONS /? HTTP/1.1\r\nHost: o.example\r\n")]
    [InlineData("OPTIONS /a HTTP/1.1\r\nHost: h\r\n", "OPTIONS /a HTTP/1.1\r\nHost: h\r\n")]
    [InlineData("GET /a//b/./c/../%64 HTTP/1.1\r\nHost: h\r\n", "GET /a/b/d HTTP/1.1\r\nHost: h\r\n")]
    [InlineData("PURGE /a HTTP/1.1\r\nHost: h\r\n", "PURGE /a HTTP/1.1\r\nHost: h\r\n")]
    public void It_reaches_the_upstream_in_one_form(string sent, string forwarded)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(sent + "\r\n");
        using Wire connection = upstream.Accept();
        string head = connection.ReadHead();
        Assert.StartsWith(forwarded, head, StringComparison.Ordinal);
        // Whatever scheme the target has.
        Assert.Contains("\r\nX-Forwarded-Proto: http\r\n", head, StringComparison.Ordinal);
        connection.Send(Expect.Ok);
        client.Fine();
        gate.Logs("200");
    }

    /// <summary>RFC 9110 section 7.6.2.</summary>
    [Theory]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 2\r\n", "\r\nMax-Forwards: 1\r\n")]
    [InlineData("TRACE /a HTTP/1.1\r\nHost: h\r\nMax-Forwards: 1\r\n", "\r\nMax-Forwards: 0\r\n")]
    [InlineData("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 9999999999\r\n", "\r\nMax-Forwards: 2147483646\r\n")]
    [InlineData("GET /a HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n", "\r\nMax-Forwards: 0\r\n")]
    public void A_hop_is_counted(string sent, string forwarded)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(sent + "\r\n");
        using Wire connection = upstream.Accept();
        string head = connection.ReadHead();
        Assert.Contains(forwarded, head, StringComparison.Ordinal);
        Assert.Single(head.Split("\r\n"), line => line.StartsWith("Max-Forwards", StringComparison.Ordinal));
        connection.Send(Expect.Ok);
        client.Fine();
    }

    [Fact]
    public void The_last_hop_is_the_gate_s_own_to_answer()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n");
        (string head, string body) = client.ReadMessage();
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", head, StringComparison.Ordinal);
        Assert.Equal("", body);
        client.Send("TRACE /a HTTP/1.1\r\nHost: h\r\nCookie: secret\r\nMax-Forwards: 0\r\n\r\n");
        client.Problem(501, "not_implemented");
        Assert.False(upstream.HasPending);
        gate.Logs("200", "501 not_implemented");
    }

    [Fact]
    public void Every_answer_of_the_gate_itself()
    {
        using var gate = new GateOnLoopback("""
            [[route]]
            name = "ping"
            match = "GET /ping"
            respond = { status = 200, body = "pong", headers = { "Content-Type" = "text/plain" } }
            [[route]]
            name = "old"
            match = "/old/*"
            redirect = { to = "/new/{rest}", status = 308 }
            """);
        using Wire client = gate.Connect();
        client.Send("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n");
        (string head, string body) = client.ReadMessage();
        Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n", head, StringComparison.Ordinal);
        Assert.Equal("pong", body);
        client.Send("HEAD /ping HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Contains("\r\nContent-Length: 4\r\n", client.ReadHead(), StringComparison.Ordinal);
        client.Send("GET /old/a/b?c HTTP/1.1\r\nHost: h\r\n\r\n");
        (head, _) = client.ReadMessage();
        Assert.StartsWith("HTTP/1.1 308 Permanent Redirect\r\nLocation: /new/a/b?c\r\n", head, StringComparison.Ordinal);
        client.Send("POST /ping HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
        client.Problem(405, "method_not_allowed");
        client.Send("GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Problem(404, "no_route");
        gate.Logs("200", "200", "308", "405 method_not_allowed", "404 no_route");
    }
}
