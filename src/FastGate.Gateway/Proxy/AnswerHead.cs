using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using FastGate.Gateway.Stats;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Proxy;

/// <summary>What was heard of an answer.</summary>
internal enum Heard : byte
{
    /// <summary>The reason is noted.</summary>
    Failed,
    /// <summary>The connection ended before a byte of an answer.</summary>
    Nothing,
    /// <summary>The head of a final answer is in <see cref="Exchange.Response"/>.</summary>
    Head,
    /// <summary>Not yet a whole head.</summary>
    More,
    /// <summary>The head of an interim answer is there.</summary>
    Interim,
}

/// <summary>Hears the head of an answer: from the upstream's first byte to a final head that may be passed on, interim
/// answers on the way.</summary>
internal static class AnswerHead
{
    /// <summary>Answers with 1xx that one request may get before its final one; more are an attack on our
    /// time.</summary>
    private const int InterimAnswersMax = 32;

    /// <summary>Reads on after a first read that was not the whole of a final head; interim answers are passed on as
    /// they come.</summary>
    public static async LaneTask<Heard> HearMoreAsync(Exchange exchange, Connection upstream, GateLane lane,
        Heard heard)
    {
        int interim = 0;
        while (heard >= Heard.More)
        {
            if (heard == Heard.Interim)
            {
                interim++;
                await PassInterimAsync(exchange, lane, upstream);
                exchange.Scanned = 0;
            }
            heard = Hear(exchange, upstream.Input, await upstream.Input.ReceiveAsync(), interim);
        }
        return heard;
    }

    /// <summary>What a read from the upstream brought. The head stays unconsumed until it is written: its slices refer
    /// to the reader's buffer.</summary>
    public static Heard Hear(Exchange exchange, ConnectionReader input, in ReadResult read, int interim)
    {
        if (read.IsCanceled)
        {
            exchange.Fail(Reason.HttpResponseTimeout);
            return Heard.Failed;
        }
        ParseStatus status = Parse(exchange, read.Buffer);
        if (status == ParseStatus.Incomplete)
        {
            input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (!read.IsCompleted)
            {
                return Heard.More;
            }
            if (read.Buffer.IsEmpty && interim == 0)
            {
                return Heard.Nothing;
            }
            exchange.Fail(exchange.TimedOut ? Reason.HttpResponseTimeout : Reason.HttpResponseIncomplete);
            return Heard.Failed;
        }
        bool isInterim = exchange.Response.Status is < 200 and not 101;
        if (status != ParseStatus.Complete || !IsAcceptable(exchange) || (isInterim && interim == InterimAnswersMax))
        {
            exchange.Fail(Reason.HttpProtocolError, RuleWords.Of(status));
            return Heard.Failed;
        }
        if (isInterim)
        {
            return Heard.Interim;
        }
        exchange.AnsweredAt = Stopwatch.GetTimestamp();
        return Heard.Head;
    }

    private static ParseStatus Parse(Exchange exchange, in ReadOnlySequence<byte> buffer)
    {
        if (buffer.IsEmpty)
        {
            return ParseStatus.Incomplete;
        }
        HeadLimits limits = exchange.Table.ResponseLimits;
        bool answersHead = exchange.Request.Method == Method.Head;
        if (buffer.IsSingleSegment)
        {
            exchange.ResponseBytes = buffer.First;
        }
        else
        {
            exchange.ResponseBytes = exchange.StraddleResponse(buffer, limits.HeadBytesMax + 1);
        }
        int scanned = exchange.Scanned;
        ParseStatus status = ResponseParser.Parse(
            exchange.ResponseBytes.Span, limits, answersHead, exchange.Response, ref scanned);
        exchange.Scanned = scanned;
        exchange.ChargeTables();
        return status;
    }

    /// <summary>A switch of protocols that nobody asked for would turn the connection into a tunnel for the
    /// upstream.</summary>
    private static bool IsAcceptable(Exchange exchange) => exchange.Response.Status != 101
        || (exchange.Request.Upgrade && exchange.Response.Upgrade && Upgrades.WereAskedFor(exchange.Request.Headers,
            exchange.HeadBytes, exchange.Response.Headers, exchange.ResponseBytes.Span));

    private static async LaneTask PassInterimAsync(Exchange exchange, GateLane lane, Connection upstream)
    {
        // HTTP/1.0 has no interim answers (RFC 9110 section 15.2), and whoever was told to go on by one server need not
        // hear it from the next.
        Tries tries = exchange.Tries;
        bool isContinue = exchange.Response.Status == 100;
        bool wanted = exchange.Request.MinorVersion > 0 && !(isContinue && tries.HasContinued && tries.Retries > 0);
        tries.HasContinued |= isContinue;
        if (wanted)
        {
            ClientHead.WriteInterim(exchange, exchange.Client.Output);
        }
        ResponseBody.ConsumeHead(exchange, upstream.Input);
        if (!wanted)
        {
            return;
        }
        exchange.Client.SetWriteDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
        FlushResult flushed = await exchange.Client.Output.SendAsync();
        if (flushed.IsCompleted || flushed.IsCanceled)
        {
            exchange.OnClientGone();
        }
        else if (isContinue)
        {
            RequestBody.Continued(exchange, lane);
        }
    }
}
