using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>Sends a request: the head that stands in the upstream's output, and the client's body behind it as it
/// comes. It runs beside the wait for the answer. A fault of the client ends the upstream's connection, so that
/// whoever waits for the answer wakes up; a fault of the upstream does not, for it may have answered already.</summary>
internal static class RequestBody
{
    /// <summary>Nothing of the body has come with its head, the client waits for no 100, and half of the upstream's
    /// connections are in use. Until something comes, none of the other half is taken: heads without bodies would cost
    /// a client nothing, and the upstream every connection it may have.</summary>
    public static bool IsAwaited(Exchange exchange, ConnectionPool pool)
    {
        if (exchange.Request.Framing == BodyFraming.None || exchange.Request.ExpectContinue || !pool.IsHalfTaken)
        {
            return false;
        }
        ConnectionReader input = exchange.Client.Input;
        if (!input.TryRead(out ReadResult read))
        {
            return true;
        }
        input.AdvanceTo(read.Buffer.Start);
        return false;
    }

    /// <summary>Waits for the first byte of the body, as long as for the rest of a head.</summary>
    /// <returns>False when it does not come; then the reason is noted.</returns>
    public static async LaneTask<bool> AwaitAsync(Exchange exchange, GateLane lane)
    {
        ConnectionReader input = exchange.Client.Input;
        long from = Stopwatch.GetTimestamp();
        exchange.Client.SetReadDeadline(lane.Lane.Now + FirstByteMs(exchange));
        ReadResult read = await input.ReceiveAsync();
        exchange.WaitTicks += Stopwatch.GetTimestamp() - from;
        UploadEnd end = OfRead(read, exchange);
        input.AdvanceTo(read.Buffer.Start);
        switch (end)
        {
            case UploadEnd.Complete:
                return true;
            case UploadEnd.ClientGone:
                exchange.OnClientGone();
                return false;
            default:
                exchange.Fail(exchange.TimedOut ? Reason.HttpResponseTimeout : end.Reason());
                return false;
        }
    }

    /// <summary>A client was told to go on: from here it has no longer than for the rest of a head.</summary>
    public static void Continued(Exchange exchange, GateLane lane)
    {
        if (exchange.BodyBytesIn == 0 && exchange.Client.Input.IsWaiting)
        {
            exchange.Client.SetReadDeadline(lane.Lane.Now + FirstByteMs(exchange));
        }
    }

    private static long FirstByteMs(Exchange exchange) =>
        Math.Min(exchange.Table.Client.HeadTimeoutMs, exchange.IdleMs);

    public static LaneTask<UploadEnd> SendAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        upstream.SetWriteDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
        if (exchange.Request.Framing != BodyFraming.None)
        {
            return CopyAsync(exchange, upstream, lane);
        }
        exchange.RequestRead = true;
        LaneTask<FlushResult> flush = upstream.Output.FlushSoonAsync();
        if (!flush.IsCompleted)
        {
            return AwaitFlushAsync(exchange, upstream, lane, flush);
        }
        UploadEnd end = OfFlush(flush.GetAwaiter().GetResult(), exchange);
        return new LaneTask<UploadEnd>(Ended(exchange, upstream, lane, end));
    }

    private static async LaneTask<UploadEnd> AwaitFlushAsync(Exchange exchange, Connection upstream, GateLane lane,
        LaneTask<FlushResult> flush) => Ended(exchange, upstream, lane, OfFlush(await flush, exchange));

    private static async LaneTask<UploadEnd> CopyAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        UploadEnd end = exchange.Request.Framing == BodyFraming.Length
            ? await CopyLengthAsync(exchange, upstream, lane)
            : await CopyChunkedAsync(exchange, upstream, lane);
        return Ended(exchange, upstream, lane, end);
    }

    /// <summary>The moment the request was sent: from here the upstream has its time for the first byte.</summary>
    private static UploadEnd Ended(Exchange exchange, Connection upstream, GateLane lane, UploadEnd end)
    {
        switch (end)
        {
            case UploadEnd.Complete:
                exchange.SentAt = Stopwatch.GetTimestamp();
                if (exchange.HeadSentAt == 0)
                {
                    exchange.HeadSentAt = exchange.SentAt;
                }
                if (exchange.AnsweredAt == 0)
                {
                    upstream.SetReadDeadline(lane.Lane.Now + Tries.HeadMs(exchange.Route!));
                }
                break;
            case UploadEnd.UpstreamBroken:
                // Its answer, if there is one, is in our receive buffer already.
                upstream.SetReadDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
                break;
            case UploadEnd.Canceled:
                break;
            case UploadEnd.ClientGone:
                exchange.OnClientGone();
                break;
            default:
                exchange.Fail(end.Reason());
                upstream.Abort();
                break;
        }
        return end;
    }

    private static async LaneTask<UploadEnd> CopyLengthAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        ConnectionReader input = exchange.Client.Input;
        long left = exchange.Request.ContentLength - exchange.Tries.KeptBytes;
        var pace = new UploadPace(exchange, lane.Lane);
        if (exchange.Tries.KeptBytes > 0
            && await ReplayAsync(exchange, upstream, lane) is var replayed and not UploadEnd.Complete)
        {
            return replayed;
        }
        while (left > 0)
        {
            if (exchange.UploadCanceled)
            {
                return UploadEnd.Canceled;
            }
            if (!input.TryRead(out ReadResult read))
            {
                UploadEnd sent = upstream.Output.HasBytes
                    ? await FlushAsync(exchange, upstream, lane)
                    : UploadEnd.Complete;
                if (sent != UploadEnd.Complete)
                {
                    return sent;
                }
                exchange.Client.SetReadDeadline(pace.NextDue());
                read = await input.ReceiveAsync();
                pace.WaitEnded();
            }
            if (read.IsCanceled && exchange.AnswerBegun && !exchange.UploadCanceled)
            {
                continue; // Whoever is answered already may take their time: the answer ends the upload.
            }
            if (OfRead(read, exchange) is var trouble and not UploadEnd.Complete)
            {
                return trouble;
            }
            ReadOnlySequence<byte> piece = read.Buffer.Length > left ? read.Buffer.Slice(0, left) : read.Buffer;
            left -= piece.Length;
            exchange.Tries.Keep(piece);
            exchange.BodyBytesIn += piece.Length;
            pace.Moved(piece.Length);
            upstream.SetWriteDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
            FlushResult flushed = await upstream.Output.SendAsync(piece);
            exchange.NoteHeadSent();
            input.AdvanceTo(piece.End);
            if (OfFlush(flushed, exchange) is var fault and not UploadEnd.Complete)
            {
                return fault;
            }
        }
        exchange.RequestRead = true;
        return upstream.Output.HasBytes ? await FlushAsync(exchange, upstream, lane) : UploadEnd.Complete;
    }

    private static async LaneTask<UploadEnd> CopyChunkedAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        ConnectionReader input = exchange.Client.Input;
        var body = new ChunkedBody(exchange.Table.RequestLimits)
        {
            Underscores = exchange.Table.Client.UnderscoreHeaders,
            Rules = exchange.Route!.RequestHeaders,
            DecidingFields = exchange.Table.DecidingFields,
            DropsTrailers = exchange.Request.Headers.HasNamedFields,
        };
        var pace = new UploadPace(exchange, lane.Lane);
        if (exchange.Tries.KeptBytes > 0)
        {
            // Read and checked before, so it is whole chunks' worth of the same bytes.
            ChunkedBody.Progress again = body.Copy(exchange.Tries.Kept, upstream.Output, lane.Trailers);
            if (await FlushAsync(exchange, upstream, lane) is var end and not UploadEnd.Complete)
            {
                return end;
            }
            if (again.State == ChunkedBody.State.Ended)
            {
                return UploadEnd.Complete;
            }
        }
        while (true)
        {
            if (exchange.UploadCanceled)
            {
                return UploadEnd.Canceled;
            }
            if (!input.TryRead(out ReadResult read))
            {
                UploadEnd sent = upstream.Output.HasBytes
                    ? await FlushAsync(exchange, upstream, lane)
                    : UploadEnd.Complete;
                if (sent != UploadEnd.Complete)
                {
                    return sent;
                }
                exchange.Client.SetReadDeadline(pace.NextDue());
                read = await input.ReceiveAsync();
                pace.WaitEnded();
            }
            if (read.IsCanceled && exchange.AnswerBegun && !exchange.UploadCanceled)
            {
                continue; // Whoever is answered already may take their time: the answer ends the upload.
            }
            if (OfRead(read, exchange) is var trouble and not UploadEnd.Complete)
            {
                return trouble;
            }
            ChunkedBody.Progress progress = body.Copy(read.Buffer, upstream.Output, lane.Trailers);
            exchange.BodyBytesIn += progress.DataBytes;
            ReadOnlySequence<byte> used = read.Buffer.Slice(0, progress.Consumed);
            pace.Moved(used.Length);
            exchange.Tries.Keep(used);
            input.AdvanceTo(progress.Consumed, progress.Examined);
            if (progress.State >= ChunkedBody.State.Broken)
            {
                UploadEnd broken = progress.State == ChunkedBody.State.Broken
                    ? UploadEnd.BadRequest
                    : UploadEnd.TrailersTooLarge;
                exchange.Fail(broken.Reason(), body.Rule);
                return broken;
            }
            if (exchange.BodyBytesIn > exchange.Route!.BodyBytesMax)
            {
                return UploadEnd.TooLarge;
            }
            if (progress.State == ChunkedBody.State.More && read.IsCompleted)
            {
                return UploadEnd.ClientGone;
            }
            exchange.RequestRead = progress.State == ChunkedBody.State.Ended;
            if (await FlushAsync(exchange, upstream, lane) is var fault and not UploadEnd.Complete)
            {
                return fault;
            }
            if (exchange.RequestRead)
            {
                return UploadEnd.Complete;
            }
        }
    }

    /// <summary>Sends what an earlier try has read of the body, from where it is kept.</summary>
    private static async LaneTask<UploadEnd> ReplayAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        upstream.SetWriteDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
        FlushResult flushed = await upstream.Output.SendAsync(exchange.Tries.Kept);
        exchange.NoteHeadSent();
        return OfFlush(flushed, exchange);
    }

    private static async LaneTask<UploadEnd> FlushAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        upstream.SetWriteDeadline(lane.Lane.Now + exchange.Route!.Timeout.IdleMs);
        FlushResult flushed = await upstream.Output.FlushSoonAsync();
        exchange.NoteHeadSent();
        return OfFlush(flushed, exchange);
    }

    private static UploadEnd OfFlush(in FlushResult result, Exchange exchange) =>
        result.IsCompleted ? UploadEnd.UpstreamBroken
        : !result.IsCanceled ? UploadEnd.Complete
        : exchange.UploadCanceled ? UploadEnd.Canceled
        : UploadEnd.UpstreamStalled;

    private static UploadEnd OfRead(in ReadResult result, Exchange exchange)
    {
        if (result.IsCanceled)
        {
            return exchange.UploadCanceled ? UploadEnd.Canceled : UploadEnd.ClientTimeout;
        }
        // An end in mid-body is not the body's end, however it came.
        return result.IsCompleted && result.Buffer.IsEmpty ? UploadEnd.ClientGone : UploadEnd.Complete;
    }

    /// <summary>How fast the client sends: only the time we waited for it counts, from its first byte on, for it may
    /// wait for a 100 itself. None once the answer has begun, for then it may be a conversation, which ends when the
    /// server is silent for <c>timeout.idle</c>, whatever the client sends. Framing counts as bytes that move, trailers
    /// do only when all of them are there.</summary>
    private struct UploadPace(Exchange exchange, Lane lane)
    {
        private Pace _pace = exchange.ClientPace();
        private bool _hasBegun;
        private long _waitFrom;

        public long NextDue()
        {
            if (exchange.AnswerBegun)
            {
                return LaneTimer.Never;
            }
            _waitFrom = lane.Now;
            long due = lane.Now + exchange.IdleMs;
            return _hasBegun ? Math.Min(due, _pace.DueFrom(lane.Now)) : due;
        }

        public void WaitEnded()
        {
            if (_hasBegun)
            {
                _pace.Waited(lane.Now - _waitFrom);
            }
        }

        public void Moved(long bytes)
        {
            _hasBegun |= bytes > 0;
            _pace.Moved(bytes);
        }
    }
}
