using System.Net;
using System.Text.RegularExpressions;

namespace FastGate.Tests.Http;

/// <summary>How an IPv6 address is written (RFC 5952), by rewriting its text.</summary>
internal static partial class PlainIpv6
{
    /// <summary>The spellings that are taken, in lower case: one, and of a mapped IPv4 address two.</summary>
    public static string[] Spellings(IPAddress address) => address.IsIPv4MappedToIPv6
        ? [Hexadecimal(address), $"::ffff:{address.MapToIPv4()}"]
        : [Hexadecimal(address)];

    /// <summary>The first of the longest runs of zeros gives way to a gap.</summary>
    private static string Hexadecimal(IPAddress address)
    {
        string text = string.Join(':', address.GetAddressBytes().Chunk(2).Select(pair => $"{(pair[0] << 8) | pair[1]:x}"));
        Match? longest = Zeros().Matches(text).OrderByDescending(run => run.Length).FirstOrDefault();
        return longest is null
            ? text
            : Colons().Replace($"{text[..longest.Index]}::{text[(longest.Index + longest.Length)..]}", "::");
    }

    [GeneratedRegex(@"(?<![0-9a-f])0(:0)+(?![0-9a-f])")]
    private static partial Regex Zeros();

    [GeneratedRegex(":{3,}")]
    private static partial Regex Colons();
}
