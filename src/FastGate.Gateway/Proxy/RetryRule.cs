using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Http;
using FastGate.Net;

namespace FastGate.Gateway.Proxy;

/// <summary>Whether a try that failed may be made again, and why not. The one place that decides it, before a byte of
/// an answer went to the client.</summary>
internal static class RetryRule
{
    /// <summary>Takes a retry, and what it costs.</summary>
    /// <returns>False when there is none; then the exchange ends as its last try did.</returns>
    public static bool TryTake(Exchange exchange, ConnectionPool pool, Lane lane)
    {
        RetryOptions retry = exchange.Route!.Retry;
        RetryOn cause = CauseOf(exchange);
        // The route does not ask for it, or has had its number; nobody waits for it any more.
        if ((retry.On & cause) == 0 || exchange.Tries.Retries >= retry.Retries
            || exchange.ClientGone || exchange.TimedOut)
        {
            return false;
        }
        // Where no byte has left, nothing can happen twice. Otherwise it must be the same as once, and a tunnel that
        // may have been opened is not.
        bool isUnsent = cause == RetryOn.Connect;
        if (!isUnsent && (exchange.Request.Upgrade || !CanRepeat(exchange)))
        {
            return false;
        }
        exchange.Wait.Tried.Add(exchange.Server!);
        if (!pool.HasOther(exchange.Wait.Tried))
        {
            return false;
        }
        RetryBudget budget = exchange.Route.Upstream!.RetryBudget;
        if (isUnsent)
        {
            budget.CountFree(lane.Index);
        }
        else if (!budget.TrySpend(lane.Index, lane.Now))
        {
            return false;
        }
        exchange.Tries.Retries++;
        return true;
    }

    /// <summary>Takes the one replacement of a stale connection that a request gets, whatever its route says of
    /// retries. It uses none of them up, but it charges the budget where there is one: who was killed in the middle of
    /// a request looks just like who ended an idle connection.</summary>
    public static bool TryReplace(Exchange exchange, Lane lane)
    {
        if (exchange.Tries.HasReplaced || exchange.ClientGone || exchange.TimedOut || !CanRepeat(exchange))
        {
            return false;
        }
        return !exchange.Route!.Retry.IsOn
            || exchange.Route.Upstream!.RetryBudget.TrySpend(lane.Index, lane.Now);
    }

    /// <summary>Sending it twice is the same as sending it once (RFC 9110 section 9.2.2), and all that was sent of it
    /// is still here.</summary>
    public static bool CanRepeat(Exchange exchange) => exchange.Tries.HasAll && IsIdempotent(exchange.Request.Method);

    public static bool IsIdempotent(Method method) => method is Method.Get or Method.Head or Method.Options
        or Method.Put or Method.Delete or Method.Trace;

    /// <summary>These statuses say that a server could not do its work, or one behind it.</summary>
    public static bool IsFailure(int status) => status is 502 or 503 or 504;

    private static RetryOn CauseOf(Exchange exchange) => exchange.Reason switch
    {
        Reason.ConnectionRefused or Reason.ConnectionTimeout => RetryOn.Connect,
        Reason.ConnectionTerminated or Reason.HttpResponseIncomplete => RetryOn.Reset,
        Reason.HttpProtocolError => RetryOn.Status502,
        Reason.HttpResponseTimeout => RetryOn.Status504,
        Reason.None => exchange.Response.Status switch
        {
            502 => RetryOn.Status502,
            503 => RetryOn.Status503,
            504 => RetryOn.Status504,
            _ => RetryOn.None,
        },
        _ => RetryOn.None,
    };
}
