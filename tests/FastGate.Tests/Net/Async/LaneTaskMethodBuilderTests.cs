using System.Runtime.CompilerServices;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Memory;

namespace FastGate.Tests.Net.Async;

[Collection(Alone.Name)]
public sealed class LaneTaskMethodBuilderTests
{
    private readonly LaneSource<int>[] _waits = [.. Enumerable.Range(0, 256).Select(_ => new LaneSource<int>())];

    private static async LaneTask<int> AddAsync(LaneTask<int> left, int right) => await left + right;

    private static async LaneTask<int> AddTwiceAsync(LaneTask<int> left, int right) =>
        await AddAsync(left, right) + right;

    private static async LaneTask ThrowAsync(LaneTask<int> wait, string message)
    {
        await wait;
        throw new InvalidOperationException(message);
    }

    [Fact]
    public void A_method_that_never_suspends_has_its_result_at_once()
    {
        LaneTask<int> task = AddAsync(new LaneTask<int>(1), 2);
        Assert.True(task.IsCompleted);
        Assert.Equal(3, Result(task));
    }

    [Fact]
    public void A_method_that_suspends_gives_its_result_when_it_goes_on()
    {
        LaneTask<int> task = AddTwiceAsync(_waits[0].Begin(), 2);
        Assert.False(task.IsCompleted);
        _waits[0].CompleteInline(10);
        Assert.True(task.IsCompleted);
        Assert.Equal(14, Result(task));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_exception_comes_out_at_the_await(bool suspended)
    {
        LaneTask<int> wait = suspended ? _waits[0].Begin() : new LaneTask<int>(1);
        LaneTask task = ThrowAsync(wait, "broken");
        if (suspended)
        {
            Assert.False(task.IsCompleted);
            _waits[0].CompleteInline(1);
        }
        Assert.True(task.IsCompleted);
        Assert.Equal("broken", Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult()).Message);
    }

    [Fact]
    public void What_nobody_waits_for_is_used_again_when_it_has_ended()
    {
        const int Rounds = 1_000;
        Run(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(Rounds);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                LaneTask<int> task = AddTwiceAsync(_waits[0].Begin(), 2);
                task.Forget();
                _waits[0].CompleteInline(i);
            }
        }
    }

    [Fact]
    public void What_nobody_waits_for_throws_where_it_fails()
    {
        ThrowAsync(_waits[0].Begin(), "late").Forget();
        Assert.Equal("late", Assert.Throws<InvalidOperationException>(() => _waits[0].CompleteInline(1)).Message);
        Assert.Equal("early", Assert.Throws<InvalidOperationException>(
            () => ThrowAsync(new LaneTask<int>(1), "early").Forget()).Message);
        Assert.Equal(3, Result(AddAsync(new LaneTask<int>(1), 2)));
    }

    [Fact]
    public void Many_suspended_at_once_keep_their_own_state()
    {
        LaneTask<int>[] tasks = [.. _waits.Select((wait, i) => AddTwiceAsync(wait.Begin(), i))];
        // Completed in another order than they began.
        for (int i = 255; i >= 0; i--)
        {
            _waits[i].CompleteInline(1_000);
        }
        for (int i = 0; i < 256; i++)
        {
            Assert.Equal(1_000 + (2 * i), Result(tasks[i]));
        }
    }

    [Fact]
    public void Awaiting_twice_throws_and_does_not_touch_who_has_the_box_now()
    {
        LaneTask<int> first = AddAsync(_waits[0].Begin(), 1);
        _waits[0].CompleteInline(1);
        Assert.Equal(2, Result(first));
        LaneTask<int> second = AddAsync(_waits[1].Begin(), 1);
        Assert.Throws<InvalidOperationException>(() => first.IsCompleted);
        Assert.Throws<InvalidOperationException>(() => first.GetAwaiter().GetResult());
        Assert.Throws<InvalidOperationException>(() => first.GetAwaiter().OnCompleted(() => { }));
        _waits[1].CompleteInline(4);
        Assert.Equal(5, Result(second));
    }

    [Fact]
    public void A_source_refuses_a_task_that_was_taken()
    {
        LaneTask<int> task = _waits[0].Begin();
        _waits[0].CompleteInline(1);
        Assert.Equal(1, Result(task));
        Assert.Throws<InvalidOperationException>(() => task.IsCompleted);
        Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().OnCompleted(() => { }));
    }

    private static async LaneTask<string> NameAsync(LaneTask<string> name) => await name;

    private static async LaneTask<string> NameTwiceAsync(LaneTask<string> name) => await NameAsync(name);

    /// <summary>Of results that are objects, methods share their code.</summary>
    [Fact]
    public void Nothing_is_allocated_for_results_that_are_objects()
    {
        LaneSource<string>[] waits = [.. Enumerable.Range(0, 256).Select(_ => new LaneSource<string>())];
        var tasks = new LaneTask<string>[256];
        long least = long.MaxValue;
        for (int round = 0; round < 1000 && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 256; i++)
            {
                tasks[i] = NameTwiceAsync(waits[i].Begin());
            }
            for (int i = 0; i < 256; i++)
            {
                waits[i].CompleteInline("name");
                Assert.Same("name", Result(tasks[i]));
            }
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }

    [Fact]
    public void Nothing_is_allocated_with_256_suspended_together_once_warm()
    {
        var tasks = new LaneTask<int>[256];
        long least = long.MaxValue;
        for (int round = 0; round < 10 && least > 0; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 256; i++)
            {
                tasks[i] = AddTwiceAsync(_waits[i].Begin(), i);
            }
            int sum = 0;
            for (int i = 0; i < 256; i++)
            {
                _waits[i].CompleteInline(1);
                sum += Result(tasks[i]);
            }
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(256 + (255 * 256), sum);
        }
        Assert.Equal(0, least);
    }

    [Fact]
    public void A_source_queues_its_waiter_or_runs_it_at_once()
    {
        using var transport = new MemoryTransport(1);
        var order = new List<string>();
        transport.On(0, () =>
        {
            Note(_waits[0].Begin(), "queued");
            Note(_waits[1].Begin(), "inline");
            _waits[0].CompleteQueued(1, transport.Lanes[0]);
            _waits[1].CompleteInline(1);
            order.Add("here");
        });
        transport.RunUntilIdle();
        Assert.Equal(["inline", "here", "queued"], order);

        async void Note(LaneTask<int> wait, string name)
        {
            await wait;
            order.Add(name);
        }
    }

    [Fact]
    public void A_source_refuses_the_task_of_an_earlier_wait()
    {
        var source = new LaneSource<int>();
        LaneTask<int> first = source.Begin();
        source.CompleteInline(1);
        Assert.Equal(1, Result(first));
        LaneTask<int> second = source.Begin();
        Assert.Throws<InvalidOperationException>(() => first.IsCompleted);
        Assert.True(source.IsPending);
        source.CompleteInline(2);
        Assert.Equal(2, Result(second));
        Assert.Throws<InvalidOperationException>(() => second.GetAwaiter().GetResult());
#if DEBUG // Release builds have no asserts.
        Assert.Throws<AssertException>(() => source.CompleteInline(3));
#endif
    }

    // A completed value task may be asked on the spot.
    private static T Result<T>(LaneTask<T> task) => task.GetAwaiter().GetResult();
}
