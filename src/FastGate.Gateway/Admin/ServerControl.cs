using System.Text;
using System.Text.Json;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Routing;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Admin;

/// <summary>Takes servers out of use, puts them back and weighs them, as an operator says. The lanes are asked nothing:
/// what is said is published, and every choice from then on goes by it, on whichever lane. It holds until the process
/// ends. Belongs to the admin lane.</summary>
/// <param name="gate">Whose servers they are.</param>
/// <param name="stats">Shows what became of one.</param>
/// <param name="log">Told of every change.</param>
public sealed class ServerControl(Gate gate, StatsPage stats, ProcessLog log)
{
    /// <summary>Servers that an answer names when it does not know the one that was meant.</summary>
    private const int NamedMax = 3;

    /// <param name="upstream">A name, as it stands in a path.</param>
    /// <param name="query">What is asked for.</param>
    /// <param name="peer">Who asks.</param>
    /// <param name="now">Milliseconds of the lanes' clock.</param>
    /// <param name="json">Where the server is written to, as <c>/stats</c> shows it, if it was done.</param>
    /// <param name="problem">What is wrong, as a sentence, if it was not.</param>
    /// <returns>None if it was done, also where there was nothing to change.</returns>
    internal Reason Apply(ReadOnlySpan<byte> upstream, ReadOnlySpan<byte> query, string peer, long now,
        Utf8JsonWriter json, out string problem)
    {
        if (ServerOrder.Parse(query, out problem) is not { } order)
        {
            return Reason.BadRequest;
        }
        if (UpstreamOf(upstream) is not { } group)
        {
            problem = $"there is no upstream '{ServerOrder.Show(Encoding.UTF8.GetString(upstream))}'";
            return Reason.NoRoute;
        }
        if (Array.Find(group.Servers, server => server.Address.Text == order.Address.Text) is not { } server)
        {
            problem = $"upstream '{group.Options.Name}' has no server '{ServerOrder.Show(order.Address.Text)}': it has "
                + string.Join(", ", group.Servers.Take(NamedMax).Select(each => ServerOrder.Show(each.Address.Text)))
                + (group.Servers.Length > NamedMax ? ", ..." : "");
            return Reason.NoRoute;
        }
        if (group.Order(server, order.State, order.Weight, now))
        {
            log.Info("an operator changed a server", ("upstream", group.Options.Name), ("server", server.Address.Text),
                ("said", order.State is { } said ? said.Word() : "-"), ("state", server.Status.State.Word()),
                ("weight", server.Weight), ("peer", peer));
        }
        json.WriteStartObject();
        json.WriteString("upstream"u8, group.Name);
        json.WritePropertyName("server"u8);
        stats.WriteServer(json, group, server, now);
        json.WriteEndObject();
        return Reason.None;
    }

    private Upstream? UpstreamOf(ReadOnlySpan<byte> encoded)
    {
        foreach (Upstream upstream in gate.Upstreams)
        {
            if (RequestFields.DecodedEquals(encoded, upstream.Name, plusIsSpace: false))
            {
                return upstream;
            }
        }
        return null;
    }
}
