using System.Diagnostics;
using FastGate.Gateway.Stats;
using FastGate.Http;

namespace FastGate.Gateway.Proxy;

/// <summary>Phase 8: an exchange as a flat record for the access log.</summary>
internal static class ExchangeLog
{
    public static void Write(LaneLog log, Exchange exchange, int status, WallClock clock)
    {
        long now = Stopwatch.GetTimestamp();
        RequestHead request = exchange.Request;
        ReadOnlySpan<byte> head = exchange.HeadBytes;
        int agent = head.IsEmpty ? -1 : request.Headers.IndexOf(HeaderId.UserAgent);
        var record = new AccessRecord
        {
            StartUnixUs = clock.UnixUs(exchange.StartedAt),
            Method = head.IsEmpty ? default : request.MethodName.Of(head),
            Path = head.IsEmpty ? default : exchange.Path,
            Query = head.IsEmpty ? default : exchange.Query,
            Authority = head.IsEmpty ? default : exchange.Authority,
            UserAgent = agent < 0 ? default : request.Headers[agent].Value.Of(head),
            ClientAddress = exchange.ClientAddress,
            RequestId = exchange.RequestId,
            MinorVersion = head.IsEmpty ? 1 : request.MinorVersion,
            Route = exchange.Route is { } route ? route.Name : default,
            Upstream = exchange.Route?.Upstream is { } upstream ? upstream.Name : default,
            Server = exchange.Server is { } server ? server.Name : default,
            Retries = exchange.Tries.Repeats,
            Status = status,
            Reason = exchange.Reason,
            Rule = exchange.Rule,
            RequestBodyBytes = exchange.BodyBytesIn,
            ResponseBodyBytes = exchange.BodyBytesOut,
            DurationUs = Microseconds(exchange.StartedAt, now),
            UpstreamUs = Microseconds(exchange.SentAt, exchange.AnsweredAt),
            OverheadUs = Overhead(exchange),
        };
        log.Write(record);
    }

    /// <summary>From the request's head complete to that head with the upstream's socket, less the waits in between,
    /// and from the answer's head complete to that head with the client's socket.</summary>
    private static long Overhead(Exchange exchange)
    {
        long answering = Microseconds(exchange.AnsweredAt, exchange.AnswerSentAt);
        return exchange.HeadSentAt == 0
            ? answering
            : answering + Math.Max(0, Microseconds(exchange.HeadReadAt + exchange.WaitTicks, exchange.HeadSentAt));
    }

    private static long Microseconds(long from, long to) => from == 0 || to <= from ? 0 : (to - from) / 1000;
}
