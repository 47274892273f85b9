using System.Net;
using System.Text;
using CsCheck;
using FastGate.Gateway;

namespace FastGate.Tests;

public sealed class IpNumberTests
{
    [Theory]
    [InlineData("10.0.0.7", "10.0.0.7")]
    [InlineData("10.0.0.7:8080", "10.0.0.7")]
    [InlineData("255.255.255.255", "255.255.255.255")]
    [InlineData("::", "::")]
    [InlineData("::1", "::1")]
    [InlineData("2001:DB8::a:0:1", "2001:db8::a:0:1")]
    [InlineData("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8")]
    [InlineData("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0")]
    [InlineData("::ffff:10.0.0.7", "10.0.0.7")]
    [InlineData("64:ff9b::10.0.0.7", "64:ff9b::a00:7")]
    [InlineData("[::1]", "::1")]
    [InlineData("[::1]:8080", "::1")]
    public void What_is_an_address(string text, string same)
    {
        Assert.True(TryParse(text, out IpNumber address, out int length));
        Assert.Equal(IpNumber.Of(IPAddress.Parse(same)), address);
        string port = text.EndsWith(":8080", StringComparison.Ordinal) ? ":8080" : "";
        Assert.Equal(text.Length - port.Length, length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.04")]
    [InlineData("1.2.3.4:")]
    [InlineData("1.2.3.4:x")]
    [InlineData("1.2.3.4 ")]
    [InlineData("0x1.2.3.4")]
    [InlineData(":1")]
    [InlineData(":::")]
    [InlineData("1::2::3")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1:2:3:4:5:6:7::8")]
    [InlineData("1.2.3.4::")]
    [InlineData("::1.2.3.4:5")]
    [InlineData("12345::")]
    [InlineData("::g")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1")]
    [InlineData("[1.2.3.4]")]
    [InlineData("unknown")]
    public void What_is_none(string text) => Assert.False(TryParse(text, out _, out _));

    [Theory]
    [InlineData("10.1.2.3", 24, 64, "10.1.2.0")]
    [InlineData("10.1.2.3", 32, 0, "10.1.2.3")]
    [InlineData("2001:db8:1:2:3:4:5:6", 32, 64, "2001:db8:1:2::")]
    [InlineData("2001:db8:1:2:3:4:5:6", 32, 128, "2001:db8:1:2:3:4:5:6")]
    [InlineData("2001:db8:1:2:3:4:5:6", 32, 0, "::")]
    public void The_bits_that_count(string text, int v4Bits, int v6Bits, string network) => Assert.Equal(
        IpNumber.Of(IPAddress.Parse(network)), IpNumber.Of(IPAddress.Parse(text)).Network(v4Bits, v6Bits));

    /// <summary>Everything the runtime's own reader writes is read, and nothing is read differently.</summary>
    [Fact]
    public void It_agrees_with_the_runtime_s_reader()
    {
        Gen.Byte.Array[16].Select(Gen.Int[0, 15], Gen.Bool).Sample((bytes, zeros, isV4) =>
        {
            Array.Clear(bytes, zeros / 2, zeros - (zeros / 2));
            var address = new IPAddress(isV4 ? bytes[..4] : bytes);
            Assert.True(TryParse(address.ToString(), out IpNumber number, out _));
            Assert.Equal(IpNumber.Of(address), number);
        });
        Gen.Char["0123456789abfF:.:.::"].Array[1, 20].Sample(text =>
        {
            if (TryParse(new string(text), out IpNumber number, out int length))
            {
                Assert.Equal(IpNumber.Of(IPAddress.Parse(new string(text)[..length])), number);
            }
        }, iter: 100_000);
    }

    private static bool TryParse(string text, out IpNumber address, out int length) =>
        IpNumber.TryParse(Encoding.Latin1.GetBytes(text), out address, out length);
}
