using System.Net;
using System.Net.Sockets;
using System.Text;
using FastGate.Net;

namespace FastGate.Gateway.Admin;

/// <summary>Who may be meant by a request to the admin address. A page in an operator's browser can send requests to
/// loopback by a name of its own that it lets point there (DNS rebinding); then the browser sends that name as Host.
/// And it can send them across origins; then the browser sends its own as Origin. Neither is accepted.</summary>
internal sealed class AdminHosts
{
    private readonly string[] _accepted;
    private readonly bool _anyIp;

    /// <param name="bound">The address as bound, with its port.</param>
    /// <param name="hosts">Further ones: lower case, with or without a port.</param>
    public AdminHosts(NetAddress bound, IReadOnlyList<string> hosts)
    {
        _accepted = ["localhost", .. hosts];
        if (bound.Ip is not { } ip)
            return;
        // Bound to every address there is none to compare with. An address in digits is enough: it was not looked up,
        // so nobody can have let it point here.
        _anyIp = ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any);
        _accepted = [.. _accepted, ip.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{ip}]" : ip.ToString()];
    }

    /// <summary>The port does not count unless <c>hosts</c> has one: through a forwarded port it is another.</summary>
    public bool Accepts(ReadOnlySpan<byte> authority)
    {
        ReadOnlySpan<byte> host = WithoutPort(authority);
        foreach (string accepted in _accepted)
        {
            if (Ascii.EqualsIgnoreCase(host, accepted) || Ascii.EqualsIgnoreCase(authority, accepted))
                return true;
        }
        return _anyIp && IsIp(host);
    }

    /// <summary>An Origin is our own when it is the authority that the request is for.</summary>
    public static bool IsOwn(ReadOnlySpan<byte> origin, ReadOnlySpan<byte> authority)
    {
        ReadOnlySpan<byte> rest = origin.StartsWith("http://"u8) ? origin[7..]
            : origin.StartsWith("https://"u8) ? origin[8..]
            : default;
        return !rest.IsEmpty && Ascii.EqualsIgnoreCase(rest, authority);
    }

    /// <summary>The field by which a browser says, where it sends no Origin, whose page it was that asked.</summary>
    public static bool IsFetchSite(ReadOnlySpan<byte> name) => Ascii.EqualsIgnoreCase(name, "sec-fetch-site"u8);

    public static bool IsOwnSite(ReadOnlySpan<byte> value) =>
        value.SequenceEqual("same-origin"u8) || value.SequenceEqual("none"u8);

    private static ReadOnlySpan<byte> WithoutPort(ReadOnlySpan<byte> authority)
    {
        int colon = authority.LastIndexOf((byte)':');
        return colon > authority.LastIndexOf((byte)']') ? authority[..colon] : authority;
    }

    private static bool IsIp(ReadOnlySpan<byte> host)
    {
        bool bracketed = host.Length > 2 && host[0] == (byte)'[';
        string text = Encoding.ASCII.GetString(bracketed ? host[1..^1] : host);
        return AddressText.TryIp(text, out IPAddress ip)
            && bracketed == (ip.AddressFamily == AddressFamily.InterNetworkV6);
    }
}
