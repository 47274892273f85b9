using System.Net;
using System.Text;
using CsCheck;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>Of all spellings of an address one is taken: the one that .NET writes, and the hosts of routes
/// have.</summary>
public sealed class Ipv6TextTests
{
    /// <summary>Mostly zeros, and the prefixes that have a spelling of their own.</summary>
    private static readonly Gen<ushort[]> s_groups = Gen.OneOf(Gen.Const((ushort)0), Gen.Const((ushort)0),
        Gen.OneOfConst<ushort>(1, 0xF, 0xFFFF, 0x5EFE, 0x0100, 0xDB8), Gen.UShort).Array[8];

    [Fact]
    public void What_net_writes_is_taken_and_every_other_spelling_is_not() =>
        Gen.Select(s_groups, Gen.Int[0, 8], Gen.Int[0, 8]).Sample((groups, from, to) =>
        {
            string canonical = new IPAddress([.. groups.SelectMany(g => (byte[])[(byte)(g >> 8), (byte)g])]).ToString();
            Assert.True(IsCanonical(canonical), canonical);
            Assert.True(IsCanonical(canonical.ToUpperInvariant()), canonical);
            foreach (string other in Spellings(groups, Math.Min(from, to), Math.Max(from, to)))
            {
                Assert.True(IPAddress.TryParse(other, out IPAddress? address), other);
                Assert.Equal(canonical, address.ToString());
                Assert.Equal(other.Equals(canonical, StringComparison.OrdinalIgnoreCase), IsCanonical(other));
            }
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
