using System.Buffers;
using System.Text;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Linux;

namespace FastGate.Bench.Peers;

/// <summary>An upstream that is cheaper than every proxy: answers each request with the same bytes once it is whole,
/// and reads no more of it than its end, its length unless it is a GET, and whether it asks for <c>/big</c>.</summary>
internal static class CannedUpstream
{
    /// <param name="addresses">Where to listen.</param>
    /// <param name="bodyBytes">Of every answer but those to <c>GET /big...</c>.</param>
    /// <param name="bigBytes">Of those.</param>
    public static void Serve(NetAddress[] addresses, int bodyBytes, int bigBytes)
    {
        var transport = new EpollTransport(1);
        Listener[] listeners = [.. addresses.Select(transport.Bind)];
        Lane lane = transport.Lanes[0];
        lane.Post(new LaneAction(() =>
        {
            var (small, big) = (new CannedAnswer(lane, bodyBytes), new CannedAnswer(lane, bigBytes));
            foreach (Listener listener in listeners)
            {
                AcceptAsync(listener, lane, small, big).Forget();
            }
        }));
        transport.Start();
        Console.WriteLine($"canned upstream on {string.Join(", ", listeners.Select(static one => one.Address))}");
        Thread.Sleep(Timeout.Infinite);
    }

    private static async LaneTask AcceptAsync(Listener listener, Lane lane, CannedAnswer small, CannedAnswer big)
    {
        while (await listener.AcceptAsync(lane) is { } connection)
        {
            AnswerAsync(connection, small, big).Forget();
        }
    }

    private static async LaneTask AnswerAsync(Connection connection, CannedAnswer small, CannedAnswer big)
    {
        var incoming = new Incoming();
        bool broken = false;
        while (!broken)
        {
            var read = await connection.Input.ReceiveAsync();
            if (read.IsCompleted)
            {
                break;
            }
            ReadOnlySequence<byte> rest = read.Buffer;
            while (!broken && incoming.Take(ref rest) is not Asked.Nothing and var asked)
            {
                CannedAnswer answer = asked == Asked.Big ? big : small;
                if (answer.Short is { } bytes)
                {
                    connection.Output.Append(bytes);
                }
                else
                {
                    broken = (await connection.Output.SendAsync(answer.Long)).IsCompleted;
                }
            }
            connection.Input.AdvanceTo(rest.Start, read.Buffer.End);
            if (!broken && connection.Output.HasBytes)
            {
                broken = (await connection.Output.SendAsync()).IsCompleted;
            }
        }
        connection.Close();
    }

    private enum Asked : byte
    {
        Nothing,
        Small,
        Big,
    }

    /// <summary>Where the input of a connection stands.</summary>
    private struct Incoming
    {
        private Asked _pending;
        private long _bodyLeft;

        /// <summary>Takes the next request off <paramref name="rest"/>, or as much of it as is there.</summary>
        /// <returns>What a request that is whole asks for.</returns>
        public Asked Take(ref ReadOnlySequence<byte> rest)
        {
            if (_pending == Asked.Nothing)
            {
                ReadOnlySpan<byte> bytes = rest.IsSingleSegment ? rest.FirstSpan : rest.ToArray();
                int end = bytes.IndexOf("\r\n\r\n"u8);
                if (end < 0)
                {
                    return Asked.Nothing;
                }
                ReadOnlySpan<byte> head = bytes[..end];
                _pending = head.StartsWith("GET /big"u8) ? Asked.Big : Asked.Small;
                _bodyLeft = head[0] == 'G' ? 0 : Math.Max(0, MessageHead.ContentLength(head));
                rest = rest.Slice(end + 4);
            }
            // An answer before the end of a request would make some proxies give up the connection.
            long here = Math.Min(rest.Length, _bodyLeft);
            rest = rest.Slice(here);
            _bodyLeft -= here;
            if (_bodyLeft > 0)
            {
                return Asked.Nothing;
            }
            Asked asked = _pending;
            _pending = Asked.Nothing;
            return asked;
        }
    }

    /// <summary>The bytes of an answer: short ones are copied, long ones are sent from where they are.</summary>
    private sealed class CannedAnswer
    {
        private const int ShortBytesMax = 8 * 1024;

        public CannedAnswer(Lane lane, int bodyBytes)
        {
            byte[] bytes = [
                .. Encoding.ASCII.GetBytes(
                    $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {bodyBytes}\r\n\r\n"),
                .. Enumerable.Repeat((byte)'x', bodyBytes)];
            if (bytes.Length <= ShortBytesMax)
            {
                Short = bytes;
            }
            else
            {
                Long = SharedBytes.Of(lane, bytes);
            }
        }

        public byte[]? Short { get; }

        public ReadOnlySequence<byte> Long { get; }
    }
}
