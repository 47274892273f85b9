using FastGate.Gateway.Routing;
using FastGate.Http;
using FastGate.Net;

namespace FastGate.Gateway.Proxy;

/// <summary>Writes the head of an upstream's answer for the client.</summary>
internal static class ClientHead
{
    private const ulong Own = 1UL << (int)HeaderId.XRequestId;
    private const int OwnLinesBytes = 256;

    public static void Write(Exchange exchange, ConnectionWriter output, GateLane lane)
    {
        ResponseHead response = exchange.Response;
        ReadOnlySpan<byte> head = exchange.ResponseBytes.Span;
        Route route = exchange.Route!;
        HeaderRules rules = route.ResponseHeaders;
        exchange.Status = response.Status;
        int bytesMax = response.Length + OwnLinesBytes + exchange.RequestId.Length
            + (rules.IsEmpty ? 0 : rules.BytesMax(exchange.TemplateValues()));
        var writer = new HeadWriter(output.GetSpan(bytesMax));
        writer.StatusLine(response.Status, response.Reason.Of(head));
        if (!rules.IsEmpty)
        {
            rules.Mark(response.Headers, head);
        }
        writer.CopyFields(head, response.Headers, Own);
        if (!response.Headers.Has(HeaderId.Date) && !rules.Replaces(HeaderId.Date))
        {
            // A recipient with a clock adds what the origin left out (RFC 9110 section 6.6.1).
            writer.Field("Date"u8, lane.Date.Now(lane.Lane.Now));
        }
        if (!rules.Replaces(HeaderId.XRequestId))
        {
            writer.Field("X-Request-Id"u8, exchange.RequestId);
        }
        WriteFraming(ref writer, exchange, response, head);
        if (!rules.IsEmpty)
        {
            rules.Write(ref writer, response.Headers, head, exchange.TemplateValues());
        }
        writer.Raw("\r\n"u8);
        output.Advance(writer.Length);
    }

    /// <summary>A 1xx answer other than 101, as it is.</summary>
    public static void WriteInterim(Exchange exchange, ConnectionWriter output)
    {
        ResponseHead response = exchange.Response;
        ReadOnlySpan<byte> head = exchange.ResponseBytes.Span;
        var writer = new HeadWriter(output.GetSpan(response.Length + OwnLinesBytes));
        writer.StatusLine(response.Status, response.Reason.Of(head));
        writer.CopyFields(head, response.Headers, 0);
        writer.Raw("\r\n"u8);
        output.Advance(writer.Length);
    }

    private static void WriteFraming(ref HeadWriter writer, Exchange exchange, ResponseHead response,
        ReadOnlySpan<byte> head)
    {
        if (response.Status == 101)
        {
            writer.Raw("Connection: upgrade\r\n"u8);
            WriteUpgrade(ref writer, response, head);
            return;
        }
        bool old = exchange.Request.MinorVersion == 0;
        if (response.Status == 205)
        {
            writer.Raw("Content-Length: 0\r\n"u8);
        }
        if (response.Framing is BodyFraming.Chunked or BodyFraming.UntilClose)
        {
            if (old)
            {
                // HTTP/1.0 knows no chunks: its body ends with the connection.
                exchange.KeepAlive = false;
            }
            else
            {
                writer.Raw("Transfer-Encoding: chunked\r\n"u8);
            }
        }
        if (!old && response.Status == 426 && response.Upgrade && Upgrades.MayBeDemanded(response.Headers, head))
        {
            // It is no answer without saying to what (RFC 9110 section 15.5.22).
            writer.Raw(exchange.KeepAlive ? "Connection: upgrade\r\n"u8 : "Connection: upgrade, close\r\n"u8);
            WriteUpgrade(ref writer, response, head);
        }
        else if (!exchange.KeepAlive)
        {
            writer.Raw("Connection: close\r\n"u8);
        }
        else if (old)
        {
            writer.Raw("Connection: keep-alive\r\n"u8);
        }
    }

    private static void WriteUpgrade(ref HeadWriter writer, ResponseHead response, ReadOnlySpan<byte> head)
    {
        foreach (ref readonly Header header in response.Headers.Items)
        {
            if (header.Id == HeaderId.Upgrade)
            {
                writer.Field("Upgrade"u8, header.Value.Of(head));
            }
        }
    }
}
