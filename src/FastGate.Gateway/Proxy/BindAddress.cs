using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FastGate.Net;

namespace FastGate.Gateway.Proxy;

public enum BindKind
{
    /// <summary>":8080": every address of this machine, IPv4 and IPv6, in one socket.</summary>
    Any,
    Ip,
    Unix,
}

/// <summary>Where a listener takes connections: "127.0.0.1:8080", ":8080", "[::1]:8080" or "unix:/path".</summary>
public sealed record BindAddress
{
    private BindAddress(BindKind kind, string text)
    {
        Kind = kind;
        Text = text;
    }

    public BindKind Kind { get; }

    /// <summary>The one spelling of this address, as statistics and messages show it.</summary>
    public string Text { get; }

    /// <summary>For <see cref="BindKind.Any"/> the IPv6 wildcard; null for a unix socket.</summary>
    public IPAddress? Address { get; private init; }

    /// <summary>0 lets the system choose.</summary>
    public int Port { get; private init; }

    /// <summary>Absolute; only for <see cref="BindKind.Unix"/>.</summary>
    public string? Path { get; private init; }

    /// <summary>Whether the socket takes IPv4 as well (IPV6_V6ONLY off).</summary>
    public bool IsDualStack => Kind == BindKind.Any;

    public bool IsLoopback => Kind == BindKind.Unix || (Kind == BindKind.Ip && IPAddress.IsLoopback(Address!));

    public static BindAddress OfIp(IPAddress address, int port) =>
        new(BindKind.Ip, new IPEndPoint(address, port).ToString()) { Address = address, Port = port };

    public NetAddress ToNetAddress() => Kind switch
    {
        BindKind.Any => NetAddress.Any(Port),
        BindKind.Ip => NetAddress.Tcp(Address!, Port),
        _ => NetAddress.Unix(Path!),
    };

    public override string ToString() => Text;

    /// <summary>Whether both cannot be bound at once, a wildcard covering every address of its family.</summary>
    public bool Overlaps(BindAddress other)
    {
        if (Kind == BindKind.Unix || other.Kind == BindKind.Unix)
            return Kind == other.Kind && Path == other.Path;
        if (Port != other.Port || Port == 0)
            return false;
        return Covers(other) || other.Covers(this);
    }

    private bool Covers(BindAddress other) =>
        Kind == BindKind.Any
        || Address!.Equals(other.Address)
        || (Address.Equals(IPAddress.Any) && other.Address!.AddressFamily == AddressFamily.InterNetwork)
        || (Address.Equals(IPAddress.IPv6Any) && other.Address!.AddressFamily == AddressFamily.InterNetworkV6);

    /// <summary>On failure <paramref name="error"/> says what is wrong and <paramref name="hint"/> what to
    /// write.</summary>
    public static bool TryParse(string text, out BindAddress? address, out string error, out string? hint)
    {
        address = null;
        (error, hint) = ("", null);
        if (text.StartsWith("unix:", StringComparison.Ordinal))
        {
            if (!AddressText.TryUnixPath(text, out var path, out error, out hint))
                return false;
            address = new BindAddress(BindKind.Unix, "unix:" + path) { Path = path };
            return true;
        }
        if (!AddressText.TrySplit(text, out var host, out var port, out error, out hint))
            return false;
        if (host.Length == 0)
        {
            address = new BindAddress(BindKind.Any, string.Create(CultureInfo.InvariantCulture, $":{port}"))
            {
                Address = IPAddress.IPv6Any,
                Port = port,
            };
            return true;
        }
        // A name could mean several addresses, and another one tomorrow; only this one means the same everywhere.
        var ip = IPAddress.Loopback;
        if (host != "localhost" && !AddressText.TryIp(host, out ip))
        {
            (error, hint) = ("'" + host + "' is no IP address of this machine",
                string.Create(CultureInfo.InvariantCulture, $"write \"127.0.0.1:{port}\", or \":{port}\" for all"));
            return false;
        }
        address = OfIp(ip, port);
        return true;
    }
}
