using System.Net;

namespace FastGate.Gateway.Proxy;

/// <summary>Whose forwarding headers are believed.</summary>
public sealed class TrustedProxies(IReadOnlyList<IPNetwork> networks)
{
    private readonly Network[] _networks =
    [
        .. networks.Select(static network => new Network(IpNumber.Of(network.BaseAddress), network.PrefixLength))
    ];

    public bool IsEmpty => _networks.Length == 0;

    internal bool Contains(IpNumber address)
    {
        foreach (Network network in _networks)
        {
            if (network.First.IsV4 == address.IsV4 && address.Network(network.Bits, network.Bits) == network.First)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The client's address: the rightmost of the forwarded ones that is not a trusted proxy's own; without
    /// one the leftmost that is an address at all.</summary>
    /// <param name="forwardedFor">The value of one X-Forwarded-For field.</param>
    /// <param name="found">The part of the value that is the client's address; empty for none.</param>
    /// <param name="client">That address.</param>
    /// <returns>Whether the answer may stand in the field before this one: all of these are trusted.</returns>
    internal bool FindClient(ReadOnlySpan<byte> forwardedFor, out Range found, out IpNumber client)
    {
        found = default;
        client = default;
        int end = forwardedFor.Length;
        while (end >= 0)
        {
            int comma = forwardedFor[..end].LastIndexOf((byte)',');
            Range part = Trim(forwardedFor, comma + 1, end);
            if (!IpNumber.TryParse(forwardedFor[part], out IpNumber address, out int length))
            {
                return false;
            }
            found = part.Start..(part.Start.Value + length);
            client = address;
            if (!Contains(address))
            {
                return false;
            }
            end = comma;
        }
        return true;
    }

    private static Range Trim(ReadOnlySpan<byte> text, int start, int end)
    {
        while (start < end && text[start] is (byte)' ' or (byte)'\t')
        {
            start++;
        }
        while (end > start && text[end - 1] is (byte)' ' or (byte)'\t')
        {
            end--;
        }
        return start..end;
    }

    private readonly record struct Network(IpNumber First, int Bits);
}
