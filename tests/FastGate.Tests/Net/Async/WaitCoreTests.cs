using System.Threading.Tasks.Sources;
using FastGate.Net.Async;

namespace FastGate.Tests.Net.Async;

/// <summary>A wait is taken once, by who began it, and never answers to another's.</summary>
public sealed class WaitCoreTests
{
    private WaitCore _wait;
    private int _ran;

    [Fact]
    public void A_waiter_that_comes_after_the_completion_goes_on_at_once()
    {
        _wait.Begin();
        Assert.False(_wait.Complete());
        _wait.OnCompleted(_ => _ran++, null, _wait.Version);
        Assert.Equal(1, _ran);
    }

    [Fact]
    public void A_wait_that_was_completed_is_not_pending_and_is_taken_once()
    {
        _wait.Begin();
        short token = _wait.Version;
        Assert.Equal(ValueTaskSourceStatus.Pending, _wait.StatusOf(token));
        Assert.Throws<InvalidOperationException>(() => _wait.Take(token));
        _wait.Complete();
        Assert.False(_wait.IsPending);
        Assert.Equal(ValueTaskSourceStatus.Succeeded, _wait.StatusOf(token));
        _wait.Take(token);
        Assert.Throws<InvalidOperationException>(() => _wait.Take(token));
    }

    [Fact]
    public void A_task_of_an_earlier_wait_takes_nothing_of_the_next()
    {
        _wait.Begin();
        short earlier = _wait.Version;
        _wait.Complete();
        _wait.Begin();
        Assert.Throws<InvalidOperationException>(() => _wait.StatusOf(earlier));
        Assert.Throws<InvalidOperationException>(() => _wait.OnCompleted(_ => _ran += 100, null, earlier));
        _wait.OnCompleted(_ => _ran++, null, _wait.Version);
        Assert.True(_wait.Complete());
        Assert.Throws<InvalidOperationException>(() => _wait.Take(earlier));
        _wait.Run();
        Assert.Equal(1, _ran);
        _wait.Take(_wait.Version);
    }
}
