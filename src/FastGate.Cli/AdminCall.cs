using System.Buffers;
using System.Net.Sockets;
using System.Text;
using FastGate.Http;

namespace FastGate.Cli;

/// <summary>One request to the admin address of a running process, over the gate's own codec: the verbs need no other
/// client. Blocks, within bounds.</summary>
internal static class AdminCall
{
    private const int ConnectMs = 5_000;
    private const int SilenceMs = 10_000;
    private const int AnswerBytesMax = 256 << 20;

    private static readonly HeadLimits s_limits = new(64 * 1024, 200);

    /// <param name="target">Where the process is.</param>
    /// <param name="path">What is asked for.</param>
    /// <param name="body">What was answered with 200.</param>
    /// <param name="error">Why there is nothing, as a sentence.</param>
    public static bool TryGet(AdminTarget target, string path, out byte[] body, out string error)
    {
        body = [];
        var request = $"GET {path} HTTP/1.1\r\nHost: {target.Host}\r\nAccept: application/json\r\nConnection: close\r\n"
            + (target.Token is { } token ? $"Authorization: Bearer {token.Value}\r\n" : "") + "\r\n";
        try
        {
            ReadOnlySpan<byte> answer = Exchange(target, Encoding.ASCII.GetBytes(request));
            var head = new ResponseHead();
            var scanned = 0;
            if (ResponseParser.Parse(answer, s_limits, answersHead: false, head, ref scanned) != ParseStatus.Complete)
            {
                error = $"{target.Shown} does not answer as a fastgate does";
                return false;
            }
            if (!TryBody(head, answer[head.Length..], out body))
            {
                error = $"the answer of {target.Shown} broke off";
                return false;
            }
            error = head.Status switch
            {
                200 => "",
                401 when target.Token is null => $"{target.Shown} wants a token: name its configuration with -c",
                401 => $"{target.Shown} does not accept the token of the configuration",
                403 => $"{target.Shown} refuses: it has no token, or does not know itself as {target.Host}",
                404 => $"{target.Shown} has no {path}",
                _ => $"{target.Shown} answers {head.Status}",
            };
            return error.Length == 0;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            var reason = exception is SocketException socket ? socket.Message : "no answer in time";
            error = $"cannot reach the admin address {target.Shown}: {reason}";
            return false;
        }
    }

    /// <summary>Everything up to the end of the connection.</summary>
    private static ReadOnlySpan<byte> Exchange(AdminTarget target, ReadOnlySpan<byte> request)
    {
        using Socket socket = target.CreateSocket();
        using var late = new CancellationTokenSource(ConnectMs);
        socket.ConnectAsync(target.Address, late.Token).AsTask().GetAwaiter().GetResult();
        socket.SendTimeout = SilenceMs;
        socket.ReceiveTimeout = SilenceMs;
        while (!request.IsEmpty)
            request = request[socket.Send(request)..];
        var answer = new ArrayBufferWriter<byte>(64 * 1024);
        while (answer.WrittenCount < AnswerBytesMax)
        {
            var count = socket.Receive(answer.GetSpan(16 * 1024));
            if (count == 0)
                break;
            answer.Advance(count);
        }
        return answer.WrittenSpan;
    }

    private static bool TryBody(ResponseHead head, ReadOnlySpan<byte> rest, out byte[] body)
    {
        body = [];
        switch (head.Framing)
        {
            case BodyFraming.Length:
                if (rest.Length < head.ContentLength)
                    return false;
                body = rest[..(int)head.ContentLength].ToArray();
                return true;
            case BodyFraming.Chunked:
                return TryChunks(rest, out body);
            default:
                body = rest.ToArray();
                return true;
        }
    }

    private static bool TryChunks(ReadOnlySpan<byte> rest, out byte[] body)
    {
        var decoder = new ChunkedDecoder();
        var data = new ArrayBufferWriter<byte>(Math.Max(1, rest.Length));
        ChunkStep step;
        while ((step = decoder.Read(rest, out var consumed, out Slice piece)) == ChunkStep.Data)
        {
            data.Write(piece.Of(rest));
            rest = rest[consumed..];
        }
        body = data.WrittenSpan.ToArray();
        return step == ChunkStep.LastChunk;
    }
}
