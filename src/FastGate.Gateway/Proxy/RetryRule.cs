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
    public static bool TryTake(Exchange exchange, Lane lane)
    {
        RetryOptions retry = exchange.Route!.Retry;
        RetryOn cause = CauseOf(exchange);
        // The route does not ask for it, or nobody waits for it any more.
        if (!retry.IsOn || (retry.On & cause) == 0 || exchange.ClientGone || exchange.TimedOut)
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
        Tries tries = exchange.Tries;
        bool hasUntried = FindNext(exchange, isUnsent);
        if (hasUntried && exchange.Reason == Reason.ConnectionRefused
            && tries.TryMoveOn(lane.Now, Tries.ConnectMs(exchange.Route)))
        {
            exchange.Route.Upstream!.RetryBudget.CountFree(lane.Index);
            return true;
        }
        if (tries.Retries >= retry.Retries || !(hasUntried || HasOtherAddress(exchange)))
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
        tries.TakeRetry();
        return true;
    }

    /// <summary>Whether there is another server in use for a second copy of a request whose first one is with a server
    /// still, and something in the budget to pay it with: no connection is made in vain.</summary>
    public static bool MayHedge(Exchange exchange, Lane lane)
    {
        Upstream upstream = exchange.Route!.Upstream!;
        TriedServers tried = exchange.Wait.Tried;
        tried.Add(exchange.Server!);
        if (exchange.ClientGone || exchange.TimedOut || !upstream.Set.HasUntried(tried)
            || !upstream.RetryBudget.CanSpend(lane.Index, lane.Now))
        {
            return false;
        }
        exchange.Wait.Tried = tried;
        return true;
    }

    /// <summary>Takes what a second copy costs. There is a connection for it: one that could not be sent is
    /// free.</summary>
    public static bool TryHedge(Exchange exchange, Lane lane) => exchange.Tries.HasHedged =
        exchange.Route!.Upstream!.RetryBudget.TrySpend(lane.Index, lane.Now);

    /// <summary>Whether there is a server that was not tried. Where nothing has left and all that are in use were
    /// tried, it may be one that is not (<see cref="Upstream.LastResort"/>).</summary>
    private static bool FindNext(Exchange exchange, bool isUnsent)
    {
        Upstream upstream = exchange.Route!.Upstream!;
        PoolWait wait = exchange.Wait;
        wait.Tried.Add(exchange.Server!);
        wait.LastResort = null;
        if (upstream.Set.HasUntried(wait.Tried))
        {
            return true;
        }
        if (isUnsent)
        {
            wait.LastResort = upstream.LastResort(wait.Tried);
        }
        return wait.LastResort is not null;
    }

    /// <summary>A name that stands for several addresses leads elsewhere the next time.</summary>
    private static bool HasOtherAddress(Exchange exchange)
    {
        foreach (Server server in exchange.Route!.Upstream!.Set.Servers)
        {
            if (server.Addresses.Length > 1)
            {
                return true;
            }
        }
        return false;
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
