using System.Text.Json;

namespace FastGate.EndToEnd.Processes;

/// <summary>SIGTERM while a tunnel is open: the process waits for it as for any exchange, and not for ever.</summary>
public sealed class TunnelDrainTests : IDisposable
{
    private const string Ask = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
    private const string Switched =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void A_tunnel_goes_on_while_the_process_drains_and_the_process_ends_with_it()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        Assert.StartsWith("HTTP/1.1 200 ", gate.Get("/readyz", gate.AdminPort), StringComparison.Ordinal);
        gate.Signal(GateProcess.Terminate);
        Assert.EndsWith("connections=1", gate.Error.WaitFor("info draining"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 503 ", gate.Get("/readyz", gate.AdminPort), StringComparison.Ordinal);
        client.Send("up");
        Assert.Equal("up", connection.ReadExactly(2));
        connection.Send("down");
        Assert.Equal("down", client.ReadExactly(4));
        Assert.DoesNotContain(gate.Error.Now, line => line.Contains("drained", StringComparison.Ordinal));
        client.Fin();
        Assert.Equal("", connection.ReadToEnd(out bool reset));
        Assert.False(reset);
        connection.Send("last words");
        connection.Fin();
        Assert.Equal("last words", client.ReadToEnd(out reset));
        Assert.False(reset);
        Assert.Equal(0, gate.WaitForExit());
        Assert.EndsWith("connections=0", gate.Error.WaitFor("info drained"), StringComparison.Ordinal);
        Assert.Null(ReasonIn(gate));
    }

    [Fact]
    public void A_tunnel_outlasts_the_silent_connections_that_a_draining_process_closes()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        using Wire silent = gate.Connect();
        using Wire pooled = Expect.Exchange(silent, upstream);
        gate.Signal(GateProcess.Terminate);
        silent.AssertEnded();
        client.Send("still here");
        Assert.Equal("still here", connection.ReadExactly(10));
        connection.Fin();
        client.AssertEnded();
        client.Fin();
        Assert.Equal(0, gate.WaitForExit());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_tunnel_that_outlasts_the_drain_is_cut_on_both_sides_and_the_log_says_why(bool halfClosed)
    {
        using var upstream = new HandUpstream();
        using GateProcess gate =
            GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address, rest: "[server]\ndrain = \"200ms\"\n"));
        using Wire client = gate.Connect();
        using Wire connection = Open(client, upstream);
        if (halfClosed)
        {
            connection.Fin();
            Assert.Equal("", client.ReadToEnd(out _));
        }
        gate.Signal(GateProcess.Terminate);
        gate.Error.WaitFor("warn the time for draining is up");
        Assert.Equal("", connection.ReadToEnd(out bool reset));
        Assert.True(reset);
        if (!halfClosed)
        {
            client.Cut();
        }
        Assert.Equal(0, gate.WaitForExit());
        Assert.Equal("draining", ReasonIn(gate));
    }

    private static Wire Open(Wire client, HandUpstream upstream)
    {
        client.Send(Ask);
        Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(Switched);
        Assert.StartsWith("HTTP/1.1 101 ", client.ReadHead(), StringComparison.Ordinal);
        return connection;
    }

    private static string? ReasonIn(GateProcess gate)
    {
        using JsonDocument line = JsonDocument.Parse(Assert.Single(gate.Out.WaitForEnd()));
        Assert.Equal(101, line.RootElement.GetProperty("http.response.status_code").GetInt32());
        return line.RootElement.TryGetProperty("reason", out JsonElement reason) ? reason.GetString() : null;
    }
}
