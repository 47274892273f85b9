using System.Net;

namespace FastGate.Gateway.Proxy;

/// <summary>Whose forwarding headers are believed.</summary>
public sealed class TrustedProxies(IReadOnlyList<IPNetwork> networks)
{
    private readonly IPNetwork[] _networks = [.. networks];

    public bool IsEmpty => _networks.Length == 0;

    public bool Contains(IPAddress? address)
    {
        if (address is null)
        {
            return false;
        }
        foreach (IPNetwork network in _networks)
        {
            if (network.Contains(address))
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
    /// <returns>Whether the answer may stand in the field before this one: all of these are trusted.</returns>
    public bool FindClient(ReadOnlySpan<byte> forwardedFor, out Range found)
    {
        found = default;
        int end = forwardedFor.Length;
        while (end >= 0)
        {
            int comma = forwardedFor[..end].LastIndexOf((byte)',');
            Range part = Trim(forwardedFor, comma + 1, end);
            if (!TryParse(forwardedFor[part], out IPAddress? address))
            {
                return false;
            }
            found = part;
            if (!Contains(address))
            {
                return false;
            }
            end = comma;
        }
        return true;
    }

    private static bool TryParse(ReadOnlySpan<byte> text, out IPAddress? address)
    {
        address = null;
        Span<char> chars = stackalloc char[64];
        if (text.IsEmpty || text.Length > chars.Length)
        {
            return false;
        }
        for (int i = 0; i < text.Length; i++)
        {
            chars[i] = (char)text[i];
        }
        return IPAddress.TryParse(chars[..text.Length], out address);
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
}
