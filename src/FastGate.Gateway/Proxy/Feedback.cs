using System.Diagnostics;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Net;

namespace FastGate.Gateway.Proxy;

/// <summary>Tells a server what it made of an exchange, so that the next ones know where to go. What a client did tells
/// nothing of the server it did it to.</summary>
internal static class Feedback
{
    private static readonly double s_microseconds = 1_000_000.0 / Stopwatch.Frequency;

    /// <summary>The head of a final answer is there. Told now and not when its body has ended, which may take
    /// hours.</summary>
    public static void Answered(Exchange exchange, PooledConnection pooled, Lane lane)
    {
        Server server = pooled.Server;
        // Before the whole request was sent, the time is the client's.
        long took = exchange.SentAt == 0 || exchange.SentAt > exchange.AnsweredAt
            ? -1
            : Microseconds(exchange.SentAt, exchange.AnsweredAt);
        server.Stats.Answered(lane.Index, took, lane.Now);
        server.Finished(lane, took, exchange.Response.Status switch
        {
            502 or 503 or 504 => Outcome.Unavailable,
            >= 500 => Outcome.ServerError,
            _ => Outcome.Answered,
        }, pooled.RentedAt);
        // One whose first try failed had no second copy to expect, and how long the next one took says nothing of that.
        if (exchange.Route!.Retry.HedgePercent > 0 && Hedge.MayBeSentTwice(exchange.Request) && took >= 0
            && !RetryRule.IsFailure(exchange.Response.Status)
            && (exchange.Tries.Repeats == 0 || exchange.Tries.HasHedged))
        {
            long since = exchange.Tries.HasHedged ? exchange.Hedge.FirstSentAt : exchange.SentAt;
            Hedge.TimesOf(exchange.Route, lane).Record(lane.Now, Microseconds(since, exchange.AnsweredAt));
        }
    }

    /// <summary>Another server was faster: this one was given up, or had failed by then.</summary>
    public static void Lost(PooledConnection pooled, Lane lane, long sentAt, Outcome outcome)
    {
        Server server = pooled.Server;
        long took = Microseconds(sentAt, Stopwatch.GetTimestamp());
        if (outcome == Outcome.Unavailable)
        {
            server.Stats.Answered(lane.Index, took, lane.Now);
        }
        else
        {
            server.Stats.Failed(lane.Index, isError: outcome == Outcome.Failed);
        }
        server.Finished(lane, took, outcome, pooled.RentedAt);
    }

    /// <summary>No answer came, or the rest of one is missing; why is noted in the exchange.</summary>
    public static void Failed(Exchange exchange, PooledConnection pooled, Lane lane)
    {
        Server server = pooled.Server;
        Count(exchange, server, lane);
        long waited = exchange.SentAt == 0 ? -1 : Microseconds(exchange.SentAt, Stopwatch.GetTimestamp());
        if (exchange.TimedOut || exchange.Reason == Reason.ClientClosed)
        {
            if (exchange.AnsweredAt == 0)
            {
                server.Finished(lane, waited, Outcome.Abandoned, pooled.RentedAt);
            }
        }
        else if (exchange.Reason == Reason.HttpProtocolError && RuleWords.IsLimit(exchange.Rule))
        {
            // Our bound and one URL's answer: with it a single client could have one server after the other ejected.
            if (exchange.AnsweredAt == 0)
            {
                server.Finished(lane, waited, Outcome.ServerError, pooled.RentedAt);
            }
        }
        else if (exchange.Reason is Reason.ConnectionTerminated or Reason.HttpProtocolError
            or Reason.HttpResponseIncomplete or Reason.HttpResponseTimeout or Reason.ConnectionReadTimeout)
        {
            bool hadHead = exchange.AnsweredAt != 0;
            server.Finished(
                lane, hadHead ? -1 : waited, hadHead ? Outcome.Broken : Outcome.Failed, pooled.RentedAt);
        }
    }

    /// <summary>A tunnel is over. How it ended tells nothing of how the server answers.</summary>
    public static void TunnelEnded(Exchange exchange, Server server, Lane lane) => Count(exchange, server, lane);

    private static void Count(Exchange exchange, Server server, Lane lane)
    {
        if (exchange.AnsweredAt == 0)
        {
            server.Stats.Failed(lane.Index, exchange.Reason.IsServers);
        }
        else if (exchange.Reason.IsServers)
        {
            server.Stats.Broke(lane.Index);
        }
    }

    private static long Microseconds(long from, long to) => (long)((to - from) * s_microseconds);
}
