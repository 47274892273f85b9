using FastGate.Gateway.Routing;
using FastGate.Gateway.Stats;
using FastGate.Http;
using FastGate.Net;

namespace FastGate.Gateway.Proxy;

/// <summary>Writes the answers that the gate gives itself: a route's fixed answer, a redirect, or the problem that
/// ended the exchange (RFC 9457) with its <c>Proxy-Status</c> (RFC 9209). Nothing internal is in them.</summary>
internal static class OwnAnswer
{
    private const int FixedBytes = 640;

    /// <summary>For a connection over <c>connections_max</c>, of whose request nothing is known.</summary>
    public static ReadOnlySpan<byte> Overloaded =>
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"u8
        + "Proxy-Status: fastgate; error=overloaded\r\nRetry-After: 1\r\n"u8
        + "Content-Length: 88\r\nConnection: close\r\n\r\n"u8
        + "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,\"reason\":\"overloaded\"}\n"u8;

    public static void Write(Exchange exchange, ConnectionWriter output, GateLane lane)
    {
        if (exchange.Reason != Reason.None)
        {
            WriteProblem(exchange, output, lane);
        }
        else if (exchange.EndsHere)
        {
            WriteLastHop(exchange, output, lane);
        }
        else if (exchange.Route!.Redirect is { } redirect)
        {
            WriteRedirect(exchange, redirect, output, lane);
        }
        else
        {
            WriteFixed(exchange, exchange.Route.Respond!, output, lane);
        }
    }

    private static void WriteProblem(Exchange exchange, ConnectionWriter output, GateLane lane)
    {
        Reason reason = exchange.Reason;
        int status = reason.Status;
        exchange.Status = status;
        Span<byte> body = stackalloc byte[512];
        var document = new HeadWriter(body);
        document.Raw("{\"type\":\"about:blank\",\"title\":\""u8);
        document.Raw(reason.Title);
        document.Raw("\",\"status\":"u8);
        document.Number(status);
        document.Raw(",\"reason\":\""u8);
        document.Raw(reason.Word);
        document.Raw("\",\"request_id\":\""u8);
        document.Raw(exchange.RequestId);
        document.Raw("\"}\n"u8);
        body = body[..document.Length];

        var writer = new HeadWriter(output.GetSpan(
            FixedBytes + exchange.RequestId.Length + body.Length + exchange.Match.Allow.Length));
        writer.StatusLine(status, default);
        writer.Raw("Content-Type: application/problem+json\r\nProxy-Status: fastgate; error="u8);
        writer.Raw(reason.Word);
        writer.Raw("\r\n"u8);
        if (reason == Reason.MethodNotAllowed)
        {
            writer.Raw("Allow: "u8);
            exchange.Match.Allow.TryWrite(writer.Free, out int allowed);
            writer.Advance(allowed);
            writer.Raw("\r\n"u8);
        }
        if (status == 503)
        {
            writer.Raw("Retry-After: 1\r\n"u8);
        }
        End(ref writer, exchange, lane, body);
        output.Advance(writer.Length);
    }

    /// <summary>To OPTIONS with Max-Forwards: 0. No <c>Allow</c>: what the server behind allows is its own to
    /// say.</summary>
    private static void WriteLastHop(Exchange exchange, ConnectionWriter output, GateLane lane)
    {
        exchange.Status = 200;
        var writer = new HeadWriter(output.GetSpan(FixedBytes + exchange.RequestId.Length));
        writer.StatusLine(200, default);
        End(ref writer, exchange, lane, []);
        output.Advance(writer.Length);
    }

    private static void WriteFixed(Exchange exchange, FixedAnswer answer, ConnectionWriter output, GateLane lane)
    {
        exchange.Status = answer.Status;
        var writer = new HeadWriter(output.GetSpan(FixedBytes + exchange.RequestId.Length + answer.Fields.Length));
        writer.StatusLine(answer.Status, default);
        writer.Raw(answer.Fields);
        End(ref writer, exchange, lane, [], answer.Body.Length);
        output.Advance(writer.Length);
        if (HasBody(exchange))
        {
            exchange.BodyBytesOut = answer.Body.Length;
            output.Append(answer.Body);
        }
    }

    private static void WriteRedirect(Exchange exchange, Redirect redirect, ConnectionWriter output, GateLane lane)
    {
        exchange.Status = redirect.Status;
        TemplateValues values = exchange.TemplateValues();
        var writer = new HeadWriter(output.GetSpan(
            FixedBytes + exchange.RequestId.Length + redirect.To.LengthMax(values) + exchange.Query.Length));
        writer.StatusLine(redirect.Status, default);
        writer.Raw("Location: "u8);
        redirect.To.TryRender(values, writer.Free, out int written);
        writer.Advance(written);
        if (exchange.Request.HasQuery && redirect.CarriesQuery)
        {
            writer.Raw("?"u8);
            writer.Raw(exchange.Query);
        }
        writer.Raw("\r\n"u8);
        End(ref writer, exchange, lane, []);
        output.Advance(writer.Length);
    }

    /// <summary>The lines that every answer of ours has, and a small body.</summary>
    private static void End(ref HeadWriter writer, Exchange exchange, GateLane lane, scoped ReadOnlySpan<byte> body,
        int bodyLength = -1)
    {
        writer.Field("Date"u8, lane.Date.Now(lane.Lane.Now));
        writer.Field("X-Request-Id"u8, exchange.RequestId);
        if (exchange.Status is not 204 and not 304)
        {
            writer.Raw("Content-Length: "u8);
            writer.Number(bodyLength < 0 ? body.Length : bodyLength);
            writer.Raw("\r\n"u8);
        }
        if (!exchange.KeepAlive)
        {
            writer.Raw("Connection: close\r\n"u8);
        }
        else if (exchange.Request.MinorVersion == 0)
        {
            writer.Raw("Connection: keep-alive\r\n"u8);
        }
        writer.Raw("\r\n"u8);
        if (HasBody(exchange) && !body.IsEmpty)
        {
            exchange.BodyBytesOut = body.Length;
            writer.Raw(body);
        }
    }

    private static bool HasBody(Exchange exchange) =>
        exchange.Request.Method != Method.Head && exchange.Status is not 204 and not 304;
}
