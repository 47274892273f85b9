using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Linux;
using FastGate.Net.Time;

namespace FastGate.Bench.Peers;

/// <summary>The floor of the design: bytes copied both ways on the same transport, nothing parsed.</summary>
internal static class Relay
{
    public static void Serve(NetAddress address, NetAddress upstream)
    {
        var transport = new EpollTransport(1);
        Listener listener = transport.Bind(address);
        Lane lane = transport.Lanes[0];
        lane.Post(new LaneAction(() => _ = AcceptAsync(transport, listener, lane, upstream)));
        transport.Start();
        Console.WriteLine($"relay on {listener.Address}");
        Thread.Sleep(Timeout.Infinite);
    }

    private static async LaneTask AcceptAsync(Transport transport, Listener listener, Lane lane, NetAddress upstream)
    {
        while (await listener.AcceptAsync(lane) is { } client)
        {
            _ = ServeAsync(transport, lane, client, upstream);
        }
    }

    private static async LaneTask ServeAsync(Transport transport, Lane lane, Connection client, NetAddress upstream)
    {
        Connection server = await transport.ConnectAsync(lane, upstream, LaneTimer.Never);
        LaneTask up = CopyAsync(client, server);
        await CopyAsync(server, client);
        await up;
        client.Close();
        server.Close();
    }

    private static async LaneTask CopyAsync(Connection from, Connection to)
    {
        while (true)
        {
            var read = await from.Input.ReceiveAsync();
            if (read.IsCompleted)
            {
                break;
            }
            bool broken = (await to.Output.SendAsync(read.Buffer)).IsCompleted;
            from.Input.AdvanceTo(read.Buffer.End);
            if (broken)
            {
                break;
            }
        }
        to.EndOutput();
    }
}
