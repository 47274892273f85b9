using System.Text;
using CsCheck;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>Most hosts are looked at as a vector, which is loaded from around them: they must be judged as by the
/// grammar wherever they stand, and by nothing but themselves.</summary>
public sealed class AuthorityTests
{
    private const int LongestLength = 40;

    /// <summary>Bytes around a host: too few for a vector, as in the shortest head, and many; all of them would be good
    /// or bad in a host.</summary>
    private static readonly (string Before, string Behind)[] s_places =
    [
        ("", ""), ("GET / HTTP/1.1\r\nHost:", "\r\n\r\n"), (new string('a', 64), new string('a', 64)),
        (new string('.', 64), new string('.', 64)), (new string('/', 64), new string('/', 64)),
        ("", new string(':', 64)), (new string(':', 64), ""),
    ];

    [Fact]
    public void Every_byte_at_every_place_of_every_length()
    {
        for (int length = 1; length <= LongestLength; length++)
        {
            for (int at = 0; at < length; at++)
            {
                for (int value = 0; value < 256; value++)
                {
                    AssertAsTwin($"{new string('a', at)}{(char)value}{new string('a', length - at - 1)}");
                }
            }
        }
    }

    [Fact]
    public void Dots_colons_and_whatever_else_matters_in_any_order() =>
        Gen.Char["aZ09-..::_%/"].Array[0, LongestLength].Sample(chars => AssertAsTwin(new string(chars)), iter: 20_000);

    [Fact]
    public void Names_with_ports() =>
        Gen.Select(Gen.Char["a.-9"].Array[0, 34], Gen.Char["0123456789a"].Array[0, 6]).Sample(
            (name, port) => AssertAsTwin($"{new string(name)}:{new string(port)}"), iter: 20_000);

    private static void AssertAsTwin(string host)
    {
        bool expected = PlainParser.IsAuthority(host);
        foreach ((string before, string behind) in s_places)
        {
            byte[] data = Encoding.Latin1.GetBytes(before + host + behind);
            bool found = Authority.IsValid(data, new Slice(before.Length, host.Length));
            Assert.True(expected == found, $"'{host}' behind '{before}' and before '{behind}': {found}");
        }
    }
}
