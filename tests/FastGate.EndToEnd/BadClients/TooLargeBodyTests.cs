namespace FastGate.EndToEnd.BadClients;

/// <summary>A refusal in the middle of an upload: the client that still sends really sees the status.</summary>
public sealed class TooLargeBodyTests
{
    private const int Block = 64 * 1024;
    private const int Blocks = 160;

    [Fact]
    public void A_chunked_upload_of_10_MiB_over_the_bound_sees_413()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, "body_bytes_max = \"4MiB\""));
        using Wire client = gate.Connect();
        client.Send("POST /up HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        var reader = new Thread(() => Swallow(upstream));
        reader.Start();
        byte[] chunk = [.. "10000\r\n"u8, .. new byte[Block], .. "\r\n"u8];
        for (int i = 0; i < Blocks && client.TrySend(chunk); i++)
        {
        }
        string answer = client.ReadToEnd(out _);
        Assert.StartsWith("HTTP/1.1 413 ", answer, StringComparison.Ordinal);
        Assert.Contains("body_too_large", answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close\r\n", answer, StringComparison.OrdinalIgnoreCase);
        Assert.True(reader.Join(Wire.BoundMs), "the upstream's connection was left open");
        Assert.Contains("\"body_too_large\"", Assert.Single(gate.Close()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_declared_length_over_the_bound_is_refused_before_an_upstream_is_asked()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, "body_bytes_max = \"1MiB\""));
        using Wire client = gate.Connect();
        client.Send($"POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: {Blocks * Block}\r\n\r\n");
        byte[] block = new byte[Block];
        for (int i = 0; i < Blocks && client.TrySend(block); i++)
        {
        }
        Assert.StartsWith("HTTP/1.1 413 ", client.ReadToEnd(out _), StringComparison.Ordinal);
        Assert.False(upstream.HasPending);
    }

    private static void Swallow(HandUpstream upstream)
    {
        using Wire connection = upstream.Accept();
        connection.ReadToEnd(out _);
    }
}
