using FastGate.Http;

namespace FastGate.Gateway.Admin;

/// <summary>Bounds of the admin address. Not configurable: its clients are probes and operators, and what nobody needs
/// to turn cannot be turned wrong.</summary>
internal static class AdminLimits
{
    public const int HeadBytesMax = 8 * 1024;
    public const int HeadersMax = 100;
    public const int ConnectionsMax = 64;

    /// <summary>Pages that are being taken at the same time: so many slow readers leave room for probes.</summary>
    public const int PagesMax = 16;

    /// <summary>For a head from its first byte on, for the first byte of the next one, and for a peer that does not
    /// take its answer: with 64 connections in all, nobody keeps one for long.</summary>
    public const long WaitMs = 10_000;

    /// <summary>For a whole page, however slowly it is taken.</summary>
    public const long PageMs = 60_000;

    /// <summary>A page is sent in pieces of about so many bytes: the next is made when the last was taken, so that no
    /// page is ever held whole, whatever the number of routes.</summary>
    public const int PieceBytes = 16 * 1024;

    /// <summary>Writers of pages that are kept for reuse.</summary>
    public const int WritersKeptMax = 4;

    /// <summary>How long a wrong token waits for its answer, and then its connection ends: with 64 connections nobody
    /// tries more than 64 of them a second, and whoever has the right one never waits.</summary>
    public const long WrongTokenMs = 1_000;

    public const long LingerMs = 2_000;
    public const long LingerBytesMax = 64 * 1024;

    public static HeadLimits Heads => new(HeadBytesMax, HeadersMax);
}
