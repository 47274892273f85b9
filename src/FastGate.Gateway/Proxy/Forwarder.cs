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

/// <summary>Phases 6 and 7: takes a connection, sends the request, relays the answer as it comes, and gives the
/// connection back if, and only if, both messages ended where their framing says. What goes wrong before the first byte
/// of the answer is left in <see cref="Exchange.Reason"/> for the client loop to answer; after it, the client's
/// connection is cut.</summary>
internal static class Forwarder
{
    /// <summary>Answers with 1xx that one request may get before its final one; more are an attack on our time.</summary>
    private const int InterimAnswersMax = 32;

    private enum Heard : byte
    {
        /// <summary>A head is in <see cref="Exchange.Response"/>.</summary>
        Head,
        /// <summary>The connection ended before a byte of an answer.</summary>
        Nothing,
        /// <summary>The reason is noted.</summary>
        Failed,
    }

    [AsyncMethodBuilder(typeof(LaneTaskMethodBuilder))]
    public static async ValueTask ForwardAsync(Exchange exchange, GateLane lane)
    {
        Route route = exchange.Route!;
        ConnectionPool pool = route.Upstream!.PoolOf(lane.Lane);
        bool replaced = false;
        while (true)
        {
            Rental rental = await RentAsync(exchange, pool, route, fresh: replaced);
            if (rental.Connection is not { } pooled)
            {
                exchange.Fail(exchange.TimedOut ? Reason.HttpResponseTimeout : rental.Reason);
                return;
            }
            if (exchange.ClientGone || exchange.TimedOut)
            {
                // Nothing was sent on it: the next one may have it.
                pool.Return(pooled, keepAliveSeconds: -1);
                exchange.Fail(Reason.HttpResponseTimeout);
                return;
            }
            exchange.Pooled = pooled;
            exchange.Server = pooled.Server;
            bool stale = await TryAsync(exchange, lane, pooled, mayReplace: pooled.IsReused && !replaced);
            exchange.Pooled = null;
            if (!stale)
            {
                return;
            }
            replaced = true;
        }
    }

    /// <summary>The waits for a connection, which are nobody's overhead, are measured only where there is one.</summary>
    private static ValueTask<Rental> RentAsync(Exchange exchange, ConnectionPool pool, Route route, bool fresh)
    {
        ValueTask<Rental> rental = pool.RentAsync(exchange.Wait, route.Timeout.ConnectMs, fresh);
        return rental.IsCompletedSuccessfully ? rental : AwaitRentalAsync(exchange, rental);
    }

    [AsyncMethodBuilder(typeof(LaneTaskMethodBuilder<>))]
    private static async ValueTask<Rental> AwaitRentalAsync(Exchange exchange, ValueTask<Rental> rental)
    {
        long from = Stopwatch.GetTimestamp();
        Rental result = await rental;
        exchange.WaitTicks += Stopwatch.GetTimestamp() - from;
        return result;
    }

    /// <summary>One try on one connection.</summary>
    /// <returns>True when the connection was stale and the request can be sent again on another.</returns>
    [AsyncMethodBuilder(typeof(LaneTaskMethodBuilder<>))]
    private static async ValueTask<bool> TryAsync(Exchange exchange, GateLane lane, PooledConnection pooled,
        bool mayReplace)
    {
        Connection upstream = pooled.Connection;
        UpstreamHead.Write(exchange, upstream.Output, lane);
        upstream.SetReadDeadline(LaneTimer.Never);
        ValueTask<UploadEnd> upload = RequestBody.SendAsync(exchange, upstream, lane);
        Heard heard = await HearAsync(exchange, upstream, lane);
        if (heard == Heard.Head && !(exchange.Response.Status == 101))
        {
            return await FinishAsync(exchange, lane, pooled, upload);
        }
        if (heard == Heard.Head)
        {
            await upload;
            await Tunnel.RunAsync(exchange, lane, pooled);
            return false;
        }
        UploadEnd sent = await EndUploadAsync(exchange, upload);
        bool replaceable = heard == Heard.Nothing && mayReplace && CanReplay(exchange) && exchange.Reason == Reason.None
            && !exchange.TimedOut && exchange.BodyBytesIn == 0;
        pooled.Pool.Drop(pooled);
        if (replaceable)
        {
            return true;
        }
        exchange.Fail(exchange.TimedOut ? Reason.HttpResponseTimeout
            : sent.Reason() is not Reason.None and var reason ? reason
            : Reason.ConnectionTerminated);
        return false;
    }

    /// <summary>Relays a final answer and settles both connections.</summary>
    [AsyncMethodBuilder(typeof(LaneTaskMethodBuilder<>))]
    private static async ValueTask<bool> FinishAsync(Exchange exchange, GateLane lane, PooledConnection pooled,
        ValueTask<UploadEnd> upload)
    {
        if (!exchange.RequestRead)
        {
            // Answered before the body ended: whoever still sends it must not take it for the next request.
            exchange.KeepAlive = false;
        }
        ClientHead.Write(exchange, exchange.Client.Output, lane);
        bool whole = await ResponseBody.RelayAsync(exchange, pooled.Connection, lane);
        bool uploaded = exchange.RequestRead;
        UploadEnd sent = await EndUploadAsync(exchange, upload);
        bool clean = whole && uploaded && sent == UploadEnd.Complete && exchange.Response.KeepAlive
            && !pooled.Connection.Input.HasBytes && pooled.Connection.Fault == ConnectionFault.None;
        if (clean)
        {
            pooled.Pool.Return(pooled, exchange.Response.KeepAliveTimeout);
        }
        else
        {
            pooled.Pool.Drop(pooled);
        }
        if (!whole)
        {
            exchange.KeepAlive = false;
        }
        return false;
    }

    /// <summary>Ends an upload that nobody needs any more: it waits for its client or for a deaf upstream.</summary>
    private static ValueTask<UploadEnd> EndUploadAsync(Exchange exchange, ValueTask<UploadEnd> upload)
    {
        if (!upload.IsCompleted)
        {
            exchange.UploadCanceled = true;
            exchange.Client.Input.CancelPendingRead();
            exchange.Pooled!.Connection.Output.CancelPendingFlush();
        }
        return upload;
    }

    /// <summary>Waits for the head of a final answer; interim ones are passed on as they come.</summary>
    [AsyncMethodBuilder(typeof(LaneTaskMethodBuilder<>))]
    private static async ValueTask<Heard> HearAsync(Exchange exchange, Connection upstream, GateLane lane)
    {
        ConnectionReader input = upstream.Input;
        int scanned = 0;
        int interim = 0;
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            if (read.IsCanceled)
            {
                exchange.Fail(Reason.HttpResponseTimeout);
                return Heard.Failed;
            }
            ParseStatus status = Parse(exchange, read.Buffer, ref scanned);
            if (status == ParseStatus.Incomplete)
            {
                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (!read.IsCompleted)
                {
                    continue;
                }
                if (read.Buffer.IsEmpty && interim == 0)
                {
                    return Heard.Nothing;
                }
                exchange.Fail(exchange.TimedOut ? Reason.HttpResponseTimeout : Reason.HttpResponseIncomplete);
                return Heard.Failed;
            }
            if (status != ParseStatus.Complete || !IsAcceptable(exchange))
            {
                exchange.Fail(Reason.HttpProtocolError);
                return Heard.Failed;
            }
            if (exchange.Response.Status is >= 200 or 101)
            {
                // The head stays unconsumed until it is written: its slices refer to the reader's buffer.
                exchange.AnsweredAt = Stopwatch.GetTimestamp();
                return Heard.Head;
            }
            if (++interim > InterimAnswersMax)
            {
                exchange.Fail(Reason.HttpProtocolError);
                return Heard.Failed;
            }
            await PassInterimAsync(exchange, lane, upstream);
            scanned = 0;
        }
    }

    private static ParseStatus Parse(Exchange exchange, in ReadOnlySequence<byte> buffer, ref int scanned)
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
        return ResponseParser.Parse(exchange.ResponseBytes.Span, limits, answersHead, exchange.Response, ref scanned);
    }

    /// <summary>A switch of protocols that nobody asked for would turn the connection into a tunnel for the
    /// upstream.</summary>
    private static bool IsAcceptable(Exchange exchange) =>
        exchange.Response.Status != 101 || (exchange.Request.Upgrade && exchange.Response.Upgrade);

    [AsyncMethodBuilder(typeof(LaneTaskMethodBuilder))]
    private static async ValueTask PassInterimAsync(Exchange exchange, GateLane lane, Connection upstream)
    {
        // HTTP/1.0 has no interim answers (RFC 9110 section 15.2).
        bool wanted = exchange.Request.MinorVersion > 0;
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
        FlushResult flushed = await exchange.Client.Output.FlushAsync();
        if (flushed.IsCompleted || flushed.IsCanceled)
        {
            exchange.OnClientGone();
        }
    }

    /// <summary>Sending it twice must be the same as sending it once (RFC 9110 section 9.2.2), and all of it must still
    /// be here.</summary>
    private static bool CanReplay(Exchange exchange) =>
        exchange.Request.Framing == BodyFraming.None
        && exchange.Request.Method is Method.Get or Method.Head or Method.Options or Method.Put or Method.Delete
            or Method.Trace;
}
