using System.Text;
using FastGate.Gateway.Stats;
using FastGate.Http;
using FastGate.Net;

namespace FastGate.Gateway.Admin;

/// <summary>Writes the answers of the admin address: a word for probes, the head of a page, a problem document (RFC
/// 9457) for the rest.</summary>
internal static class AdminAnswer
{
    private const int HeadBytesMax = 512;
    private const int ProblemBytesMax = 4096;

    /// <summary>For a connection over the limit, of whose request nothing is known.</summary>
    public static ReadOnlySpan<byte> Overloaded =>
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8;

    public static void Probe(ConnectionWriter output, RequestHead request, bool keepAlive, int status, string word) =>
        Write(output, request, keepAlive, status, "text/plain"u8, default, Encoding.ASCII.GetBytes(word + "\n"));

    /// <param name="output">Where it goes.</param>
    /// <param name="request">Null for one that could not be read.</param>
    /// <param name="keepAlive">Another request may follow.</param>
    /// <param name="reason">What is wrong.</param>
    /// <param name="detail">What to do about it, for whoever runs the gate; needs no escaping in JSON.</param>
    /// <param name="allow">The methods that are known, for 405.</param>
    public static void Problem(ConnectionWriter output, RequestHead? request, bool keepAlive, Reason reason,
        ReadOnlySpan<byte> detail = default, Method allow = Method.Get)
    {
        Span<byte> body = stackalloc byte[ProblemBytesMax];
        var document = new HeadWriter(body);
        document.Raw("{\"type\":\"about:blank\",\"title\":\""u8);
        document.Raw(reason == Reason.NoRoute ? "There is nothing here"u8 : reason.Title);
        document.Raw("\",\"status\":"u8);
        document.Number(reason.Status);
        document.Raw(",\"reason\":\""u8);
        document.Raw(reason.Word);
        if (!detail.IsEmpty)
        {
            document.Raw("\",\"detail\":\""u8);
            document.Raw(detail);
        }
        document.Raw("\"}\n"u8);
        ReadOnlySpan<byte> more = reason switch
        {
            Reason.MethodNotAllowed when allow == Method.Post => "Allow: POST\r\n"u8,
            Reason.MethodNotAllowed => "Allow: GET, HEAD\r\n"u8,
            Reason.Overloaded => "Retry-After: 1\r\n"u8,
            Reason.Unauthenticated => "WWW-Authenticate: Bearer realm=\"fastgate admin\"\r\n"u8,
            _ => default,
        };
        Write(output, request, keepAlive, reason.Status, "application/problem+json"u8, more, body[..document.Length]);
    }

    /// <summary>A whole document.</summary>
    public static void Document(ConnectionWriter output, RequestHead request, bool keepAlive,
        ReadOnlySpan<byte> json) =>
        Write(output, request, keepAlive, 200, "application/json"u8, default, json);

    /// <summary>The head of a page whose length is not known yet: it comes in chunks, or up to the end of the
    /// connection for HTTP/1.0.</summary>
    public static void Page(ConnectionWriter output, RequestHead request, bool keepAlive)
    {
        var writer = new HeadWriter(output.GetSpan(HeadBytesMax));
        Begin(ref writer, 200, "application/json"u8);
        if (request.MinorVersion > 0)
        {
            writer.Raw("Transfer-Encoding: chunked\r\n"u8);
        }
        End(ref writer, request, keepAlive);
        output.Advance(writer.Length);
    }

    private static void Write(ConnectionWriter output, RequestHead? request, bool keepAlive, int status,
        ReadOnlySpan<byte> contentType, ReadOnlySpan<byte> more, ReadOnlySpan<byte> body)
    {
        var writer = new HeadWriter(output.GetSpan(HeadBytesMax + body.Length));
        Begin(ref writer, status, contentType);
        writer.Raw("Content-Length: "u8);
        writer.Number(body.Length);
        writer.Raw("\r\n"u8);
        writer.Raw(more);
        End(ref writer, request, keepAlive);
        if (request?.Method != Method.Head)
        {
            writer.Raw(body);
        }
        output.Advance(writer.Length);
    }

    private static void Begin(ref HeadWriter writer, int status, ReadOnlySpan<byte> contentType)
    {
        writer.StatusLine(status, default);
        writer.Field("Content-Type"u8, contentType);
        // What was true a moment ago is of no use to anyone.
        writer.Raw("Cache-Control: no-store\r\nDate: "u8);
        HttpDate.Write(DateTime.UtcNow, writer.Free);
        writer.Advance(HttpDate.Bytes);
        writer.Raw("\r\n"u8);
    }

    private static void End(ref HeadWriter writer, RequestHead? request, bool keepAlive)
    {
        if (!keepAlive)
        {
            writer.Raw("Connection: close\r\n"u8);
        }
        else if (request?.MinorVersion == 0)
        {
            writer.Raw("Connection: keep-alive\r\n"u8);
        }
        writer.Raw("\r\n"u8);
    }
}
