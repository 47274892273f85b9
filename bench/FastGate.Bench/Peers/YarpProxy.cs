using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Configuration;

namespace FastGate.Bench.Peers;

/// <summary>YARP as its users run it at its fastest: one cluster, no logging.</summary>
internal static class YarpProxy
{
    public static void Serve(int port, int upstreamPort)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port));
        builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = "u", Match = new RouteMatch { Path = "/{**rest}" } }],
            [new ClusterConfig
            {
                ClusterId = "u",
                Destinations = new Dictionary<string, DestinationConfig>
                {
                    ["s"] = new() { Address = $"http://127.0.0.1:{upstreamPort}/" },
                },
            }]);
        WebApplication app = builder.Build();
        app.MapReverseProxy();
        app.Run();
    }
}
