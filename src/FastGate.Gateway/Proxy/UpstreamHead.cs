using FastGate.Gateway.Routing;
using FastGate.Http;
using FastGate.Net;

namespace FastGate.Gateway.Proxy;

/// <summary>Writes the head of a request for the upstream, in one pass over the client's: what stops here is left out,
/// what the gate says of the client is put in (INTERFACE: what FastGate adds to messages).</summary>
internal static class UpstreamHead
{
    /// <summary>Fields that are the gate's to write, whoever sent them.</summary>
    private static readonly ulong s_own = HeaderTable.Ids(HeaderId.Host, HeaderId.XForwardedFor,
        HeaderId.XForwardedProto, HeaderId.XForwardedHost, HeaderId.XRequestId);

    /// <summary>Room for the lines the gate adds, their values not counted.</summary>
    private const int OwnLinesBytes = 320;

    public static void Write(Exchange exchange, ConnectionWriter output)
    {
        RequestHead request = exchange.Request;
        ReadOnlySpan<byte> head = exchange.HeadBytes;
        Route route = exchange.Route!;
        ReadOnlySpan<byte> peer = exchange.Loop.PeerAddress;
        bool trusted = exchange.PeerIsTrusted;
        ReadOnlySpan<byte> host = HostFor(exchange, route);

        int bytesMax = head.Length + exchange.Path.Length + host.Length + peer.Length
            + (2 * exchange.Authority.Length) + OwnLinesBytes + exchange.RequestId.Length
            + (route.RequestHeaders.IsEmpty ? 0 : route.RequestHeaders.BytesMax(exchange.TemplateValues()));
        var writer = new HeadWriter(output.GetSpan(bytesMax));

        writer.Raw(request.MethodName.Of(head));
        writer.Raw(" "u8);
        WriteTarget(ref writer, exchange, route);
        writer.Raw(" HTTP/1.1\r\n"u8);
        writer.Field("Host"u8, host);
        if (!route.RequestHeaders.IsEmpty)
        {
            route.RequestHeaders.Mark(request.Headers, head);
        }
        ulong leftOut = s_own;
        if (request.MaxForwards > 0)
        {
            leftOut |= 1UL << (int)HeaderId.MaxForwards;
        }
        writer.CopyFields(head, request.Headers, leftOut);
        if (request.MaxForwards > 0)
        {
            writer.Raw("Max-Forwards: "u8);
            writer.Number(request.MaxForwards - 1);
            writer.Raw("\r\n"u8);
        }
        WriteForwarded(ref writer, exchange, trusted, route.RequestHeaders);
        if (!route.RequestHeaders.Replaces(HeaderId.XRequestId))
        {
            writer.Field("X-Request-Id"u8, exchange.RequestId);
        }
        if (!route.RequestHeaders.Replaces(HeaderId.Via))
        {
            // The version that was received (RFC 9110 section 7.6.3).
            writer.Raw(request.MinorVersion > 0 ? "Via: 1.1 fastgate\r\n"u8 : "Via: 1.0 fastgate\r\n"u8);
        }
        WriteFraming(ref writer, request, head);
        if (!route.RequestHeaders.IsEmpty)
        {
            route.RequestHeaders.Write(ref writer, request.Headers, head, exchange.TemplateValues());
        }
        writer.Raw("\r\n"u8);
        output.Advance(writer.Length);
    }

    private static ReadOnlySpan<byte> HostFor(Exchange exchange, Route route) => route.Host switch
    {
        HostHandling.Literal => route.HostLiteral,
        HostHandling.Upstream => exchange.Server!.HostName,
        // HTTP/1.0 may come without a Host; HTTP/1.1 may not go without one.
        _ => exchange.Authority.IsEmpty ? exchange.Server!.HostName : exchange.Authority,
    };

    private static void WriteTarget(ref HeadWriter writer, Exchange exchange, Route route)
    {
        RequestHead request = exchange.Request;
        if (request.Form == TargetForm.Asterisk
            || (request.Path.IsEmpty && !request.HasQuery && request.Method == Method.Options))
        {
            // An absolute target without a path means the server itself too (RFC 9112 section 3.2.4).
            writer.Raw("*"u8);
            return;
        }
        ReadOnlySpan<byte> path = exchange.Path;
        if (route.StripPrefix is { } prefix)
        {
            path = prefix.Of(path);
        }
        writer.Raw(path);
        if (request.HasQuery)
        {
            writer.Raw("?"u8);
            writer.Raw(exchange.Query);
        }
    }

    private static void WriteForwarded(ref HeadWriter writer, Exchange exchange, bool trusted, HeaderRules rules)
    {
        HeaderTable headers = exchange.Request.Headers;
        ReadOnlySpan<byte> head = exchange.HeadBytes;
        if (!rules.Replaces(HeaderId.XForwardedFor))
        {
            WriteForwardedFor(ref writer, exchange, trusted);
        }
        if (!rules.Replaces(HeaderId.XForwardedProto))
        {
            Forward(ref writer, headers, head, HeaderId.XForwardedProto, trusted, "X-Forwarded-Proto"u8, "http"u8);
        }
        if (!rules.Replaces(HeaderId.XForwardedHost))
        {
            Forward(ref writer, headers, head, HeaderId.XForwardedHost, trusted, "X-Forwarded-Host"u8,
                exchange.Authority);
        }
    }

    private static void WriteForwardedFor(ref HeadWriter writer, Exchange exchange, bool trusted)
    {
        ReadOnlySpan<byte> head = exchange.HeadBytes;
        writer.Raw("X-Forwarded-For: "u8);
        if (trusted)
        {
            foreach (ref readonly Header header in exchange.Request.Headers.Items)
            {
                if (header.Id == HeaderId.XForwardedFor && header.Value.Length > 0)
                {
                    writer.Raw(header.Value.Of(head));
                    writer.Raw(", "u8);
                }
            }
        }
        writer.Raw(exchange.Loop.PeerAddress);
        writer.Raw("\r\n"u8);
    }

    /// <summary>A trusted proxy's word stands; otherwise what we see ourselves.</summary>
    private static void Forward(ref HeadWriter writer, HeaderTable headers, ReadOnlySpan<byte> head, HeaderId id,
        bool trusted, ReadOnlySpan<byte> name, ReadOnlySpan<byte> seen)
    {
        int index = trusted ? headers.IndexOf(id) : -1;
        ReadOnlySpan<byte> value = index >= 0 ? headers[index].Value.Of(head) : seen;
        if (!value.IsEmpty)
        {
            writer.Field(name, value);
        }
    }

    private static void WriteFraming(ref HeadWriter writer, RequestHead request, ReadOnlySpan<byte> head)
    {
        if (request.Framing == BodyFraming.Chunked)
        {
            writer.Raw("Transfer-Encoding: chunked\r\n"u8);
        }
        if (request.Upgrade)
        {
            writer.Raw("Connection: upgrade\r\n"u8);
            foreach (ref readonly Header header in request.Headers.Items)
            {
                if (header.Id == HeaderId.Upgrade)
                {
                    writer.Field("Upgrade"u8, header.Value.Of(head));
                }
            }
        }
    }
}
