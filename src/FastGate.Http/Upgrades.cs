using System.Text;

namespace FastGate.Http;

/// <summary>What the Upgrade fields of a request and of its answer say to each other.</summary>
public static class Upgrades
{
    /// <summary>Protocols of a message; each of an answer's is looked for among the request's.</summary>
    private const int ProtocolsMax = 16;

    /// <summary>Whether everything an answer switches to was asked for: a server must not choose another protocol
    /// (RFC 9110 section 7.8).</summary>
    /// <param name="request">The fields of the request.</param>
    /// <param name="requestBytes">Its head.</param>
    /// <param name="answer">The fields of the 101.</param>
    /// <param name="answerBytes">Its head.</param>
    public static bool WereAskedFor(HeaderTable request, ReadOnlySpan<byte> requestBytes, HeaderTable answer,
        ReadOnlySpan<byte> answerBytes)
    {
        bool any = false;
        foreach (ref readonly Header header in answer.Items)
        {
            ReadOnlySpan<byte> list = header.Id == HeaderId.Upgrade ? header.Value.Of(answerBytes) : default;
            while (!list.IsEmpty)
            {
                any = true;
                if (!Names(request, requestBytes, Syntax.NextElement(ref list)))
                {
                    return false;
                }
            }
        }
        return any;
    }

    /// <summary>Whether a request may ask for what it names. Not for h2c or h2 in any version or draft, for it would
    /// turn the connection into one that neither side of the gate can read; nor for HTTP or TLS (RFC 2817), for the
    /// requests that follow would pass every route unread.</summary>
    public static bool MayBeAskedFor(HeaderTable headers, ReadOnlySpan<byte> bytes) =>
        AreProtocols(headers, bytes, httpIsOne: false);

    /// <summary>Whether a client may be told to ask for it (426): not for h2c, which would not be passed on.</summary>
    public static bool MayBeDemanded(HeaderTable headers, ReadOnlySpan<byte> bytes) =>
        AreProtocols(headers, bytes, httpIsOne: true);

    /// <summary>Upgrade = 1#( token [ "/" token ] ), and nothing else: a value out of shape (<c>"h2c"</c> in quotes,
    /// <c>h2c;q=1</c>) could be read as h2c behind us.</summary>
    private static bool AreProtocols(HeaderTable headers, ReadOnlySpan<byte> bytes, bool httpIsOne)
    {
        int count = 0;
        foreach (ref readonly Header header in headers.Items)
        {
            if (header.Id != HeaderId.Upgrade)
            {
                continue;
            }
            ReadOnlySpan<byte> list = header.Value.Of(bytes);
            if (list.IsEmpty || list[^1] == (byte)',')
            {
                return false;
            }
            while (!list.IsEmpty)
            {
                ReadOnlySpan<byte> protocol = Syntax.NextElement(ref list);
                int slash = protocol.IndexOf((byte)'/');
                ReadOnlySpan<byte> name = slash < 0 ? protocol : protocol[..slash];
                if (++count > ProtocolsMax || !Syntax.IsToken(name)
                    || (slash >= 0 && !Syntax.IsToken(protocol[(slash + 1)..]))
                    || IsOf(name, "h2c"u8) || IsOf(name, "h2"u8)
                    || (!httpIsOne && (IsOf(name, "http"u8) || IsOf(name, "tls"u8))))
                {
                    return false;
                }
            }
        }
        return true;
    }

    /// <summary>A protocol, or a draft of it, as those of HTTP/2 named themselves: <c>h2c-14</c>,
    /// <c>HTTP-draft-04/2.0</c>.</summary>
    private static bool IsOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> protocol) =>
        name.Length >= protocol.Length && Ascii.EqualsIgnoreCase(name[..protocol.Length], protocol)
        && (name.Length == protocol.Length || name[protocol.Length] == (byte)'-');

    private static bool Names(HeaderTable headers, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> protocol)
    {
        foreach (ref readonly Header header in headers.Items)
        {
            ReadOnlySpan<byte> list = header.Id == HeaderId.Upgrade ? header.Value.Of(bytes) : default;
            while (!list.IsEmpty)
            {
                if (Ascii.EqualsIgnoreCase(Syntax.NextElement(ref list), protocol))
                {
                    return true;
                }
            }
        }
        return false;
    }
}
