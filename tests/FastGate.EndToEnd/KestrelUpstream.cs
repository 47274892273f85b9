using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastGate.EndToEnd;

/// <summary>A server that others wrote: it speaks HTTP as our users' servers do.</summary>
internal sealed class KestrelUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, bool> _connections = new();

    private KestrelUpstream(WebApplication app) => _app = app;

    public string Address => new Uri(_app.Urls.First()).Authority;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Connections that carried a request.</summary>
    public int Connections => _connections.Count;

    public static async Task<KestrelUpstream> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        var upstream = new KestrelUpstream(builder.Build());
        upstream.Map();
        await upstream._app.StartAsync();
        return upstream;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private void Map()
    {
        _app.UseWebSockets();
        _app.Use((context, next) =>
        {
            _connections[context.Connection.Id] = true;
            return next(context);
        });
        _app.MapGet("/say/{word}", (string word) => word);
        _app.MapGet("/pieces/{count}", PiecesAsync);
        _app.MapGet("/ws", EchoSocketAsync);
        _app.MapGet("/ws/whole", context => EchoWholeAsync(context, new WebSocketAcceptContext()));
        _app.MapGet("/ws/deflate", context => EchoWholeAsync(context, new WebSocketAcceptContext
        {
            DangerousEnableCompression = true,
            SubProtocol = context.WebSockets.WebSocketRequestedProtocols.LastOrDefault(),
        }));
        _app.Map("/echo", EchoAsync);
        _app.Map("/status/{status}", (HttpContext context, int status) =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.ETag = "\"7\"";
        });
    }

    /// <summary>The body comes back, and what the server understood of the request.</summary>
    private static async Task EchoAsync(HttpContext context)
    {
        context.Response.Headers["X-Method"] = context.Request.Method;
        context.Response.Headers["X-Length"] = context.Request.ContentLength?.ToString(CultureInfo.InvariantCulture);
        context.Response.Headers["X-Coding"] = context.Request.Headers.TransferEncoding;
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        if (context.Features.Get<IHttpRequestTrailersFeature>() is { Available: true } trailers)
        {
            context.Response.Headers["X-Trailer"] = trailers.Trailers["X-Sum"];
        }
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.ContentLength = body.Length;
            body.Position = 0;
            await body.CopyToAsync(context.Response.Body, context.RequestAborted);
        }
        else
        {
            context.Response.ContentLength = 12345;
        }
    }

    private static async Task PiecesAsync(HttpContext context, int count)
    {
        byte[] piece = new byte[1000];
        for (int i = 0; i < count; i++)
        {
            Array.Fill(piece, (byte)('a' + (i % 26)));
            await context.Response.Body.WriteAsync(piece, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    /// <summary>Each message comes back in one frame, however it came, and a close with its own code and reason: what
    /// is sent depends on nothing but on what was received.</summary>
    private static async Task EchoWholeAsync(HttpContext context, WebSocketAcceptContext accept)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(accept);
        try
        {
            await EchoWholeAsync(socket, context.RequestAborted);
        }
        catch (WebSocketException)
        {
            // A rule was broken, and the close frame says which: an exception that left the handler would cost it.
        }
    }

    /// <summary>Echoes whole messages until the client closes.</summary>
    internal static async Task EchoWholeAsync(WebSocket socket, CancellationToken aborted)
    {
        using var message = new MemoryStream();
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(buffer.AsMemory(), aborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, aborted);
                return;
            }
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                await socket.SendAsync(message.GetBuffer().AsMemory(0, (int)message.Length), received.MessageType,
                    endOfMessage: true, aborted);
                message.SetLength(0);
            }
        }
    }

    private static async Task EchoSocketAsync(HttpContext context)
    {
        using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            ValueWebSocketReceiveResult received = await socket.ReceiveAsync(
                buffer.AsMemory(), context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", context.RequestAborted);
                return;
            }
            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage,
                context.RequestAborted);
        }
    }
}
