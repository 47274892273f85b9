using System.Security.Cryptography;
using System.Text;
using FastGate.Net;

namespace FastGate.Gateway.Admin;

/// <summary>Who may have more of the admin address than the probes: whoever has the token. Without one the address
/// itself is the guard, so bound to loopback everybody who reaches it may, and beyond loopback nobody.</summary>
internal sealed class AdminAccess(AdminOptions options)
{
    public enum Verdict : byte
    {
        Granted,
        /// <summary>There is a token, and the request brings none.</summary>
        TokenMissing,
        TokenWrong,
        /// <summary>There is no token, and the network reaches the address.</summary>
        Closed,
    }

    private readonly byte[]? _token = options.Token is { } token ? Encoding.ASCII.GetBytes(token.Value) : null;
    private readonly bool _isLoopback = options.Listen.IsLoopback;

    /// <summary>Only the probes are served, whoever asks.</summary>
    public bool IsClosed => _token is null && !_isLoopback;

    /// <param name="authorization">The value of that field; empty for none.</param>
    public Verdict Of(ReadOnlySpan<byte> authorization)
    {
        if (_token is null)
        {
            return _isLoopback ? Verdict.Granted : Verdict.Closed;
        }
        if (authorization.IsEmpty)
        {
            return Verdict.TokenMissing;
        }
        return IsBearer(authorization, out ReadOnlySpan<byte> sent) && IsToken(sent)
            ? Verdict.Granted
            : Verdict.TokenWrong;
    }

    /// <summary>The scheme's case does not count (RFC 9110 section 11.1).</summary>
    private static bool IsBearer(ReadOnlySpan<byte> authorization, out ReadOnlySpan<byte> sent)
    {
        ReadOnlySpan<byte> scheme = "Bearer "u8;
        bool isBearer = authorization.Length > scheme.Length
            && Ascii.EqualsIgnoreCase(authorization[..scheme.Length], scheme);
        sent = isBearer ? authorization[scheme.Length..].TrimStart((byte)' ') : default;
        return isBearer;
    }

    /// <summary>Takes as long for a token that is nearly right as for one that is all wrong, and does not tell how long
    /// the right one is.</summary>
    private bool IsToken(ReadOnlySpan<byte> sent)
    {
        Span<byte> cut = stackalloc byte[_token!.Length];
        cut.Clear();
        sent[..Math.Min(sent.Length, cut.Length)].CopyTo(cut);
        return CryptographicOperations.FixedTimeEquals(cut, _token) & (sent.Length == _token.Length);
    }
}
