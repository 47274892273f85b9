namespace FastGate.EndToEnd.KeepAlive;

/// <summary>Connections over <c>connections_max</c>.</summary>
public sealed class RefusedConnectionTests
{
    [Fact]
    public async Task A_drain_does_not_wait_for_one_that_is_gone()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(
            GateOnLoopback.To(upstream.Address, rest: "[client]\nconnections_max = 1\n"));
        using Wire admitted = gate.Connect();
        using Wire connection = Expect.Exchange(admitted, upstream);
        using Wire refused = gate.Connect();
        refused.Problem(503, "overloaded");
        Task drained = gate.Gate.DrainAsync();
        admitted.Dispose();
        Expect.Await(() => gate.Gate.Connections == 0, "the admitted one stays");
        refused.Dispose();
        await drained.WaitAsync(Soon.Token);
    }
}
