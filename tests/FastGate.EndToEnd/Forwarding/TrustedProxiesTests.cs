namespace FastGate.EndToEnd.Forwarding;

/// <summary>Forwarding headers of a trusted peer, and of one that is not.</summary>
public sealed class TrustedProxiesTests
{
    private const string Request = "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6, 1.2.3.4\r\nX-Mid: m\r\n"
        + "X-Forwarded-For: 127.0.0.9\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 9.9.9.9\r\n\r\n";

    [Fact]
    public void Several_fields_of_a_trusted_peer_are_one_list()
    {
        string head = Forwarded("[server]\ntrusted_proxies = [\"127.0.0.0/8\"]", out string line);
        Assert.Contains("\r\nX-Forwarded-For: 6.6.6.6, 1.2.3.4, 127.0.0.9, 127.0.0.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Forwarded-Proto: https\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Real-IP: 9.9.9.9\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\"client.address\":\"1.2.3.4\"", line, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_peer_that_is_not_trusted_says_of_itself_is_dropped()
    {
        string head = Forwarded("", out string line);
        Assert.Contains("\r\nX-Forwarded-For: 127.0.0.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Forwarded-Proto: http\r\n", head, StringComparison.Ordinal);
        Assert.DoesNotContain("6.6.6.6", head, StringComparison.Ordinal);
        Assert.DoesNotContain("9.9.9.9", head, StringComparison.Ordinal);
        Assert.Contains("\"client.address\":\"127.0.0.1\"", line, StringComparison.Ordinal);
    }

    private static string Forwarded(string server, out string line)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, rest: server));
        using Wire client = gate.Connect();
        client.Send(Request);
        using Wire asked = upstream.Accept();
        string head = asked.ReadHead();
        asked.Send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        client.ReadHead();
        line = Assert.Single(gate.Close());
        return head;
    }
}
