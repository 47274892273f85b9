using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FastGate.Profile;

/// <summary>The server behind the gate: answers with a length and in chunks, small and large, and an echo.</summary>
internal sealed class Origin : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Origin(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    public static async Task<Origin> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Any, 0));
        WebApplication app = builder.Build();
        app.UseWebSockets();
        byte[] small = new byte[128];
        byte[] large = new byte[64 * 1024];
        app.Map("/large", (HttpContext exchange) => AnswerAsync(exchange, large));
        app.Map("/chunked", static async (HttpContext exchange) =>
        {
            byte[] piece = new byte[700];
            for (int i = 0; i < 3; i++)
            {
                await exchange.Response.Body.WriteAsync(piece);
                await exchange.Response.Body.FlushAsync();
            }
        });
        app.Map("/upload", static async (HttpContext exchange) =>
        {
            await exchange.Request.Body.CopyToAsync(Stream.Null);
            exchange.Response.StatusCode = 204;
        });
        app.Map("/socket", static async (HttpContext exchange) => await EchoAsync(
            await exchange.WebSockets.AcceptWebSocketAsync()));
        app.MapFallback((HttpContext exchange) => AnswerAsync(exchange, small));
        await app.StartAsync();
        return new Origin(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task AnswerAsync(HttpContext exchange, byte[] body)
    {
        exchange.Response.ContentType = "application/octet-stream";
        exchange.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(exchange.Request.Method))
        {
            await exchange.Response.Body.WriteAsync(body);
        }
    }

    private static async Task EchoAsync(WebSocket socket)
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            ValueWebSocketReceiveResult got = await socket.ReceiveAsync(buffer.AsMemory(), default);
            if (got.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default);
                return;
            }
            await socket.SendAsync(buffer.AsMemory(0, got.Count), got.MessageType, got.EndOfMessage, default);
        }
    }
}
