using System.Buffers;
using FastGate.Http;

namespace FastGate.Gateway.Routing;

/// <summary>Walks over the pieces of a query and of a Cookie field, as bytes and without copies. What a peer may write
/// there knows no rules, so everything has a reading and nothing is an error.</summary>
internal static class RequestFields
{
    // RFC 9110 section 5.6.2.
    private static readonly SearchValues<char> s_token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Whether a field may decide something: it is part of the request that goes on, if only as the upgrade or
    /// the coding that the gate writes anew. Who could be routed by a field that stops here would choose what the
    /// upstream does not see.</summary>
    public static bool IsSeen(RequestHead head, in Header header) => !header.IsLeftOut
        || header.Id == HeaderId.TransferEncoding || (header.Id == HeaderId.Upgrade && head.Upgrade);

    public static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(s_token);

    /// <summary>The next <c>name=value</c> of a query, still encoded; parted by <c>&amp;</c> alone. A name without
    /// <c>=</c> has an empty value; empty pieces are passed over.</summary>
    public static bool NextParameter(ref ReadOnlySpan<byte> query, out ReadOnlySpan<byte> name,
        out ReadOnlySpan<byte> value)
    {
        while (!query.IsEmpty)
        {
            ReadOnlySpan<byte> piece = Cut(ref query, (byte)'&');
            if (!piece.IsEmpty)
            {
                value = piece;
                name = Cut(ref value, (byte)'=');
                return true;
            }
        }
        name = value = default;
        return false;
    }

    /// <summary>The next <c>name=value</c> of a Cookie field, without the spaces around both. Pieces without <c>=</c>
    /// have no name and are passed over; quotes are part of the value (RFC 6265bis section 5.6).</summary>
    public static bool NextCookie(ref ReadOnlySpan<byte> cookies, out ReadOnlySpan<byte> name,
        out ReadOnlySpan<byte> value)
    {
        while (!cookies.IsEmpty)
        {
            ReadOnlySpan<byte> piece = Cut(ref cookies, (byte)';');
            int equals = piece.IndexOf((byte)'=');
            if (equals >= 0)
            {
                name = piece[..equals].Trim(" \t"u8);
                value = piece[(equals + 1)..].Trim(" \t"u8);
                return true;
            }
        }
        name = value = default;
        return false;
    }

    /// <summary>Compares text of a target with plain bytes: escapes decoded once; a percent sign that begins no escape
    /// stands for itself.</summary>
    /// <param name="encoded">The text.</param>
    /// <param name="plain">The bytes.</param>
    /// <param name="plusIsSpace"><c>+</c> is a space, as forms write it in a query.</param>
    public static bool DecodedEquals(ReadOnlySpan<byte> encoded, ReadOnlySpan<byte> plain, bool plusIsSpace)
    {
        if (encoded.Length < plain.Length)
        {
            return false;
        }
        int at = 0;
        while (!encoded.IsEmpty)
        {
            byte b = encoded[0];
            int length = 1;
            if (b == (byte)'+' && plusIsSpace)
            {
                b = (byte)' ';
            }
            else if (b == (byte)'%' && PathNormalizer.TryReadEscape(encoded, out byte decoded))
            {
                b = decoded;
                length = 3;
            }
            if (at == plain.Length || plain[at] != b)
            {
                return false;
            }
            at++;
            encoded = encoded[length..];
        }
        return at == plain.Length;
    }

    private static ReadOnlySpan<byte> Cut(scoped ref ReadOnlySpan<byte> text, byte separator)
    {
        int end = text.IndexOf(separator);
        ReadOnlySpan<byte> piece = end < 0 ? text : text[..end];
        text = end < 0 ? default : text[(end + 1)..];
        return piece;
    }
}
