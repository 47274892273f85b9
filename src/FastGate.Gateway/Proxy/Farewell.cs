using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Proxy;

/// <summary>How a client's connection ends so that the client sees the last answer.</summary>
internal static class Farewell
{
    private const long LingerMs = 2_000;
    private const long LingerBytesMax = 256 * 1024;

    /// <summary>Goes out at once, for ten segments (RFC 6928) are more: it is with the client before a reset for
    /// whatever that says against the rules.</summary>
    private const long SmallBytes = 8 * 1024;

    /// <summary>Refused connections of a lane that may still hear why; beyond it they are just closed.</summary>
    private const int RefusalsMax = 64;

    /// <summary>Gives the client what it has yet to get, and ends the connection so that it can read it.</summary>
    /// <param name="client">Its last answer was written.</param>
    /// <param name="isLastRequest">Nothing is to come from it by the rules: where nothing is here, and all that it was
    /// sent is small, none of this is needed.</param>
    public static async LaneTask LingerAsync(Connection client, bool isLastRequest = false)
    {
        if (client.Output.IsOwing)
        {
            // The last answer, to a client that is slow: its deadline and its pace are set.
            await client.Output.SendAsync();
        }
        if (client.Fault != ConnectionFault.None || client.Input.IsEnded || client.Output.HasBytes)
        {
            return;
        }
        if (isLastRequest && client.BytesSent <= SmallBytes && client.IsSilent(looks: true))
        {
            return;
        }
        await EndAsync(client, LingerMs, LingerBytesMax);
    }

    /// <summary>FIN, then the rest is discarded: closing with bytes unread would reset the connection, and the client
    /// would never see its answer (RFC 9112 section 9.6).</summary>
    /// <param name="client">All it is to get was given to the system.</param>
    /// <param name="lingerMs">How long it may go on.</param>
    /// <param name="bytesMax">How much of it is read.</param>
    public static async LaneTask EndAsync(Connection client, long lingerMs, long bytesMax)
    {
        client.EndOutput();
        long until = client.Lane.Now + lingerMs;
        long discarded = 0;
        while (discarded < bytesMax)
        {
            client.SetReadDeadline(until);
            ReadResult read = await client.Input.ReceiveAsync();
            discarded += read.Buffer.Length;
            client.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCanceled || read.IsCompleted || client.Lane.Now >= until)
            {
                return;
            }
        }
    }

    /// <summary>A connection over <c>connections_max</c>: told so, and closed.</summary>
    public static async LaneTask RefuseAsync(GateLane lane, Connection client)
    {
        if (lane.Refusals < RefusalsMax)
        {
            lane.Refusals++;
            client.Output.Append(OwnAnswer.Overloaded);
            client.SetWriteDeadline(lane.Lane.Now + LingerMs);
            await client.Output.SendAsync();
            await LingerAsync(client);
            lane.Refusals--;
        }
        client.Close();
        lane.ConnectionClosed();
    }
}
