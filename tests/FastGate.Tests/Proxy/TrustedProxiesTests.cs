namespace FastGate.Tests.Proxy;

/// <summary>Which of the forwarded addresses is the client's.</summary>
public sealed class TrustedProxiesTests
{
    [Theory]
    [InlineData("1.2.3.4", "1.2.3.4")]
    [InlineData("6.6.6.6, 1.2.3.4", "1.2.3.4")]
    [InlineData("6.6.6.6, 1.2.3.4, 10.0.0.9", "1.2.3.4")]
    [InlineData("10.0.0.8, 10.0.0.9", "10.0.0.8")]
    [InlineData("unknown, 10.0.0.9", "10.0.0.9")]
    [InlineData(" 1.2.3.4 ,\t10.0.0.9 ", "1.2.3.4")]
    [InlineData("2001:db8::1, 10.0.0.9", "2001:db8::1")]
    [InlineData("1.2.3.4:5678, 10.0.0.9:80", "1.2.3.4")]
    [InlineData("[2001:db8::1]:5678, 10.0.0.9", "[2001:db8::1]")]
    [InlineData("::ffff:1.2.3.4, ::ffff:10.0.0.9", "::ffff:1.2.3.4")]
    [InlineData("1.2.3.4,", "")]
    [InlineData("", "")]
    public void The_rightmost_untrusted_address_is_the_client(string value, string client) =>
        Assert.Equal(client, Find(value));

    [Theory]
    [InlineData("10.0.0.8, 10.0.0.9", true)]
    [InlineData("1.2.3.4, 10.0.0.9", false)]
    [InlineData("unknown, 10.0.0.9", false)]
    [InlineData("", false)]
    public void Only_where_all_are_trusted_the_field_before_is_asked(string value, bool goesOn) =>
        Assert.Equal(goesOn, s_trusted.FindClient(System.Text.Encoding.ASCII.GetBytes(value), out _, out _));

    private static readonly FastGate.Gateway.Proxy.TrustedProxies s_trusted =
        new([System.Net.IPNetwork.Parse("10.0.0.0/8")]);

    private static string Find(string value)
    {
        s_trusted.FindClient(System.Text.Encoding.ASCII.GetBytes(value), out Range found, out _);
        return value[found];
    }
}
