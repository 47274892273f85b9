namespace FastGate.Tests.Proxy;

/// <summary>What would be refused, removed or routed elsewhere, had it come in its usual place.</summary>
public sealed class DisguiseTests
{
    /// <summary>Servers merge trailers into the fields of the head.</summary>
    [Fact]
    public void What_a_rule_removes_or_sets_does_not_come_as_a_trailer()
    {
        const string Body = "1\r\nx\r\n0\r\nX-User: forged\r\nx-debug: 1\r\nX-Sum: 42\r\n\r\n";
        const string Passed = "1\r\nx\r\n0\r\nX-Sum: 42\r\n\r\n";
        const string Rules = """{ set = { "X-User" = "gate" }, remove = ["X-Debug"] }""";
        using GateInMemory gate = GateInMemory.With(
            route: $"request_headers = {Rules}\nresponse_headers = {Rules}");
        Peer client = gate.Connect();
        client.Send($"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{Body}");
        Assert.EndsWith($"\r\nX-User: gate\r\n\r\n{Passed}", gate.Upstream[0].Received);
        gate.Upstream[0].Send($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{Body}");
        Assert.EndsWith($"\r\nX-User: gate\r\n\r\n{Passed}", client.Received);
    }

    /// <summary>They may be meant for the other end of the tunnel, where whoever wrote them is somebody else.</summary>
    [Fact]
    public void Bytes_behind_a_refused_CONNECT_are_no_request()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 405 ", client.Received);
        Assert.Contains("\r\nConnection: close\r\n", client.Received);
        Assert.Single(client.Received.Split("HTTP/1.1 "), part => part.Length > 0);
        Assert.True(client.Ended);
        Assert.Empty(gate.Upstream);
    }
}
