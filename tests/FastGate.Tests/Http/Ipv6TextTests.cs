using System.Net;
using System.Text;
using CsCheck;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>Of all spellings of an address one is taken, that of RFC 5952 section 4; with a mapped IPv4 address also
/// that of section 5.</summary>
public sealed class Ipv6TextTests
{
    /// <summary>Mostly zeros, and the prefixes that have a spelling of their own.</summary>
    private static readonly Gen<ushort[]> s_groups = Gen.OneOf(Gen.Const((ushort)0), Gen.Const((ushort)0),
        Gen.OneOfConst<ushort>(1, 0xF, 0xFFFF, 0x5EFE, 0x0100, 0xDB8), Gen.UShort).Array[8];

    [Fact]
    public void One_spelling_is_taken_of_a_mapped_address_two_and_no_other() =>
        Gen.Select(s_groups, Gen.Int[0, 8], Gen.Int[0, 8]).Sample((groups, from, to) =>
        {
            var address = new IPAddress([.. groups.SelectMany(g => (byte[])[(byte)(g >> 8), (byte)g])]);
            string[] taken = PlainIpv6.Spellings(address);
            foreach (string one in taken)
            {
                Assert.Equal(address, IPAddress.Parse(one));
                Assert.True(IsCanonical(one), one);
                Assert.True(IsCanonical(one.ToUpperInvariant()), one);
            }
            foreach (string other in Spellings(groups, Math.Min(from, to), Math.Max(from, to)))
            {
                Assert.Equal(address, IPAddress.Parse(other));
                Assert.Equal(taken.Contains(other), IsCanonical(other));
            }
        });

    /// <summary>.NET writes the same, but for four kinds of addresses with one of IPv4 at their end.</summary>
    [Fact]
    public void Net_writes_it_so_too() => s_groups.Sample(groups =>
    {
        var address = new IPAddress([.. groups.SelectMany(g => (byte[])[(byte)(g >> 8), (byte)g])]);
        string text = address.ToString();
        Assert.Equal(!text.Contains('.') || address.IsIPv4MappedToIPv6, IsCanonical(text));
    });

    /// <summary>In full, with zeros in front, with an IPv4 address at its end, and with a gap where there are
    /// zeros.</summary>
    private static IEnumerable<string> Spellings(ushort[] groups, int from, int to)
    {
        string[] short_ = [.. groups.Select(g => $"{g:x}")];
        string v4 = $"{groups[6] >> 8}.{groups[6] & 0xFF}.{groups[7] >> 8}.{groups[7] & 0xFF}";
        yield return string.Join(':', short_);
        yield return string.Join(':', groups.Select(g => $"{g:x4}"));
        yield return $"{string.Join(':', short_[..6])}:{v4}";
        if (to > from && groups[from..to].All(g => g == 0))
        {
            yield return $"{string.Join(':', short_[..from])}::{string.Join(':', short_[to..])}";
            if (to <= 6)
            {
                yield return $"{string.Join(':', short_[..from])}::{string.Join(':', [.. short_[to..6], v4])}";
            }
        }
    }

    private static bool IsCanonical(string text) => Ipv6Text.IsCanonical(Encoding.ASCII.GetBytes(text));
}
