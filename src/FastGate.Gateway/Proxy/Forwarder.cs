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
    private enum TryEnd : byte
    {
        /// <summary>The reason is noted.</summary>
        Failed,
        /// <summary>It was answered, and the answer dropped for a better one.</summary>
        Dropped,
        /// <summary>Its connection had ended before it began.</summary>
        Stale,
    }

    public static async LaneTask ForwardAsync(Exchange exchange, GateLane lane)
    {
        Route route = exchange.Route!;
        ConnectionPool pool = route.Upstream!.PoolOf(lane.Lane);
        exchange.Wait.Key = KeyOf(exchange, route);
        exchange.Tries.Begin(exchange, lane.Lane);
        if (RequestBody.IsAwaited(exchange, pool) && !await RequestBody.AwaitAsync(exchange, lane))
        {
            return;
        }
        TryEnd end;
        do
        {
            end = TryEnd.Failed;
            // 6a a connection
            Rental rental = await RentAsync(exchange, pool, route);
            if (rental.Connection is not { } pooled)
            {
                NoteRefusal(exchange, rental);
                continue;
            }
            if (exchange.ClientGone || exchange.TimedOut)
            {
                // Nothing was sent on it: the next one may have it.
                pool.Return(pooled, keepAliveSeconds: -1);
                exchange.Fail(Reason.HttpResponseTimeout);
                return;
            }
            // 6b the request. Forked: its body goes on while the answer is waited for, and may come before it ended.
            Connection upstream = BeginTry(exchange, pooled);
            LaneTask<UploadEnd> upload = RequestBody.SendAsync(exchange, upstream, lane);
            if (route.Retry.HedgePercent > 0 && Hedge.TryDelay(exchange, lane.Lane, out long delayMs))
            {
                pooled = await exchange.Hedge.RaceAsync(pool, lane.Lane, pooled, delayMs);
                upstream = pooled.Connection;
            }
            // 6c the head of the answer
            Heard heard = AnswerHead.Hear(exchange, upstream.Input, await upstream.Input.ReceiveAsync(), interim: 0);
            if (heard > Heard.Head)
            {
                heard = await AnswerHead.HearMoreAsync(exchange, upstream, lane, heard);
            }
            // 6d the answer, unless another server may have a better one
            bool whole = false;
            bool isDropped = false;
            if (heard == Heard.Head)
            {
                Feedback.Answered(exchange, pooled, lane.Lane);
                if (exchange.Response.Status == 101)
                {
                    await SwitchAsync(exchange, lane, pooled, upload);
                    Feedback.TunnelEnded(exchange, pooled.Server, lane.Lane);
                    return;
                }
                isDropped = RetryRule.IsFailure(exchange.Response.Status)
                    && RetryRule.TryTake(exchange, lane.Lane);
                if (!isDropped)
                {
                    BeginAnswer(exchange, lane, isUploading: !upload.IsCompleted);
                    whole = await ResponseBody.RelayAsync(exchange, upstream, lane);
                }
            }
            bool uploaded = exchange.RequestRead;
            // Joined: nothing of this exchange runs on when its connection is given back.
            UploadEnd sent = await EndUploadAsync(exchange, upload);
            bool isClean = isDropped ? ResponseBody.TrySkip(exchange, upstream.Input) : whole;
            exchange.Pooled = null;
            // 7 give back
            if (heard == Heard.Head)
            {
                Settle(exchange, pooled, isClean && uploaded && sent == UploadEnd.Complete);
                if (isDropped)
                {
                    end = TryEnd.Dropped;
                    continue;
                }
                if (!whole)
                {
                    Feedback.Failed(exchange, pooled, lane.Lane);
                }
                return;
            }
            pooled.Pool.Drop(pooled);
            if (IsStale(exchange, lane, pooled, heard))
            {
                end = TryEnd.Stale;
                continue;
            }
            exchange.Fail(exchange.TimedOut ? Reason.HttpResponseTimeout
                : sent.Reason() is not Reason.None and var reason ? reason
                : Reason.ConnectionTerminated);
            Feedback.Failed(exchange, pooled, lane.Lane);
        }
        while (await AgainAsync(exchange, lane, end));
    }

    /// <summary>Whether there is another try, once it is time for it.</summary>
    private static LaneTask<bool> AgainAsync(Exchange exchange, GateLane lane, TryEnd end)
    {
        if (end == TryEnd.Failed && !RetryRule.TryTake(exchange, lane.Lane))
        {
            return new LaneTask<bool>(false);
        }
        if (end == TryEnd.Dropped && (exchange.Reason != Reason.None || exchange.TimedOut))
        {
            // The client has ended it meanwhile, or the time for all of it is over.
            exchange.Fail(Reason.HttpResponseTimeout);
            return new LaneTask<bool>(false);
        }
        exchange.Tries.HasReplaced |= end == TryEnd.Stale;
        // Nothing of the last try may be taken for the next one's.
        exchange.ForgetFailure();
        exchange.UploadCanceled = false;
        exchange.SentAt = 0;
        exchange.AnsweredAt = 0;
        exchange.ForgetResponseHead();
        int pauseMs = end == TryEnd.Stale ? 0 : exchange.Tries.BackoffMs();
        return pauseMs == 0 ? new LaneTask<bool>(true) : PauseAsync(exchange, lane.Lane, pauseMs);
    }

    private static async LaneTask<bool> PauseAsync(Exchange exchange, Lane lane, int milliseconds)
    {
        long from = Stopwatch.GetTimestamp();
        await exchange.Wait.PauseAsync(lane, milliseconds);
        exchange.WaitTicks += Stopwatch.GetTimestamp() - from;
        if (exchange.ClientGone || exchange.TimedOut)
        {
            exchange.Fail(Reason.HttpResponseTimeout);
            return false;
        }
        return true;
    }

    private static void NoteRefusal(Exchange exchange, in Rental rental)
    {
        exchange.Fail(exchange.TimedOut ? Reason.HttpResponseTimeout : rental.Reason);
        if (rental.Tried is { } tried)
        {
            exchange.Server = tried;
        }
    }

    private static Connection BeginTry(Exchange exchange, PooledConnection pooled)
    {
        exchange.Pooled = pooled;
        exchange.Server = pooled.Server;
        exchange.Scanned = 0;
        UpstreamHead.Write(exchange, pooled.Connection.Output);
        pooled.Connection.SetReadDeadline(LaneTimer.Never);
        return pooled.Connection;
    }

    /// <summary>A connection that idled may have been ended by its server just as the request left, which says nothing
    /// of the server: the first time, it is replaced, by a new one to any server.</summary>
    private static bool IsStale(Exchange exchange, GateLane lane, PooledConnection pooled, Heard heard) =>
        heard == Heard.Nothing && pooled.IsReused && exchange.Reason == Reason.None
        && RetryRule.TryReplace(exchange, lane.Lane);

    /// <summary>By which a server is chosen, where the upstream hashes.</summary>
    private static ulong KeyOf(Exchange exchange, Route route) =>
        route.BalanceKey?.Of(RoutePhase.RequestOf(exchange), exchange.Match.Captures) ?? 0;

    /// <summary>The waits for a connection, which are nobody's overhead, are measured only where there is
    /// one.</summary>
    private static LaneTask<Rental> RentAsync(Exchange exchange, ConnectionPool pool, Route route)
    {
        LaneTask<Rental> rental = pool.RentAsync(exchange.Wait, Tries.ConnectMs(route), exchange.Tries.HasReplaced);
        return rental.IsCompleted ? rental : AwaitRentalAsync(exchange, rental);
    }

    private static async LaneTask<Rental> AwaitRentalAsync(Exchange exchange, LaneTask<Rental> rental)
    {
        long from = Stopwatch.GetTimestamp();
        Rental result = await rental;
        exchange.WaitTicks += Stopwatch.GetTimestamp() - from;
        return result;
    }

    /// <summary>The request ends before the protocol changes (RFC 9110 section 7.8).</summary>
    private static async LaneTask SwitchAsync(Exchange exchange, GateLane lane, PooledConnection pooled,
        LaneTask<UploadEnd> upload)
    {
        UploadEnd sent = await upload;
        if (sent == UploadEnd.Complete)
        {
            await Tunnel.RunAsync(exchange, lane, pooled);
        }
        else
        {
            exchange.Fail(exchange.TimedOut ? Reason.HttpResponseTimeout : sent.Reason());
            pooled.Pool.Drop(pooled);
        }
        exchange.Pooled = null;
    }

    private static void BeginAnswer(Exchange exchange, GateLane lane, bool isUploading)
    {
        exchange.Tries.End(isUploading);
        if (!exchange.RequestRead || lane.IsDraining)
        {
            // Answered before the body ended: whoever still sends it must not take it for the next request. A drain may
            // have begun since the request came.
            exchange.KeepAlive = false;
        }
        exchange.PaceAnswer();
        ClientHead.Write(exchange, exchange.Client.Output, lane);
    }

    /// <summary>Phase 7: the connection is another exchange's only if both messages ended where their framing
    /// says.</summary>
    private static void Settle(Exchange exchange, PooledConnection pooled, bool bothEnded)
    {
        if (bothEnded && exchange.Response.KeepAlive && !pooled.Connection.Input.HasBytes
            && !pooled.Connection.Output.IsOwing && pooled.Connection.Fault == ConnectionFault.None)
        {
            pooled.Pool.Return(pooled, exchange.Response.KeepAliveTimeout);
            return;
        }
        pooled.Pool.Drop(pooled);
        exchange.KeepAlive &= exchange.Reason == Reason.None;
    }

    /// <summary>Ends an upload that nobody needs any more: it waits for its client or for a deaf upstream.</summary>
    private static LaneTask<UploadEnd> EndUploadAsync(Exchange exchange, LaneTask<UploadEnd> upload)
    {
        if (!upload.IsCompleted)
        {
            exchange.UploadCanceled = true;
            if (exchange.Client.Input.IsWaiting)
            {
                exchange.Client.Input.CancelPendingRead();
            }
            exchange.Pooled!.Connection.Output.CancelPendingFlush();
        }
        return upload;
    }
}
