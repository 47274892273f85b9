using System.Net;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Config;

/// <summary>What can only be seen with every file read: references, and addresses that get in each other's way.
/// </summary>
internal static class CrossChecks
{
    public static void Run(Draft draft)
    {
        draft.UpstreamNames.CheckReferences(draft);
        draft.ListenerNames.CheckReferences(draft);
        CheckBinds(draft);
        CheckServers(draft);
    }

    private static void CheckBinds(Draft draft)
    {
        for (var i = 0; i < draft.Listeners.Count; i++)
        {
            var (listener, origin) = draft.Listeners[i];
            for (var j = 0; j < i; j++)
            {
                var other = draft.Listeners[j].Options;
                if (!listener.Bind.Overlaps(other.Bind))
                    continue;
                draft.Problems.Error(origin, $"listener '{listener.Name}' binds what listener '{other.Name}' binds",
                    "an address has one listener");
                break;
            }
            if (!listener.Bind.Overlaps(draft.Admin.Listen))
                continue;
            if (draft.AdminListenOrigin.IsKnown)
                draft.Problems.Error(draft.AdminListenOrigin,
                    $"the admin address is where listener '{listener.Name}' binds", "give it a port of its own");
            else
                draft.Problems.Error(origin, $"listener '{listener.Name}' binds the admin address",
                    "take another port, or write listen = \"127.0.0.1:9902\" in [admin]");
        }
    }

    private static void CheckServers(Draft draft)
    {
        foreach (var (upstream, origins) in draft.Upstreams)
        {
            for (var i = 0; i < upstream.Servers.Count; i++)
            {
                var address = upstream.Servers[i].Address;
                if (PointsAt(address, draft.Admin.Listen, draft.Surroundings))
                {
                    draft.Problems.Error(origins[i], $"upstream '{upstream.Name}' points at the admin address",
                        "clients would reach what only operators may");
                }
                foreach (var (listener, _) in draft.Listeners)
                {
                    if (PointsAt(address, listener.Bind, draft.Surroundings))
                    {
                        draft.Problems.Warning(origins[i],
                            $"upstream '{upstream.Name}' points at listener '{listener.Name}'",
                            "a request may go round in circles");
                    }
                }
            }
        }
    }

    /// <summary>As far as it can be told without asking a resolver: another name may mean this machine too. What is
    /// bound to every address is reached by every address and name of this machine.</summary>
    public static bool PointsAt(ServerAddress server, BindAddress bind, Surroundings surroundings)
    {
        if (bind.Kind == BindKind.Unix)
            return server.Path == bind.Path;
        if (server.Port != bind.Port || bind.Port == 0)
            return false;
        var bound = bind.Address!;
        var isWildcard = bound.Equals(IPAddress.Any) || bound.Equals(IPAddress.IPv6Any);
        if (server.Kind == ServerAddressKind.Name)
        {
            return (IsLocalhost(server.Host!) && (isWildcard || IPAddress.IsLoopback(bound)))
                || (isWildcard && IsHostName(server.Host!, surroundings));
        }
        if (server.Address is not { } ip)
            return false;
        if (ip.IsIPv4MappedToIPv6)
            ip = ip.MapToIPv4();
        // Connecting to the wildcard reaches this machine.
        var isHere = IPAddress.IsLoopback(ip) || ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any);
        var reachesLoopback = isWildcard || (IPAddress.IsLoopback(bound) && !IPAddress.IsLoopback(ip));
        return ip.Equals(bound) || (isHere && reachesLoopback)
            || (isWildcard && surroundings.OwnAddresses().Any(own => IsSame(own, ip)));
    }

    /// <summary>All names below localhost mean loopback too (RFC 6761 section 6.3).</summary>
    private static bool IsLocalhost(string host)
    {
        var name = host.TrimEnd('.');
        return name is "localhost" or "ip6-localhost" or "ip6-loopback" or "localhost.localdomain"
            || name.EndsWith(".localhost", StringComparison.Ordinal);
    }

    /// <summary>With or without its domain.</summary>
    private static bool IsHostName(string host, Surroundings surroundings)
    {
        var own = surroundings.HostName.TrimEnd('.');
        var name = host.TrimEnd('.');
        return own.Length > 0 && (name.Equals(own, StringComparison.OrdinalIgnoreCase)
            || name.Equals(own.Split('.')[0], StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>An interface's link-local address has a scope, the configuration's need not.</summary>
    private static bool IsSame(IPAddress own, IPAddress ip) =>
        own.AddressFamily == ip.AddressFamily && own.GetAddressBytes().AsSpan().SequenceEqual(ip.GetAddressBytes());
}
