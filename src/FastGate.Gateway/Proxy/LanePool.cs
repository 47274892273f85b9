using Microsoft.Extensions.ObjectPool;

namespace FastGate.Gateway.Proxy;

/// <summary>Objects of one lane for reuse, the last one first: its memory is the likeliest to be in the core's caches
/// still. No other lane may use it.</summary>
/// <param name="policy">Makes them, and says which may be used again.</param>
/// <param name="max">Of those that nobody uses; more are let go.</param>
internal sealed class LanePool<T>(IPooledObjectPolicy<T> policy, int max) : ObjectPool<T>
    where T : class
{
    private readonly Stack<T> _items = new();

    public override T Get() => _items.TryPop(out T? item) ? item : policy.Create();

    public override void Return(T obj)
    {
        if (policy.Return(obj) && _items.Count < max)
        {
            _items.Push(obj);
        }
    }
}
