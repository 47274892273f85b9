using System.Buffers;
using System.Buffers.Text;
using System.Text;
using FastGate.Net;
using FastGate.Net.Linux;
using FastGate.Net.Time;

namespace FastGate.Bench.Peers;

/// <summary>An upstream that is cheaper than every proxy: answers each request with the same bytes once all of it has
/// come, and reads no more of it than its length and its end.</summary>
internal static class CannedUpstream
{
    public static void Serve(NetAddress address, int bodyBytes)
    {
        byte[] answer = [
            .. Encoding.ASCII.GetBytes(
                $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {bodyBytes}\r\n\r\n"),
            .. Enumerable.Repeat((byte)'x', bodyBytes)];
        var transport = new EpollTransport(1);
        Listener listener = transport.Bind(address);
        Lane lane = transport.Lanes[0];
        lane.Post(new LaneAction(() => _ = AcceptAsync(listener, lane, answer)));
        transport.Start();
        Console.WriteLine($"canned upstream on {listener.Address}");
        Thread.Sleep(Timeout.Infinite);
    }

    private static async Task AcceptAsync(Listener listener, Lane lane, byte[] answer)
    {
        while (await listener.AcceptAsync(lane) is { } connection)
        {
            _ = AnswerAsync(connection, answer);
        }
    }

    private static async Task AnswerAsync(Connection connection, byte[] answer)
    {
        long bodyLeft = -1;
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            if (read.IsCompleted)
            {
                break;
            }
            int answers = Consume(connection, read.Buffer, ref bodyLeft);
            for (int i = 0; i < answers; i++)
            {
                connection.Output.Append(answer);
            }
            if (answers > 0 && (await connection.Output.FlushAsync()).IsCompleted)
            {
                break;
            }
        }
        connection.Close();
    }

    /// <summary>Consumes what is there of requests.</summary>
    /// <param name="connection">Where they come from.</param>
    /// <param name="buffer">What has come.</param>
    /// <param name="bodyLeft">Bytes of the body under way; -1 for a head.</param>
    /// <returns>How many have ended.</returns>
    private static int Consume(Connection connection, in ReadOnlySequence<byte> buffer, ref long bodyLeft)
    {
        int answers = 0;
        ReadOnlySpan<byte> rest = buffer.IsSingleSegment ? buffer.FirstSpan : buffer.ToArray();
        int consumed = 0;
        while (true)
        {
            if (bodyLeft < 0)
            {
                int end = rest[consumed..].IndexOf("\r\n\r\n"u8);
                if (end < 0)
                {
                    break;
                }
                bodyLeft = LengthOf(rest.Slice(consumed, end));
                consumed += end + 4;
            }
            int skip = (int)Math.Min(bodyLeft, rest.Length - consumed);
            bodyLeft -= skip;
            consumed += skip;
            if (bodyLeft > 0)
            {
                break;
            }
            bodyLeft = -1;
            answers++;
        }
        connection.Input.AdvanceTo(buffer.GetPosition(consumed), buffer.End);
        return answers;
    }

    private static long LengthOf(ReadOnlySpan<byte> head)
    {
        int at = head.IndexOf("\r\nContent-Length: "u8);
        return at >= 0 && Utf8Parser.TryParse(head[(at + 18)..], out long length, out _) ? length : 0;
    }
}

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

    private static async Task AcceptAsync(Transport transport, Listener listener, Lane lane, NetAddress upstream)
    {
        while (await listener.AcceptAsync(lane) is { } client)
        {
            _ = ServeAsync(transport, lane, client, upstream);
        }
    }

    private static async Task ServeAsync(Transport transport, Lane lane, Connection client, NetAddress upstream)
    {
        Connection server = await transport.ConnectAsync(lane, upstream, LaneTimer.Never);
        Task up = CopyAsync(client, server);
        await CopyAsync(server, client);
        await up;
        client.Close();
        server.Close();
    }

    private static async Task CopyAsync(Connection from, Connection to)
    {
        while (true)
        {
            var read = await from.Input.ReadAsync();
            if (read.IsCompleted)
            {
                break;
            }
            bool broken = (await to.Output.WriteAsync(read.Buffer)).IsCompleted;
            from.Input.AdvanceTo(read.Buffer.End);
            if (broken)
            {
                break;
            }
        }
        to.EndOutput();
    }
}
