using System.Text;
using FastGate.Gateway.Stats;
using FastGate.Http;
using FastGate.Net;

namespace FastGate.Gateway.Admin;

/// <summary>Writes the answers of the admin address: a word for probes, a problem document (RFC 9457) for the
/// rest.</summary>
internal static class AdminAnswer
{
    private const int HeadBytesMax = 512;

    /// <summary>For a connection over the limit, of whose request nothing is known.</summary>
    public static ReadOnlySpan<byte> Overloaded =>
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8;

    public static void Probe(ConnectionWriter output, RequestHead request, bool keepAlive, int status, string word) =>
        Write(output, request, keepAlive, status, "text/plain"u8, default, Encoding.ASCII.GetBytes(word + "\n"));

    public static void Problem(ConnectionWriter output, RequestHead? request, bool keepAlive, Reason reason)
    {
        Span<byte> body = stackalloc byte[256];
        var document = new HeadWriter(body);
        document.Raw("{\"type\":\"about:blank\",\"title\":\""u8);
        document.Raw(reason == Reason.NoRoute ? "There is no such page"u8 : reason.Title);
        document.Raw("\",\"status\":"u8);
        document.Number(reason.Status);
        document.Raw(",\"reason\":\""u8);
        document.Raw(reason.Word);
        document.Raw("\"}\n"u8);
        ReadOnlySpan<byte> more = reason == Reason.MethodNotAllowed ? "Allow: GET, HEAD\r\n"u8 : default;
        Write(output, request, keepAlive, reason.Status, "application/problem+json"u8, more, body[..document.Length]);
    }

    private static void Write(ConnectionWriter output, RequestHead? request, bool keepAlive, int status,
        ReadOnlySpan<byte> contentType, ReadOnlySpan<byte> more, ReadOnlySpan<byte> body)
    {
        var writer = new HeadWriter(output.GetSpan(HeadBytesMax + body.Length));
        writer.StatusLine(status, default);
        writer.Field("Content-Type"u8, contentType);
        writer.Raw("Content-Length: "u8);
        writer.Number(body.Length);
        // What was true a moment ago is of no use to anyone.
        writer.Raw("\r\nCache-Control: no-store\r\nDate: "u8);
        HttpDate.Write(DateTime.UtcNow, writer.Free);
        writer.Advance(HttpDate.Bytes);
        writer.Raw("\r\n"u8);
        writer.Raw(more);
        if (!keepAlive)
            writer.Raw("Connection: close\r\n"u8);
        else if (request?.MinorVersion == 0)
            writer.Raw("Connection: keep-alive\r\n"u8);
        writer.Raw("\r\n"u8);
        if (request?.Method != Method.Head)
            writer.Raw(body);
        output.Advance(writer.Length);
    }
}
