using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Memory;
using FastGate.Net.Time;

namespace FastGate.Tests.Net.Memory;

public sealed class MemoryTransportTests : IDisposable
{
    private readonly MemoryTransport _transport = new(2);

    [Fact]
    public void The_clock_stands_still_until_it_is_moved()
    {
        long start = 0;
        _transport.On(0, () => start = _transport.Lanes[0].Now);
        _transport.RunUntilIdle();
        _transport.On(0, () => Assert.Equal(start, _transport.Lanes[0].Now));
        var timer = new Note();
        _transport.On(1, () => _transport.Lanes[1].Deadlines.Set(timer, start + 10));
        _transport.Advance(TimeSpan.FromMilliseconds(9));
        Assert.Equal(0, timer.Count);
        _transport.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, timer.Count);
        _transport.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, timer.Count);
        _transport.On(0, () => Assert.Equal(start + 10 + 3_600_000, _transport.Lanes[0].Now));
    }

    [Fact]
    public void A_timer_that_is_always_due_does_not_keep_the_turn()
    {
        Lane lane = _transport.Lanes[0];
        var again = new Note { Lane = lane };
        _transport.On(0, () => lane.Deadlines.Set(again, lane.Now));
        _transport.Advance(TimeSpan.FromMilliseconds(1));
        Assert.InRange(again.Count, 1, 2);
    }

    [Fact]
    public void Lanes_post_to_each_other()
    {
        var order = new List<int>();
        _transport.On(0, () => _transport.Lanes[1].Post(new LaneAction(() =>
        {
            Assert.Same(_transport.Lanes[1], Lane.Current);
            order.Add(1);
            _transport.Lanes[0].Post(new LaneAction(() => order.Add(0)));
        })));
        _transport.RunUntilIdle();
        Assert.Equal([1, 0], order);
        Assert.Null(Lane.Current);
    }

#if DEBUG // Release builds have no asserts.
    [Fact]
    public void Calls_from_outside_are_seen()
    {
        Assert.Throws<AssertException>(() => _transport.Lanes[0].Enqueue(new LaneAction(() => { })));
        Assert.Throws<AssertException>(() =>
            _transport.ConnectAsync(_transport.Lanes[0], NetAddress.Memory("x:"), LaneTimer.Never));
    }
#endif

    [Fact]
    public void A_name_is_taken_until_it_is_stopped()
    {
        NetAddress name = NetAddress.Memory("one:");
        Listener first = _transport.Bind(name);
        Assert.Equal(name, Assert.Throws<BindException>(() => _transport.Bind(name)).Address);
        first.Stop();
        _transport.Bind(name).Stop();
    }

    [Fact]
    public void A_listener_that_was_stopped_before_anyone_accepted_ends_on_every_lane()
    {
        Listener listener = _transport.Bind(NetAddress.Memory("two:"));
        LaneTask<Connection?> waiting = default;
        _transport.On(1, () => waiting = listener.AcceptAsync(_transport.Lanes[1]));
        listener.Stop();
        _transport.RunUntilIdle();
        Assert.True(waiting.IsCompleted);
        _transport.On(0, () => Assert.True(listener.AcceptAsync(_transport.Lanes[0]).IsCompleted));
    }

    private sealed class Note : LaneTimer
    {
        public int Count;
        public Lane? Lane;

        protected internal override void OnDue()
        {
            Count++;
            Lane?.Deadlines.Set(this, Lane.Now);
            if (Count > 100)
            {
                throw new InvalidOperationException("the turn never ends");
            }
        }
    }

    public void Dispose() => _transport.Dispose();
}
