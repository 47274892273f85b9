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
        client.Send("0\r\nX_Real_IP: 6.6.6.6\r\nA: b\r\n\r\n");
        if (handling == "refuse")
        {
            client.Problem(400, "bad_request");
            connection.AssertEnded();
            return;
        }
        string kept = handling == "pass" ? "X_Real_IP: 6.6.6.6\r\n" : "";
        string expected = $"0\r\n{kept}A: b\r\n\r\n";
        Assert.Equal(expected, connection.ReadExactly(expected.Length));
        connection.Send(Expect.Ok);
        client.Fine();
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
