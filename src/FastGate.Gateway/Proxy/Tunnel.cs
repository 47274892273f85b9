using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>What a connection becomes after 101: bytes both ways until both sides have ended, one has broken, or
/// nothing has moved for <c>timeout.tunnel</c>.</summary>
internal static class Tunnel
{
    public static async LaneTask RunAsync(Exchange exchange, GateLane lane, PooledConnection pooled)
    {
        exchange.KeepAlive = false;
        if (!pooled.Pool.TryBecomeTunnel(pooled))
        {
            exchange.Fail(Reason.ConnectionLimitReached);
            // The upstream has switched: a FIN would be its client's last word.
            pooled.Connection.Abort();
            pooled.Pool.Drop(pooled);
            return;
        }
        lane.Lane.Deadlines.Remove(exchange.TotalTimer);
        exchange.Status = 101;
        ClientHead.Write(exchange, exchange.Client.Output, lane);
        ResponseBody.ConsumeHead(exchange, pooled.Connection.Input);
        exchange.AnswerBegun = true;
        exchange.TunnelTouched = lane.Lane.Now;
        // A tunnel may be as slow as it likes.
        exchange.Client.SetWritePace(default);
        exchange.TunnelWays = 2;
        LaneTask up = CopyAsync(exchange, exchange.Client, pooled.Connection, lane, inward: true);
        await CopyAsync(exchange, pooled.Connection, exchange.Client, lane, inward: false);
        await up;
        pooled.Pool.Drop(pooled);
    }

    /// <summary>One direction, until an orderly end, which is passed on. When a side broke or the tunnel timed out, the
    /// first direction to see it notes why and ends the other one too.</summary>
    private static async LaneTask CopyAsync(Exchange exchange, Connection from, Connection to, GateLane lane,
        bool inward)
    {
        await CopyToEndAsync(exchange, from, to, lane, inward);
        exchange.TunnelWays--;
    }

    private static async LaneTask CopyToEndAsync(Exchange exchange, Connection from, Connection to, GateLane lane,
        bool inward)
    {
        long idleMs = exchange.Route!.Timeout.TunnelMs;
        if (to.Output.HasBytes)
        {
            to.SetWriteDeadline(lane.Lane.Now + idleMs);
            await to.Output.SendAsync();
        }
        while (true)
        {
            from.SetReadDeadline(exchange.TunnelTouched + idleMs);
            ReadResult read = await from.Input.ReceiveAsync();
            if (read.IsCanceled && exchange.TunnelDeaf)
            {
                return;
            }
            if (read.IsCanceled && exchange.TunnelTouched + idleMs > lane.Lane.Now)
            {
                continue; // The other direction has moved meanwhile.
            }
            if (read.IsCanceled || (read.Buffer.IsEmpty && from.Fault != ConnectionFault.None))
            {
                Reason broken = inward ? Reason.ClientClosed : Reason.ConnectionTerminated;
                Break(exchange, from, to, read.IsCanceled ? Reason.ConnectionReadTimeout : broken);
                return;
            }
            if (read.Buffer.IsEmpty && read.IsCompleted)
            {
                to.EndOutput();
                if (!inward && exchange.TunnelWays == 2)
                {
                    from.Watch(new EndedUpstream(exchange));
                }
                return;
            }
            exchange.TunnelTouched = lane.Lane.Now;
            if (inward)
            {
                exchange.BodyBytesIn += read.Buffer.Length;
            }
            else
            {
                exchange.BodyBytesOut += read.Buffer.Length;
            }
            to.SetWriteDeadline(lane.Lane.Now + idleMs);
            FlushResult flushed = await to.Output.SendAsync(read.Buffer);
            from.Input.AdvanceTo(read.Buffer.End);
            exchange.TunnelTouched = lane.Lane.Now;
            if (flushed.IsCanceled)
            {
                Break(exchange, from, to, Reason.ConnectionReadTimeout);
                return;
            }
            if (flushed.IsCompleted)
            {
                EndAtBrokenReceiver(exchange, from, to, inward);
                return;
            }
        }
    }

    /// <summary>A side takes nothing more. What it said before it broke, such as why, may be here already: the other
    /// direction passes that on and then finds the break itself.</summary>
    private static void EndAtBrokenReceiver(Exchange exchange, Connection from, Connection to, bool inward)
    {
        if (exchange.TunnelWays == 2)
        {
            exchange.Fail(inward ? Reason.ConnectionTerminated : Reason.ClientClosed);
        }
        else if (!inward)
        {
            Break(exchange, from, to, Reason.ClientClosed);
        }
        // Otherwise the upstream has ended its side before: see EndedUpstream.
    }

    /// <summary>Waits with an upstream that has ended its side for the client to end its own. When the upstream resets
    /// meanwhile, what the client says is for nobody; but a cut could cost it the last of what the upstream said, so
    /// its connection ends as after any last answer.</summary>
    private sealed class EndedUpstream(Exchange exchange) : ConnectionWatch
    {
        protected override void OnActivity(Connection connection, bool broken)
        {
            if (broken)
            {
                exchange.TunnelDeaf = true;
                exchange.Client.Input.CancelPendingRead();
            }
        }
    }

    private static void Break(Exchange exchange, Connection from, Connection to, Reason reason)
    {
        exchange.Fail(reason);
        to.Abort();
        from.Abort();
    }
}
