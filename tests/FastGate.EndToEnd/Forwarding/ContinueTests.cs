namespace FastGate.EndToEnd.Forwarding;

/// <summary>Expect: 100-continue, move by move: who asks for leave gets the server's own answer.</summary>
public sealed class ContinueTests
{
    private const string Ask = "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

    [Fact]
    public void The_server_gives_leave()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Ask);
        using Wire connection = upstream.Accept();
        Assert.Contains("\r\nExpect: 100-continue\r\n", connection.ReadHead(), StringComparison.Ordinal);
        connection.Send("HTTP/1.1 100 Continue\r\n\r\n");
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", client.ReadHead());
        client.Send("body");
        Assert.Equal("body", connection.ReadExactly(4));
        connection.Send(Expect.Ok);
        client.Fine();
        gate.Logs("200");
    }

    [Fact]
    public void The_server_refuses_and_no_byte_of_the_body_is_taken_for_a_request()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Ask);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        string head = client.ReadHead();
        Assert.StartsWith("HTTP/1.1 403 Forbidden\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", head, StringComparison.Ordinal);
        client.AssertEnded();
        connection.AssertEnded();
        gate.Logs("403");
    }

    [Fact]
    public void A_body_that_does_not_wait_for_leave_goes_along()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Ask + "body");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        Assert.Equal("body", connection.ReadExactly(4));
        connection.Send(Expect.Ok);
        client.Fine();
        using Wire same = connection;
        client.Send(Expect.Get);
        same.ReadHead();
        same.Send(Expect.Ok);
        client.Fine();
        gate.Logs("200", "200");
    }

    [Fact]
    public void A_gate_that_answers_itself_refuses_the_body_too()
    {
        using var gate = new GateOnLoopback(
            "[[route]]\nname = \"ping\"\nmatch = \"/ping\"\nrespond = { body = \"pong\" }\n");
        using Wire client = gate.Connect();
        client.Send("POST /ping HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        (string head, string body) = client.ReadMessage();
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", head, StringComparison.Ordinal);
        Assert.Equal("pong", body);
        client.AssertEnded();
        gate.Logs("200");
    }
}
