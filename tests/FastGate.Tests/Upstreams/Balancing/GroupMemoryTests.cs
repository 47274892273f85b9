using FastGate.Gateway.Upstreams;
using FastGate.Net.Memory;

namespace FastGate.Tests.Upstreams.Balancing;

[Collection(Alone.Name)]
public sealed class GroupMemoryTests
{
    [Fact]
    public void A_thousand_servers_and_a_thousand_groups_fit()
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var large = new ChoiceBed(Balance.Hash, ChoiceBed.Equal(1_000), lanes: 8);
        large.Pick();
        long between = GC.GetTotalMemory(forceFullCollection: true);
        Assert.InRange(between - before, 1, 12_000_000);
        var transport = new MemoryTransport(8);
        Upstream[] groups = [.. Enumerable.Range(0, 1_000).Select(i => new Upstream(new UpstreamOptions
        {
            Name = "u",
            Servers = [new UpstreamServer(ServerAddress.Demo), new UpstreamServer(ChoiceBed.Address("10.0.0.1:80"))],
        }, transport))];
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - between, 1, 40_000_000);
        GC.KeepAlive(groups);
        GC.KeepAlive(large);
    }

    [Fact]
    public void A_small_group_that_hashes_is_small()
    {
        Assert.InRange(BytesOf(Balance.Hash) - BytesOf(Balance.P2c), 1, 16 * 1024);

        static long BytesOf(Balance balance)
        {
            var transport = new MemoryTransport(2);
            long before = GC.GetTotalMemory(forceFullCollection: true);
            Upstream[] groups = [.. Enumerable.Range(0, 1_000).Select(i => new Upstream(new UpstreamOptions
            {
                Name = "u",
                Balance = balance,
                Servers = [.. Enumerable.Range(1, 3).Select(
                    n => new UpstreamServer(ChoiceBed.Address($"10.{i / 250}.{i % 250}.{n}:80")))],
            }, transport))];
            long bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
            GC.KeepAlive(groups);
            return bytes / groups.Length;
        }
    }
}
