namespace FastGate.EndToEnd.Forwarding;

/// <summary>Heads near the bounds: what the gate adds, and what normalising makes of a path, needs more room than any
/// pooled buffer has.</summary>
public sealed class LongHeadTests
{
    private const string Redirecting = """
        [[route]]
        name = "old"
        match = "/old/*"
        redirect = { to = "/new/{rest}", status = 308 }
        """;

    [Theory]
    [InlineData("a", 32_600, "a")]
    [InlineData("\"", 20_000, "%22")]
    public void A_path(string piece, int times, string forwarded)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send($"GET /{Repeat(piece, times)} HTTP/1.1\r\nHost: h\r\n\r\n");
        using Wire connection = upstream.Accept();
        Assert.StartsWith($"GET /{Repeat(forwarded, times)} HTTP/1.1\r\n", connection.ReadHead(),
            StringComparison.Ordinal);
        connection.Send(Expect.Ok);
        client.Fine();
    }

    [Fact]
    public void A_host()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        string host = Repeat("h", 17_000);
        client.Send($"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        using Wire connection = upstream.Accept();
        Assert.Contains($"\r\nHost: {host}\r\n", connection.ReadHead(), StringComparison.Ordinal);
        connection.Send(Expect.Ok);
        client.Fine();
    }

    [Fact]
    public void A_head_of_half_a_megabyte_where_that_is_allowed()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(
            GateOnLoopback.To(upstream.Address, rest: "[client]\nhead_bytes_max = \"1MiB\"\n"));
        using Wire client = gate.Connect();
        string value = Repeat("v", 512 * 1024);
        client.Send($"GET / HTTP/1.1\r\nHost: h\r\nA: {value}\r\n\r\n");
        using Wire connection = upstream.Accept();
        Assert.Contains($"\r\nA: {value}\r\n", connection.ReadHead(), StringComparison.Ordinal);
        connection.Send(Expect.Ok);
        client.Fine();
    }

    [Fact]
    public void A_redirect()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address) + "\n" + Redirecting);
        using Wire client = gate.Connect();
        client.Send($"GET /old/{Repeat("\"", 22_000)} HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Contains($"\r\nLocation: /new/{Repeat("%22", 22_000)}\r\n", client.ReadHead(), StringComparison.Ordinal);
    }

    private static string Repeat(string piece, int times) => string.Concat(Enumerable.Repeat(piece, times));
}
