using FastGate.Gateway.Proxy;
using Microsoft.Extensions.ObjectPool;

namespace FastGate.Tests.Proxy;

public sealed class LanePoolTests
{
    [Fact]
    public void The_last_one_given_back_comes_first()
    {
        var pool = new LanePool<object>(new Policy(), int.MaxValue);
        object[] rented = [.. Enumerable.Range(0, 100).Select(_ => pool.Get())];
        Assert.Equal(rented.Length, rented.Distinct().Count());
        foreach (object one in rented)
        {
            pool.Return(one);
        }
        foreach (object one in rented.Reverse())
        {
            Assert.Same(one, pool.Get());
        }
        Assert.DoesNotContain(pool.Get(), rented);
    }

    [Fact]
    public void It_keeps_no_more_than_its_bound()
    {
        var pool = new LanePool<object>(new Policy(), max: 2);
        object first = pool.Get();
        object second = pool.Get();
        object third = pool.Get();
        pool.Return(first);
        pool.Return(second);
        pool.Return(third);
        Assert.Same(second, pool.Get());
        Assert.Same(first, pool.Get());
        Assert.NotSame(third, pool.Get());
    }

    [Fact]
    public void What_its_policy_refuses_is_let_go()
    {
        var pool = new LanePool<object>(new Policy { Takes = false }, int.MaxValue);
        object one = pool.Get();
        pool.Return(one);
        Assert.NotSame(one, pool.Get());
    }

    private sealed class Policy : PooledObjectPolicy<object>
    {
        public bool Takes { get; init; } = true;

        public override object Create() => new();

        public override bool Return(object obj) => Takes;
    }
}
