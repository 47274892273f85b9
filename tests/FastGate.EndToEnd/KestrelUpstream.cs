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
