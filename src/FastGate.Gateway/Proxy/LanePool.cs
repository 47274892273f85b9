using Microsoft.Extensions.ObjectPool;

namespace FastGate.Gateway.Proxy;

/// <summary>Objects of one lane for reuse, the last one first: its memory is the likeliest to be in the core's caches
/// still. No other lane may use it.</summary>
/// <param name="policy">Makes them, and says which may be used again.</param>
/// <param name="max">Of those that nobody uses; more are let go.</param>
internal sealed class LanePool<T>(IPooledObjectPolicy<T> policy, int max) : ObjectPool<T>
    where T : class
{
    private T?[] _items = new T?[16];
    private int _count;

    public override T Get()
    {
        if (_count == 0)
        {
            return policy.Create();
        }
        T item = _items[--_count]!;
        _items[_count] = null;
        return item;
    }

    public override void Return(T obj)
    {
        if (!policy.Return(obj) || _count == max)
        {
            return;
        }
        if (_count == _items.Length)
        {
            Array.Resize(ref _items, _count * 2);
        }
        _items[_count++] = obj;
    }
}
