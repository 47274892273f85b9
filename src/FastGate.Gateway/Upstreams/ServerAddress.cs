using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace FastGate.Gateway.Upstreams;

public enum ServerAddressKind
{
    /// <summary>A name and a port: all addresses of the name, resolved again by TTL.</summary>
    Name,
    Ip,
    Unix,

    /// <summary>The small upstream inside the process.</summary>
    Demo,
}

/// <summary>Where a server of an upstream is: "host:port", "10.0.0.1:80", "[::1]:80", "unix:/path" or
/// "demo:".</summary>
public sealed record ServerAddress
{
    private ServerAddress(ServerAddressKind kind, string text)
    {
        Kind = kind;
        Text = text;
    }

    public ServerAddressKind Kind { get; }

    /// <summary>The one spelling of this address, as statistics and logs show it.</summary>
    public string Text { get; }

    /// <summary>Lower case; only for <see cref="ServerAddressKind.Name"/>.</summary>
    public string? Host { get; private init; }

    public int Port { get; private init; }

    /// <summary>Only for <see cref="ServerAddressKind.Ip"/>.</summary>
    public IPAddress? Address { get; private init; }

    /// <summary>Absolute; only for <see cref="ServerAddressKind.Unix"/>.</summary>
    public string? Path { get; private init; }

    public static ServerAddress Demo { get; } = new(ServerAddressKind.Demo, "demo:");

    public override string ToString() => Text;

    /// <summary>On failure <paramref name="error"/> says what is wrong and <paramref name="hint"/> what to
    /// write.</summary>
    public static bool TryParse(string text, out ServerAddress? address, out string error, out string? hint)
    {
        address = null;
        (error, hint) = ("", null);
        if (text == "demo:")
        {
            address = Demo;
            return true;
        }
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            if (!AddressText.TryUnixPath(text, out var path, out error, out hint))
                return false;
            address = new ServerAddress(ServerAddressKind.Unix, "unix:" + path) { Path = path };
            return true;
        }
        if (!AddressText.TrySplit(text, out var host, out var port, out error, out hint))
            return false;
        if (host.Length == 0)
        {
            (error, hint) = ("the address has no host",
                string.Create(CultureInfo.InvariantCulture, $"write \"127.0.0.1:{port}\""));
            return false;
        }
        if (port == 0)
        {
            (error, hint) = ("port 0 is no port to connect to", "ports are 1 to 65535");
            return false;
        }
        if (AddressText.TryIp(host, out var ip))
        {
            address = new ServerAddress(ServerAddressKind.Ip, new IPEndPoint(ip, port).ToString())
            {
                Address = ip,
                Port = port,
            };
            return true;
        }
        if (!AddressText.IsHostName(host))
        {
            (error, hint) = ($"'{host}' is neither an IP address nor a host name", "letters, digits, '-', '_' and '.'");
            return false;
        }
        host = host.ToLowerInvariant();
        var name = string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");
        address = new ServerAddress(ServerAddressKind.Name, name)
        {
            Host = host,
            Port = port,
        };
        return true;
    }
}
