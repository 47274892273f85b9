using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Health;
using FastGate.Net.Memory;
using FastGate.Tests.Upstreams.Balancing;

namespace FastGate.Tests.Upstreams.Health;

/// <summary>Which servers are used when few or none are up.</summary>
public sealed class PanicTests
{
    /// <summary>Servers: u is up, d is down by a check, e is ejected, x was taken out by an operator; a b behind it is
    /// a backup. Wanted: the indices of those that are used.</summary>
    [Theory]
    [InlineData("u u u", 30, "0 1 2")]
    [InlineData("u d d", 30, "0")]
    [InlineData("u d d", 34, "0 1 2!")]
    [InlineData("d d d", 30, "0 1 2!")]
    [InlineData("e e", 30, "0 1!")]
    [InlineData("d d d", 0, "")]
    [InlineData("u d d d", 0, "0")]
    [InlineData("u d d d", 30, "0 1 2 3!")]
    [InlineData("d x x", 30, "0!")]
    [InlineData("u x x x x", 30, "0")]
    [InlineData("x x", 30, "")]
    [InlineData("d d ub", 30, "2")]
    [InlineData("d d db", 30, "0 1 2!")]
    [InlineData("u d d d ub", 30, "0 4")]
    [InlineData("u d d d ub", 0, "0")]
    [InlineData("u d d d d d d d ub", 30, "0 1 2 3 4 5 6 7 8!")]
    [InlineData("u u ub", 30, "0 1")]
    [InlineData("e e ub", 30, "2")]
    [InlineData("e e eb", 30, "0 1 2!")]
    [InlineData("x e eb", 30, "1 2!")]
    [InlineData("x x xb", 30, "")]
    [InlineData("x x ub db db", 30, "2")]
    public void Who_is_used(string servers, int panic, string wanted)
    {
        string[] all = servers.Split(' ');
        var group = new Upstream(new UpstreamOptions
        {
            Name = "u",
            Eject = new EjectOptions { PanicPercent = panic },
            Servers = [.. all.Select(static (text, i) =>
                new UpstreamServer(ChoiceBed.Address($"10.0.0.{i}:80"), 1, text.EndsWith('b')))],
        }, new MemoryTransport(1));
        for (int i = 0; i < all.Length; i++)
        {
            (StateVoice voice, ServerState state) = all[i][0] switch
            {
                'd' => (StateVoice.Health, ServerState.Down),
                'e' => (StateVoice.Ejection, ServerState.Ejected),
                'x' => (StateVoice.Operator, ServerState.Draining),
                _ => (StateVoice.Health, ServerState.Up),
            };
            group.Servers[i].SetState(voice, state, "test", 1);
        }
        string used = string.Join(' ', group.Set.Servers.Select(static s => s.Index).Order());
        Assert.Equal(wanted, used + (group.Set.IsPanic ? "!" : ""));
        Assert.Equal(wanted.Length == 0 ? Reason.DestinationUnavailable : group.Set.Refusal, group.Set.Refusal);
    }

    [Fact]
    public void What_an_operator_says_changes_who_stands_in()
    {
        var group = new Upstream(new UpstreamOptions
        {
            Name = "u",
            Servers = [.. Enumerable.Range(0, 3).Select(
                static i => new UpstreamServer(ChoiceBed.Address($"10.0.0.{i}:80")))],
        }, new MemoryTransport(1));
        foreach (Server server in group.Servers)
        {
            server.SetState(StateVoice.Health, ServerState.Down, "test", 1);
        }
        Assert.Equal(3, group.Set.Count);
        // It is down before and after, and yet it must not be used any more.
        group.Servers[1].SetState(StateVoice.Operator, ServerState.Draining, "test", 2);
        Assert.Equal([0, 2], group.Set.Servers.Select(static s => s.Index));
        group.Servers[1].SetState(StateVoice.Operator, ServerState.Up, "test", 3);
        Assert.Equal(3, group.Set.Count);
    }
}
