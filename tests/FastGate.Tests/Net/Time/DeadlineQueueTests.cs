using CsCheck;
using FastGate.Net.Time;

namespace FastGate.Tests.Net.Time;

public sealed class DeadlineQueueTests
{
    private const int Timers = 12;

    private enum Step
    {
        Set,
        Lift,
        Remove,
        Pass,
    }

    /// <summary>The twin: a list of who is due when, searched from end to end.</summary>
    [Fact]
    public void Agrees_with_a_plain_list_on_random_steps()
    {
        var step = Gen.Select(Gen.Enum<Step>(), Gen.Int[0, Timers - 1], Gen.Long[0, 60]);
        step.List[0, 300].Sample(steps =>
        {
            var queue = new DeadlineQueue();
            var timers = Enumerable.Range(0, Timers).Select(_ => new Timer()).ToArray();
            long?[] due = new long?[Timers];
            long now = 0;
            foreach (var (what, which, amount) in steps)
            {
                switch (what)
                {
                    case Step.Set:
                        queue.Set(timers[which], now + amount);
                        due[which] = now + amount;
                        break;
                    case Step.Lift:
                        queue.Set(timers[which], LaneTimer.Never);
                        due[which] = null;
                        break;
                    case Step.Remove:
                        queue.Remove(timers[which]);
                        due[which] = null;
                        break;
                    case Step.Pass:
                        now += amount;
                        break;
                }
                int wait = queue.MillisecondsUntilNext(now);
                long? next = due.Min();
                // It may look too early, at a time from which the timer has moved, and never too late.
                if (next is null)
                {
                    Assert.True(wait >= -1);
                }
                else
                {
                    Assert.InRange(wait, 0, Math.Max(0, next.Value - now));
                }
                // All that is due at one look is taken; among these a timer that had moved may come before an earlier one.
                var taken = new List<int>();
                while (queue.TakeDue(now) is { } timer)
                {
                    taken.Add(Array.IndexOf(timers, timer));
                }
                var expected = Enumerable.Range(0, Timers).Where(i => due[i] <= now).ToList();
                Assert.Equal(expected, taken.Order());
                expected.ForEach(i => due[i] = null);
            }
            Assert.InRange(queue.Count, due.Count(one => one is not null), Timers);
        });
    }

    [Fact]
    public void A_timer_that_moves_later_costs_no_order_and_is_found_at_its_new_time()
    {
        var queue = new DeadlineQueue();
        var timer = new Timer();
        for (int i = 0; i < 1_000; i++)
        {
            queue.Set(timer, 100 + i);
        }
        Assert.Equal(1, queue.Count);
        Assert.Null(queue.TakeDue(100));
        Assert.Equal(999, queue.MillisecondsUntilNext(100));
        Assert.Same(timer, queue.TakeDue(1_099));
        Assert.Equal(-1, queue.MillisecondsUntilNext(1_099));
    }

    [Fact]
    public void A_time_beyond_every_wait_is_cut_to_the_longest_one()
    {
        var queue = new DeadlineQueue();
        queue.Set(new Timer(), long.MaxValue - 1);
        Assert.Equal(int.MaxValue, queue.MillisecondsUntilNext(0));
    }

    [Fact]
    public void Many_timers_come_out_in_order()
    {
        var queue = new DeadlineQueue();
        var random = new Random(5);
        for (int i = 0; i < 5_000; i++)
        {
            queue.Set(new Timer(), random.Next(1, 1_000));
        }
        int count = 0;
        for (long now = 0; now < 1_000; now++)
        {
            while (queue.TakeDue(now) is not null)
            {
                count++;
            }
        }
        Assert.Equal(5_000, count);
    }

    private sealed class Timer : LaneTimer
    {
        protected internal override void OnDue()
        {
        }
    }
}
