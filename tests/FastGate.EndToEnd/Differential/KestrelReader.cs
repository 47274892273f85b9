using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FastGate.EndToEnd.Differential;

/// <summary>Kestrel, in this process.</summary>
internal sealed class KestrelReader : IndependentReader
{
    private readonly WebApplication _app;

    private KestrelReader(WebApplication app) => _app = app;

    public override EndPoint Address => IPEndPoint.Parse(new Uri(_app.Urls.First()).Authority);

    public static async Task<IndependentReader> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0);
            options.AddServerHeader = false;
            options.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
            options.Limits.MaxRequestHeadersTotalSize = 128 * 1024;
            options.Limits.MaxRequestLineSize = 64 * 1024;
            options.Limits.MaxRequestHeaderCount = 200;
            options.Limits.MinRequestBodyDataRate = null;
        });
        var reader = new KestrelReader(builder.Build());
        reader._app.Run(TellAsync);
        await reader._app.StartAsync();
        return reader;
    }

    /// <summary>A Host with a colon and no port, or with characters that http.sys does not know, all of which RFC 3986
    /// allows; an upgrade with a body.</summary>
    public override bool MayRefuse(Reading message) => message.Values("Host")[0].EndsWith(':')
        || message.Values("Host")[0].Any("*+,;=%".Contains)
        || (message.Has("Upgrade") && (message.Body.Length > 0 || message.Has("Transfer-Encoding")));

    public override string Expected(Captured request) => Told(request.Reading);

    /// <summary>Its trailers without a value are as none.</summary>
    public override string Told(Reading reading) => (reading with
    {
        Trailers = [.. reading.Trailers.Where(trailer => trailer[1].Length > 0)],
    }).ByName();

    public override ValueTask DisposeAsync() => _app.DisposeAsync();

    private static async Task TellAsync(HttpContext context)
    {
        IHttpRequestFeature request = context.Features.Get<IHttpRequestFeature>()!;
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        IHttpRequestTrailersFeature trailers = context.Features.Get<IHttpRequestTrailersFeature>()!;
        var reading = new Reading($"{request.Method} {request.RawTarget}", Pairs(request.Headers),
            Encoding.Latin1.GetString(body.ToArray()), trailers.Available ? Pairs(trailers.Trailers) : []);
        string[] telling = reading.Telling().Split(": ");
        context.Response.Headers[telling[0]] = telling[1];
        context.Response.ContentLength = 0;
    }

    private static string[][] Pairs(IHeaderDictionary headers) =>
        [.. headers.SelectMany(field => field.Value.Select(value => (string[])[field.Key, value ?? ""]))];
}
