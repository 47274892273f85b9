using System.Diagnostics;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;
using FastGate.Tests;

namespace FastGate.EndToEnd.Resources;

/// <summary>Bugs of our own, as work of a lane that throws or takes too long: each is said, and the lane serves
/// on.</summary>
[Collection(Alone.Name)]
public sealed class FaultTests : IDisposable
{
    private readonly HandUpstream _upstream = new();
    private readonly GateOnLoopback _gate;

    public FaultTests() => _gate = new GateOnLoopback(GateOnLoopback.To(_upstream.Address));

    private Lane Lane => _gate.Transport.Lanes[0];

    public void Dispose()
    {
        _gate.Dispose();
        _upstream.Dispose();
    }

    [Theory]
    [InlineData("posted")]
    [InlineData("ready")]
    [InlineData("due")]
    public void Work_that_throws_is_said_and_the_lane_serves_on(string kind)
    {
        using Wire client = _gate.Connect();
        using Wire connection = Expect.Exchange(client, _upstream);
        var broken = new LaneAction(() => throw new InvalidOperationException($"a bug in what is {kind}"));
        Lane.Post(kind == "posted" ? broken : new LaneAction(() =>
        {
            if (kind == "ready")
            {
                Lane.Enqueue(broken);
            }
            else
            {
                Lane.Deadlines.Set(new Due(broken), Lane.Now);
            }
        }));
        Assert.Contains(_gate.Says($"a bug in what is {kind}"),
            line => line.Contains("error a bug cost a connection", StringComparison.Ordinal));
        AssertServes(client, connection);
    }

    /// <summary>Through a listener that there is not, whose counters it therefore cannot find.</summary>
    [Fact]
    public void A_bug_in_accepting_costs_that_connection_and_the_next_ones_are_accepted()
    {
        using Wire client = _gate.Connect();
        using Wire connection = Expect.Exchange(client, _upstream);
        Listener listener = _gate.Transport.Bind(NetAddress.Tcp(System.Net.IPAddress.Loopback, 0));
        Lane.Post(new LaneAction(() => AcceptWronglyAsync(listener).Forget()));
        using (Wire unlucky = Wire.Connect(listener.Address.Port))
        {
            Assert.Equal("", unlucky.ReadToEnd(out bool reset));
            Assert.True(reset);
        }
        listener.Stop();
        Assert.Contains(_gate.Says(nameof(IndexOutOfRangeException)),
            line => line.Contains("error a bug cost a connection", StringComparison.Ordinal));
        AssertServes(client, connection);
        using Wire next = _gate.Connect();
        next.Send(Expect.Get);
        Assert.NotEqual("", connection.ReadHead());
    }

    private async LaneTask AcceptWronglyAsync(Listener listener) =>
        _gate.Gate.Accept((await listener.AcceptAsync(Lane))!, listener: 99);

    /// <summary>Nobody knows what state its owner is in, so it costs the connection on which it happened.</summary>
    [Fact]
    public void A_callback_of_a_connection_that_throws_costs_that_connection()
    {
        using Wire client = _gate.Connect();
        using Wire connection = Expect.Exchange(client, _upstream);
        using var peer = new HandUpstream();
        using var watching = new ManualResetEventSlim();
        Lane.Post(new LaneAction(() => _ = WatchAsync(peer.Port, watching)));
        using Wire watched = peer.Accept();
        Assert.True(watching.Wait(Wire.BoundMs, TestContext.Current.CancellationToken));
        watched.Send("a");
        Assert.Equal("", watched.ReadToEnd(out bool reset));
        Assert.True(reset);
        _gate.Says("a bug in a watch");
        AssertServes(client, connection);
    }

    [Fact]
    public void A_turn_that_takes_too_long_is_said_once_with_its_lane_and_time()
    {
        for (int i = 0; i < 2; i++)
        {
            using var done = new ManualResetEventSlim();
            Lane.Post(new LaneAction(() =>
            {
                var watch = Stopwatch.StartNew();
                while (watch.ElapsedMilliseconds < (Lane.TurnMicrosecondsMax / 1_000) + 20)
                {
                }
                done.Set();
            }));
            Assert.True(done.Wait(Wire.BoundMs, TestContext.Current.CancellationToken));
        }
        const string Words = "warn an event loop was busy for too long with one turn lane=0 ms=";
        Assert.Single(_gate.Says(Words), line => line.Contains(Words, StringComparison.Ordinal));
        Assert.InRange(Lane.TakeLoopLag(), Lane.TurnMicrosecondsMax, 10_000_000);
    }

    private async Task WatchAsync(int port, ManualResetEventSlim watching)
    {
        Connection connection = await _gate.Transport.ConnectAsync(
            Lane, NetAddress.Tcp(System.Net.IPAddress.Loopback, port), Lane.Now + Wire.BoundMs);
        connection.Watch(new BrokenWatch());
        watching.Set();
    }

    private static void AssertServes(Wire client, Wire connection)
    {
        client.Send(Expect.Get);
        connection.ReadHead();
        connection.Send(Expect.Ok);
        client.Fine();
    }

    private sealed class Due(LaneAction work) : LaneTimer
    {
        protected internal override void OnDue() => work.Run();
    }

    private sealed class BrokenWatch : ConnectionWatch
    {
        protected internal override void OnActivity(Connection connection, bool broken) =>
            throw new InvalidOperationException("a bug in a watch");
    }
}
