namespace FastGate.EndToEnd.Forwarding;

/// <summary>HTTP/1.0 on either side.</summary>
public sealed class OldVersionTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nX-Sum: 1\r\n\r\n")]
    public void An_old_client_gets_plain_bytes_and_an_end(string answer)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("GET /a HTTP/1.0\r\n\r\n");
        using Wire connection = upstream.Accept();
        string head = connection.ReadHead();
        Assert.StartsWith($"GET /a HTTP/1.1\r\nHost: {upstream.Address}\r\n", head, StringComparison.Ordinal);
        connection.Send(answer);
        string got = client.ReadToEnd(out bool reset);
        Assert.False(reset);
        Assert.DoesNotContain("Transfer-Encoding", got, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("\r\n\r\nok", got, StringComparison.Ordinal);
        gate.Logs("200");
    }

    [Fact]
    public void An_old_client_that_asks_for_it_keeps_its_connection()
    {
        const string Ask = "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Ask);
        using Wire connection = upstream.Accept();
        for (int i = 0; i < 3; i++)
        {
            connection.ReadHead();
            connection.Send(Expect.Ok);
            (string head, string body) = client.ReadMessage();
            Assert.Contains("\r\nConnection: keep-alive\r\n", head, StringComparison.Ordinal);
            Assert.Equal("ok", body);
            if (i < 2)
            {
                client.Send(Ask);
            }
        }
        gate.Logs("200", "200", "200");
    }

    [Fact]
    public void An_old_client_sees_no_interim_answer_and_a_cut_instead_of_half_a_body()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("GET /a HTTP/1.0\r\n\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("HTTP/1.1 103 Early Hints\r\n\r\n");
        connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", client.ReadHead(), StringComparison.Ordinal);
        Assert.Equal("half", client.ReadExactly(4));
        connection.Fin();
        client.Cut();
        gate.Logs("200 http_response_incomplete");
    }

    [Fact]
    public void An_old_server_ends_its_body_with_its_connection_and_the_client_s_goes_on()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        for (int i = 0; i < 2; i++)
        {
            client.Send(Expect.Get);
            using Wire connection = upstream.Accept();
            connection.ReadHead();
            connection.Send("HTTP/1.0 200 OK\r\n\r\nold");
            Assert.Contains("\r\nTransfer-Encoding: chunked\r\n", client.ReadHead(), StringComparison.Ordinal);
            Assert.Equal("3\r\nold\r\n", client.ReadExactly(8));
            connection.Fin();
            Assert.Equal("0\r\n\r\n", client.ReadExactly(5));
        }
        gate.Logs("200", "200");
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("Connection: keep-alive\r\n", false)]
    public void An_old_server_s_connection_is_kept_only_if_it_says_so(string field, bool anew)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire first = upstream.Accept();
        first.ReadHead();
        first.Send($"HTTP/1.0 200 OK\r\n{field}Content-Length: 2\r\n\r\nok");
        client.ReadMessage();
        client.Send(Expect.Get);
        Wire second = anew ? upstream.Accept() : first;
        second.ReadHead();
        second.Send(Expect.Ok);
        client.Fine();
        second.Dispose();
        gate.Logs("200", "200");
    }
}
