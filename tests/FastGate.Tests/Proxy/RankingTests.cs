namespace FastGate.Tests.Proxy;

/// <summary>Who has sent something that is only not looked at yet does not wait: where connections or memory are short,
/// others make room.</summary>
public sealed class RankingTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Fact]
    public void For_a_newcomer_ends_who_has_said_nothing()
    {
        using GateInMemory gate = GateInMemory.With(client: "connections_max = 2");
        Peer asking = gate.Connect();
        gate.Advance(1_000);
        Peer silent = gate.Connect();
        gate.Advance(1_000);
        asking.QueueAhead(Get);
        gate.Connect();
        gate.Upstream[0].Send(Ok);
        Assert.EndsWith("ok", asking.Received);
        Assert.True(silent.Ended);
    }

    [Theory]
    [InlineData("GET /a HTTP/1.1\r\n", "Host: h\r\n\r\n")]
    [InlineData("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n", "ok")]
    public void Memory_is_not_made_free_of_who_goes_on(string before, string rest)
    {
        using GateInMemory gate = GateInMemory.With();
        Peer asking = gate.Connect();
        asking.Send(before);
        gate.Advance(1_000);
        Peer silent = gate.Connect();
        asking.QueueAhead(rest);
        gate.On(() =>
        {
            long taken = gate.Lane.Memory.Max - gate.Lane.Memory.Used + 1;
            gate.Lane.Memory.Take(taken);
            gate.Lane.Memory.Passed!.Run();
            gate.Lane.Memory.Give(taken);
        });
        gate.Upstream[0].Send(Ok);
        Assert.EndsWith("ok", asking.Received);
        Assert.True(silent.Ended);
    }
}
