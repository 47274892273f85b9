using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Upstreams.Health;

/// <summary>One check of one server: a connection of its own, one request, its answer. It takes none of the server's
/// permits, for a server that is busy must be asked too.</summary>
internal sealed class HealthProbe(Transport transport, Lane lane, Server server, HealthOptions options)
{
    /// <summary>Of a body that is looked into; the rest is not waited for.</summary>
    public const int BodyBytesMax = 64 * 1024;

    private const int InterimAnswersMax = 8;

    private static readonly HeadLimits s_limits = new(32 * 1024, 100);

    private readonly byte[] _wanted = Encoding.UTF8.GetBytes(options.Body ?? "");
    private readonly byte[] _request = [
        .. "GET "u8, .. Encoding.ASCII.GetBytes(options.Path), .. " HTTP/1.1\r\nHost: "u8, .. server.HostName,
        .. "\r\nUser-Agent: fastgate\r\nAccept: */*\r\nConnection: close\r\n\r\n"u8];

    /// <summary>This process had no descriptor to ask with, which says nothing of the server.</summary>
    public const string NotAsked = "check_not_asked";

    /// <returns>Why the server is not well, in one word, or <see cref="NotAsked"/>; null when it is.</returns>
    public async LaneTask<string?> AskAsync()
    {
        long due = lane.Now + options.TimeoutMs;
        Connection connection = await Dialling.ConnectAsync(transport, lane, server, due, handle: null);
        try
        {
            return connection.Fault switch
            {
                ConnectionFault.None => await AskAsync(connection, due),
                ConnectionFault.TimedOut => "check_timeout",
                ConnectionFault.Exhausted => NotAsked,
                _ => "check_refused",
            };
        }
        finally
        {
            connection.Close();
        }
    }

    private async LaneTask<string?> AskAsync(Connection connection, long due)
    {
        connection.Output.Append(_request);
        connection.SetWriteDeadline(due);
        connection.SetReadDeadline(due);
        if ((await connection.Output.SendAsync()).IsCanceled)
        {
            return "check_timeout";
        }
        var head = new ResponseHead();
        for (int answers = 0; answers <= InterimAnswersMax; answers++)
        {
            if (await ReadHeadAsync(connection.Input, head) is { } trouble)
            {
                return trouble;
            }
            if (head.Status < 200)
            {
                continue;
            }
            if (!options.Expects(head.Status))
            {
                return $"check_status_{head.Status}";
            }
            // Read in any case: a connection that is closed with bytes unread looks broken to the server.
            bool isFound = await FindAsync(connection, head);
            return isFound || options.Body is null ? null : "check_body";
        }
        return "check_protocol";
    }

    private static async LaneTask<string?> ReadHeadAsync(ConnectionReader input, ResponseHead head)
    {
        int scanned = 0;
        while (true)
        {
            ReadResult read = await input.ReceiveAsync();
            if (read.IsCanceled)
            {
                return "check_timeout";
            }
            ReadOnlySequence<byte> buffer = read.Buffer;
            ParseStatus status = buffer.IsEmpty
                ? ParseStatus.Incomplete
                : ResponseParser.Parse(buffer.IsSingleSegment ? buffer.FirstSpan : buffer.ToArray(), s_limits,
                    answersHead: false, head, ref scanned);
            if (status == ParseStatus.Complete)
            {
                input.AdvanceTo(buffer.GetPosition(head.Length));
                return null;
            }
            if (status != ParseStatus.Incomplete)
            {
                return "check_protocol";
            }
            if (read.IsCompleted)
            {
                return buffer.IsEmpty ? "check_reset" : "check_incomplete";
            }
            input.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Reads the body as far as it counts.</summary>
    /// <returns>Whether what is wanted is in it.</returns>
    private async LaneTask<bool> FindAsync(Connection connection, ResponseHead head)
    {
        var body = new ArrayBufferWriter<byte>();
        var decoder = new ChunkedDecoder();
        bool goesOn = head.Framing != BodyFraming.None;
        while (goesOn && body.WrittenCount < BodyBytesMax)
        {
            ReadResult read = await connection.Input.ReceiveAsync();
            if (read.IsCanceled || read.Buffer.IsEmpty)
            {
                break;
            }
            foreach (ReadOnlyMemory<byte> piece in read.Buffer)
            {
                goesOn = goesOn && Take(piece.Span, head, ref decoder, body);
            }
            connection.Input.AdvanceTo(read.Buffer.End);
        }
        ReadOnlySpan<byte> found = body.WrittenSpan[..Math.Min(body.WrittenCount, BodyBytesMax)];
        return found.IndexOf(_wanted) >= 0;
    }

    /// <returns>Whether there is more to come.</returns>
    private static bool Take(ReadOnlySpan<byte> piece, ResponseHead head, ref ChunkedDecoder decoder,
        ArrayBufferWriter<byte> body)
    {
        if (head.Framing != BodyFraming.Chunked)
        {
            body.Write(piece);
            return head.Framing == BodyFraming.UntilClose || body.WrittenCount < head.ContentLength;
        }
        while (true)
        {
            ChunkStep step = decoder.Read(piece, out int used, out Slice data);
            body.Write(data.Of(piece));
            piece = piece[used..];
            if (step is ChunkStep.LastChunk or ChunkStep.Broken)
            {
                return false;
            }
            if (step == ChunkStep.NeedMore && piece.IsEmpty)
            {
                return true;
            }
        }
    }
}
