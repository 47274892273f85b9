using FastGate.Http;

namespace FastGate.Gateway.Admin;

/// <summary>Bounds of the admin address. Not configurable: its clients are probes and operators, and what nobody needs
/// to turn cannot be turned wrong.</summary>
internal static class AdminLimits
{
    public const int HeadBytesMax = 8 * 1024;
    public const int HeadersMax = 100;
    public const int ConnectionsMax = 64;

    /// <summary>For a head from its first byte on, for the first byte of the next one, and for a peer that does not
    /// take its answer: with 64 connections in all, nobody keeps one for long.</summary>
    public const long WaitMs = 10_000;

    public const long LingerMs = 2_000;
    public const long LingerBytesMax = 64 * 1024;

    public static HeadLimits Heads => new(HeadBytesMax, HeadersMax);
}
