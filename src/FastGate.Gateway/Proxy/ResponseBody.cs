using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using FastGate.Gateway.Stats;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>Relays the body of an answer behind the head that stands in the client's output, each piece as it comes. It
/// reads on only when the client has taken what was read, so a slow client holds one buffer, not a body.</summary>
internal static class ResponseBody
{
    /// <summary>A body piece up to this size is copied behind the head and sent with it in one plain send; a larger one
    /// is gathered from where it was received.</summary>
    private const int CopyBytesMax = 1024;

    /// <returns>True when the whole answer was given to the client. Otherwise the reason is noted and the client's
    /// connection must be cut.</returns>
    public static LaneTask<bool> RelayAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        ConsumeHead(exchange, upstream.Input);
        exchange.AnswerBegun = true;
        return exchange.Response.Framing switch
        {
            BodyFraming.None => SendAsync(exchange, lane),
            BodyFraming.Length => RelayLengthAsync(exchange, upstream, lane),
            BodyFraming.Chunked => RelayChunkedAsync(exchange, upstream, lane),
            _ => RelayUntilCloseAsync(exchange, upstream, lane),
        };
    }

    /// <summary>Takes a head that was written on out of the upstream's input.</summary>
    public static void ConsumeHead(Exchange exchange, ConnectionReader input)
    {
        input.TryRead(out ReadResult read);
        input.AdvanceTo(read.Buffer.GetPosition(exchange.Response.Length));
        exchange.ForgetResponseHead();
    }

    /// <summary>Takes an answer that nobody will see out of the upstream's input, if all of it is here: its connection
    /// can be used again.</summary>
    public static bool TrySkip(Exchange exchange, ConnectionReader input)
    {
        ResponseHead response = exchange.Response;
        if (response.Framing is not (BodyFraming.None or BodyFraming.Length) || !input.TryRead(out ReadResult read))
        {
            return false;
        }
        long content = response.Framing == BodyFraming.Length ? response.ContentLength : 0;
        // Not the sum: a length may be as large as a number can be.
        if (read.Buffer.Length - response.Length < content)
        {
            return false;
        }
        input.AdvanceTo(read.Buffer.GetPosition(response.Length + content));
        return true;
    }

    private static async LaneTask<bool> RelayLengthAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        long left = exchange.Response.ContentLength;
        ConnectionWriter output = exchange.Client.Output;
        while (left > 0)
        {
            if (!upstream.Input.TryRead(out ReadResult read))
            {
                if (output.HasBytes && !await SendAsync(exchange, lane))
                {
                    return false;
                }
                upstream.SetReadDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
                read = await upstream.Input.ReceiveAsync();
            }
            if (!HasBytes(exchange, read))
            {
                return false;
            }
            ReadOnlySequence<byte> piece = read.Buffer.Length > left ? read.Buffer.Slice(0, left) : read.Buffer;
            left -= piece.Length;
            exchange.BodyBytesOut += piece.Length;
            exchange.Client.SetWriteDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
            FlushResult flushed;
            if (piece.Length <= CopyBytesMax)
            {
                foreach (ReadOnlyMemory<byte> part in piece)
                {
                    output.Append(part.Span);
                }
                upstream.Input.AdvanceTo(piece.End);
                flushed = await output.FlushSoonAsync();
            }
            else
            {
                flushed = await output.SendAsync(piece);
                upstream.Input.AdvanceTo(piece.End);
            }
            exchange.NoteAnswerSent();
            if (!IsTaken(exchange, flushed))
            {
                return false;
            }
        }
        return !output.HasBytes || await SendAsync(exchange, lane);
    }

    private static async LaneTask<bool> RelayChunkedAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        var body = new ChunkedBody(exchange.Table.ResponseLimits)
        {
            Unframed = exchange.Request.MinorVersion == 0,
            Rules = exchange.Route!.ResponseHeaders,
            DropsTrailers = exchange.Response.Headers.HasNamedFields,
        };
        while (true)
        {
            if (!upstream.Input.TryRead(out ReadResult read))
            {
                if (exchange.Client.Output.HasBytes && !await SendAsync(exchange, lane))
                {
                    return false;
                }
                upstream.SetReadDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
                read = await upstream.Input.ReceiveAsync();
            }
            if (!HasBytes(exchange, read))
            {
                return false;
            }
            ChunkedBody.Progress progress = body.Copy(read.Buffer, exchange.Client.Output, lane.Trailers);
            exchange.BodyBytesOut += progress.DataBytes;
            upstream.Input.AdvanceTo(progress.Consumed, progress.Examined);
            if (progress.State >= ChunkedBody.State.Broken)
            {
                exchange.Fail(Reason.HttpProtocolError, body.Rule);
                return false;
            }
            if (progress.State == ChunkedBody.State.More && read.IsCompleted)
            {
                exchange.Fail(Reason.HttpResponseIncomplete);
                return false;
            }
            if (!await SendAsync(exchange, lane))
            {
                return false;
            }
            if (progress.State == ChunkedBody.State.Ended)
            {
                return true;
            }
        }
    }

    private static async LaneTask<bool> RelayUntilCloseAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        bool chunk = exchange.Request.MinorVersion > 0;
        ConnectionWriter output = exchange.Client.Output;
        while (true)
        {
            if (!upstream.Input.TryRead(out ReadResult read))
            {
                if (output.HasBytes && !await SendAsync(exchange, lane))
                {
                    return false;
                }
                upstream.SetReadDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
                read = await upstream.Input.ReceiveAsync();
            }
            if (read.Buffer.IsEmpty && read.IsCompleted && upstream.Fault == ConnectionFault.None)
            {
                if (chunk)
                {
                    output.Append(ChunkedEncoder.LastChunk);
                    output.Append("\r\n"u8);
                }
                return await SendAsync(exchange, lane);
            }
            if (!HasBytes(exchange, read))
            {
                return false;
            }
            exchange.BodyBytesOut += read.Buffer.Length;
            foreach (ReadOnlyMemory<byte> part in read.Buffer)
            {
                if (chunk)
                {
                    ChunkedBody.WriteChunk(output, part.Span);
                }
                else
                {
                    output.Append(part.Span);
                }
            }
            upstream.Input.AdvanceTo(read.Buffer.End);
            if (!await SendAsync(exchange, lane))
            {
                return false;
            }
        }
    }

    private static async LaneTask<bool> SendAsync(Exchange exchange, GateLane lane)
    {
        exchange.Client.SetWriteDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
        FlushResult flushed = await exchange.Client.Output.FlushSoonAsync();
        exchange.NoteAnswerSent();
        return IsTaken(exchange, flushed);
    }

    private static bool IsTaken(Exchange exchange, in FlushResult flushed)
    {
        if (flushed.IsCompleted)
        {
            exchange.OnClientGone();
            return false;
        }
        if (flushed.IsCanceled)
        {
            // A client that does not read for so long is as good as gone.
            exchange.Fail(Reason.ClientTimeout);
            return false;
        }
        return true;
    }

    /// <summary>False when the upstream stopped in the middle: silent, ended, or broken.</summary>
    private static bool HasBytes(Exchange exchange, in ReadResult read)
    {
        if (!read.Buffer.IsEmpty && !read.IsCanceled)
        {
            return true;
        }
        exchange.Fail(read.IsCanceled || exchange.TimedOut
            ? Reason.ConnectionReadTimeout
            : Reason.HttpResponseIncomplete);
        return false;
    }
}
