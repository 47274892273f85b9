using System.Net;
using System.Net.Sockets;
using FastGate.Gateway;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Upstreams;

namespace FastGate.Cli;

/// <summary>The admin address of a running process, as this machine reaches it.</summary>
/// <param name="Address">What to connect to.</param>
/// <param name="Host">What the Host field says.</param>
/// <param name="Shown">As messages show it.</param>
/// <param name="Token">Goes along where there is one.</param>
internal sealed record AdminTarget(EndPoint Address, string Host, string Shown, SourceText? Token)
{
    private const string Http = "http://";

    /// <summary>The address of `--admin`: "127.0.0.1:9901", "gate.example.com:9901", "unix:/path"; a URL of any page is
    /// what people have at hand.</summary>
    public static bool TryParse(string text, SourceText? token, out AdminTarget? target, out string error)
    {
        target = null;
        var address = text;
        if (text.StartsWith(Http, StringComparison.OrdinalIgnoreCase))
        {
            address = text[Http.Length..];
            var path = address.IndexOf('/', StringComparison.Ordinal);
            address = path < 0 ? address : address[..path];
        }
        if (!ServerAddress.TryParse(address, out var server, out error, out var hint))
        {
            error = hint is null ? error : $"{error}; {hint}";
            return false;
        }
        target = server!.Kind switch
        {
            ServerAddressKind.Ip =>
                new AdminTarget(new IPEndPoint(server.Address!, server.Port), server.Text, server.Text, token),
            ServerAddressKind.Name =>
                new AdminTarget(new DnsEndPoint(server.Host!, server.Port), server.Text, server.Text, token),
            ServerAddressKind.Unix => OfPath(server.Path!, token),
            _ => null,
        };
        error = target is null ? $"'{text}' is no address" : "";
        return target is not null;
    }

    /// <summary>Where a process with this [admin] can be reached from here; null for port 0, which only the process
    /// knows.</summary>
    public static AdminTarget? Of(AdminOptions admin)
    {
        BindAddress listen = admin.Listen;
        if (listen.Kind == BindKind.Unix)
            return OfPath(listen.Path!, admin.Token);
        if (listen.Port == 0)
            return null;
        IPAddress ip = listen.Kind == BindKind.Any || listen.Address!.Equals(IPAddress.Any) ? IPAddress.Loopback
            : listen.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
            : listen.Address;
        var address = new IPEndPoint(ip, listen.Port);
        return new AdminTarget(address, address.ToString(), address.ToString(), admin.Token);
    }

    /// <summary>A socket of the right kind, not connected yet.</summary>
    public Socket CreateSocket() => Address switch
    {
        UnixDomainSocketEndPoint => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified),
        IPEndPoint ip => new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp),
        _ => new Socket(SocketType.Stream, ProtocolType.Tcp),
    };

    private static AdminTarget OfPath(string path, SourceText? token) =>
        new(new UnixDomainSocketEndPoint(path), "localhost", "unix:" + path, token);
}
