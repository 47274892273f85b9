using System.Net.Sockets;
using FastGate.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Configuration;

namespace FastGate.Bench.Peers;

/// <summary>YARP as its users run it at its fastest: one cluster, no logging.</summary>
internal static class YarpProxy
{
    public static void Serve(int port, NetAddress upstream)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenLocalhost(port));
        bool isUnix = upstream.Kind == NetAddress.AddressKind.Unix;
        IReverseProxyBuilder proxy = builder.Services.AddReverseProxy().LoadFromMemory(
            [new RouteConfig { RouteId = "all", ClusterId = "u", Match = new RouteMatch { Path = "/{**rest}" } }],
            [new ClusterConfig
            {
                ClusterId = "u",
                Destinations = new Dictionary<string, DestinationConfig>
                {
                    ["s"] = new() { Address = isUnix ? "http://localhost/" : $"http://{upstream}/" },
                },
            }]);
        if (isUnix)
        {
            proxy.ConfigureHttpClient((_, handler) => handler.ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(upstream.Path!), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            });
        }
        WebApplication app = builder.Build();
        app.MapReverseProxy();
        app.Run();
    }
}
