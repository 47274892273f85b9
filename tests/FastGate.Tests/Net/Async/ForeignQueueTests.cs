using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Tests.Net.Async;

public sealed class ForeignQueueTests
{
    [Fact]
    public void Everything_comes_out_once_oldest_first()
    {
        var queue = new ForeignQueue();
        Assert.True(queue.IsEmpty);
        Assert.Null(queue.TakeAll());
        LaneWork[] pushed = [.. Enumerable.Range(0, 5).Select(_ => new LaneAction(() => { }))];
        Array.ForEach(pushed, queue.Push);
        Assert.False(queue.IsEmpty);
        Assert.Equal(pushed, Chain(queue.TakeAll()));
        Assert.True(queue.IsEmpty);
    }

    [Fact]
    public void Many_writers_lose_nothing_and_each_keeps_its_order()
    {
        const int Writers = 4;
        const int Each = 50_000;
        var queue = new ForeignQueue();
        var threads = Enumerable.Range(0, Writers).Select(writer => new Thread(() =>
        {
            for (int i = 0; i < Each; i++)
            {
                queue.Push(new Numbered(writer, i));
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        int[] next = new int[Writers];
        int taken = 0;
        var spin = new SpinWait();
        while (taken < Writers * Each)
        {
            foreach (LaneWork work in Chain(queue.TakeAll()))
            {
                var one = (Numbered)work;
                Assert.Equal(next[one.Writer]++, one.Number);
                taken++;
            }
            Assert.True(taken == Writers * Each || !queue.IsEmpty || threads.Any(thread => thread.IsAlive) || !queue.IsEmpty);
            spin.SpinOnce();
        }
        Array.ForEach(threads, thread => thread.Join());
        Assert.True(queue.IsEmpty);
    }

    private static IEnumerable<LaneWork> Chain(LaneWork? work)
    {
        for (; work is not null; work = work.Next)
        {
            yield return work;
        }
    }

    private sealed class Numbered(int writer, int number) : LaneWork
    {
        public int Writer => writer;

        public int Number => number;

        protected internal override void Run()
        {
        }
    }
}
