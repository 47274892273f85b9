using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Tests.Net.Async;

/// <summary>A wait is taken once, by who began it, and never answers to another's.</summary>
public sealed class WaitCoreTests
{
    private readonly LaneAction _waiter;
    private WaitCore _wait;
    private int _ran;

    public WaitCoreTests() => _waiter = new LaneAction(() => _ran++);

    [Fact]
    public void A_waiter_that_comes_after_the_completion_goes_on_at_once()
    {
        _wait.Begin();
        Assert.False(_wait.Complete());
        _wait.OnCompleted(_waiter, _wait.Version);
        Assert.Equal(1, _ran);
    }

    [Fact]
    public void A_wait_that_was_completed_is_not_pending_and_is_taken_once()
    {
        _wait.Begin();
        short version = _wait.Version;
        Assert.False(_wait.IsCompleted(version));
        Assert.Throws<InvalidOperationException>(() => _wait.Take(version));
        _wait.Complete();
        Assert.False(_wait.IsPending);
        Assert.True(_wait.IsCompleted(version));
        _wait.Take(version);
        Assert.Throws<InvalidOperationException>(() => _wait.Take(version));
    }

    [Fact]
    public void A_task_of_an_earlier_wait_takes_nothing_of_the_next()
    {
        _wait.Begin();
        short earlier = _wait.Version;
        _wait.Complete();
        _wait.Begin();
        Assert.Throws<InvalidOperationException>(() => _wait.IsCompleted(earlier));
        Assert.Throws<InvalidOperationException>(
            () => _wait.OnCompleted(new LaneAction(() => _ran += 100), earlier));
        _wait.OnCompleted(_waiter, _wait.Version);
        Assert.True(_wait.Complete());
        Assert.Throws<InvalidOperationException>(() => _wait.Take(earlier));
        _wait.Run();
        Assert.Equal(1, _ran);
        _wait.Take(_wait.Version);
    }
}
