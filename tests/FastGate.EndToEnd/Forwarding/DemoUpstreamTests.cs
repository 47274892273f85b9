namespace FastGate.EndToEnd.Forwarding;

/// <summary>The embedded upstream answers a newcomer's first requests, whatever they send.</summary>
public sealed class DemoUpstreamTests
{
    [Theory]
    [InlineData("/", 200)]
    [InlineData("/status/404", 404)]
    [InlineData("/bytes/300000", 200)]
    public void It_reads_a_chunked_body_to_its_end(string path, int status)
    {
        using var gate = new GateOnLoopback(GateOnLoopback.To("demo:"));
        using Wire client = gate.Connect();
        client.Send($"POST {path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        client.Send($"8000\r\n{new string('x', 0x8000)}\r\n");
        client.Send("0\r\n\r\n");
        string head = client.ReadHead();
        Assert.Equal(status, Wire.StatusOf(head));
        client.ReadExactly((int)Wire.LengthOf(head));
    }
}
