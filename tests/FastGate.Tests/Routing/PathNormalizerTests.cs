using System.Text;
using CsCheck;
using FastGate.Gateway.Routing;

namespace FastGate.Tests.Routing;

public sealed class PathNormalizerTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/a")]
    [InlineData("/a/b/")]
    [InlineData("/.well-known/acme")]
    [InlineData("/...")]
    [InlineData("/..a/.b")]
    [InlineData("/a.b/c..")]
    [InlineData("/~user/a-b_c;v=1/x,y@z:(1)!$&'*+=")]
    [InlineData("/%20%C3%A9%25")]
    [InlineData("/%252e%252e/%252F")]
    [InlineData("/a%2Fb")]
    [InlineData("/a-path-that-is-longer/than-one-vector/of-sixteen-bytes")]
    public void Normal_paths_stay_as_sent(string path)
    {
        foreach (PathPolicy policy in Enum.GetValues<PathPolicy>())
        {
            NormalPath result = Normalize(path, out string form, policy);
            Assert.Equal(PathRule.None, result.Rule);
            Assert.False(result.IsRewritten);
            Assert.Equal(path, form);
        }
    }

    [Theory]
    [InlineData("/a/..", "/")]
    [InlineData("/a/.", "/a/")]
    [InlineData("/.", "/")]
    [InlineData("/./a", "/a")]
    [InlineData("/a/./b", "/a/b")]
    [InlineData("/a/b/..", "/a/")]
    [InlineData("/a/b/../", "/a/")]
    [InlineData("/a/b/../c", "/a/c")]
    [InlineData("/a//../b", "/b")]
    [InlineData("/a//b", "/a/b")]
    [InlineData("//", "/")]
    [InlineData("///a", "/a")]
    [InlineData("/a//", "/a/")]
    [InlineData("/a/%2e/b", "/a/b")]
    [InlineData("/a/%2E%2e/b", "/b")]
    [InlineData("/a/.%2e/b", "/b")]
    [InlineData("/a/%2e./b", "/b")]
    [InlineData("/%41%7E%2d%5F", "/A~-_")]
    [InlineData("/%c3%a9", "/%C3%A9")]
    [InlineData("/a%2fb", "/a%2Fb")]
    [InlineData("/a{b}|c", "/a%7Bb%7D%7Cc")]
    [InlineData("/a/\u00e9", "/a/%E9")]
    [InlineData("/%2541", "/%2541", false)]
    [InlineData("/one/segment/after/another/and/then/../x", "/one/segment/after/another/and/x")]
    public void Other_paths_have_one_normal_form(string path, string expected, bool rewritten = true)
    {
        NormalPath result = Normalize(path, out string form);
        Assert.Equal(PathRule.None, result.Rule);
        Assert.Equal(expected, form);
        Assert.Equal(rewritten, result.IsRewritten);
        Assert.Equal(rewritten ? PathRule.NotNormal : PathRule.None, Normalize(path, out _, PathPolicy.Refuse).Rule);
    }

    [Theory]
    [InlineData("", nameof(PathRule.NotAbsolute))]
    [InlineData("a/b", nameof(PathRule.NotAbsolute))]
    [InlineData("*", nameof(PathRule.NotAbsolute))]
    [InlineData("/a\\b", nameof(PathRule.Backslash))]
    [InlineData("/%00", nameof(PathRule.EncodedControl))]
    [InlineData("/a%0d%0Ab", nameof(PathRule.EncodedControl))]
    [InlineData("/%1f", nameof(PathRule.EncodedControl))]
    [InlineData("/%7F", nameof(PathRule.EncodedControl))]
    [InlineData("/a\u0000", nameof(PathRule.ForbiddenByte))]
    [InlineData("/a\tb", nameof(PathRule.ForbiddenByte))]
    [InlineData("/a\u007f", nameof(PathRule.ForbiddenByte))]
    [InlineData("/a b", nameof(PathRule.ForbiddenByte))]
    [InlineData("/a#b", nameof(PathRule.ForbiddenByte))]
    [InlineData("/a?b", nameof(PathRule.ForbiddenByte))]
    [InlineData("/x/%c0%ae%c0%ae/admin", nameof(PathRule.OverlongEscape))]
    [InlineData("/%c0%afadmin", nameof(PathRule.OverlongEscape))]
    [InlineData("/x/%E0%80%AE", nameof(PathRule.OverlongEscape))]
    [InlineData("/%f0%80%80%ae", nameof(PathRule.OverlongEscape))]
    [InlineData("/%C1%9Cx", nameof(PathRule.OverlongEscape))]
    [InlineData("/\u00C0\u00AE", nameof(PathRule.OverlongEscape))]
    [InlineData("/%C0\u00AF", nameof(PathRule.OverlongEscape))]
    [InlineData("/\u00E0%80\u00AE", nameof(PathRule.OverlongEscape))]
    [InlineData("/%", nameof(PathRule.BrokenEscape))]
    [InlineData("/%4", nameof(PathRule.BrokenEscape))]
    [InlineData("/%4/1", nameof(PathRule.BrokenEscape))]
    [InlineData("/%g0", nameof(PathRule.BrokenEscape))]
    [InlineData("/%u0041", nameof(PathRule.BrokenEscape))]
    [InlineData("/..", nameof(PathRule.AboveRoot))]
    [InlineData("/../a", nameof(PathRule.AboveRoot))]
    [InlineData("/%2e%2e/", nameof(PathRule.AboveRoot))]
    [InlineData("/a/../..", nameof(PathRule.AboveRoot))]
    [InlineData("//..", nameof(PathRule.AboveRoot))]
    [InlineData("/./..", nameof(PathRule.AboveRoot))]
    [InlineData("/..;x/a", nameof(PathRule.DotSegmentParameter))]
    [InlineData("/a/..;/admin", nameof(PathRule.DotSegmentParameter))]
    [InlineData("/a/.;b=c", nameof(PathRule.DotSegmentParameter))]
    [InlineData("/a/%2e%2E%3bx/b", nameof(PathRule.DotSegmentParameter))]
    [InlineData("/a/b%2F..;%2fc", nameof(PathRule.EncodedDotSegment))]
    [InlineData("/a/%2e%2e%2fb", nameof(PathRule.EncodedDotSegment))]
    [InlineData("/a/b%2F..", nameof(PathRule.EncodedDotSegment))]
    [InlineData("/a/b%5c.%5cc", nameof(PathRule.EncodedDotSegment))]
    [InlineData("/a%2F%2e%2e%2Fb", nameof(PathRule.EncodedDotSegment))]
    public void Broken_rules_have_names(string path, string rule)
    {
        foreach (PathPolicy policy in Enum.GetValues<PathPolicy>())
        {
            Assert.Equal(rule, Normalize(path, out _, policy).Rule.ToString());
        }
    }

    [Theory]
    [InlineData("/a%2Fb", true)]
    [InlineData("/a%2fb", true)]
    [InlineData("/a%5Cb", true)]
    [InlineData("/a%5c", true)]
    [InlineData("/a%252Fb", false)]
    [InlineData("/a%20b", false)]
    [InlineData("/a/../%2F", true)]
    [InlineData("/a%2F/../b", true)]
    public void Encoded_slashes_are_seen(string path, bool seen)
    {
        NormalPath result = Normalize(path, out _);
        Assert.True(result.IsUsable);
        Assert.Equal(seen, result.HasEncodedSlash);
    }

    [Fact]
    public void A_buffer_too_small_is_a_rule_and_no_exception()
    {
        byte[] path = [.. "/a/b//"u8, 0xE9, 0xE9, (byte)'/'];
        byte[] whole = new byte[PathNormalizer.NormalBytesMax(path.Length)];
        int needed = PathNormalizer.Normalize(path, whole, PathPolicy.Normalize).Length;
        Assert.Equal("/a/b/%E9%E9/"u8, whole.AsSpan(0, needed));
        for (int size = 0; size < needed; size++)
        {
            Assert.Equal(PathRule.TooLong, PathNormalizer.Normalize(path, new byte[size], PathPolicy.Normalize).Rule);
        }
        Assert.True(PathNormalizer.Normalize(path, new byte[needed], PathPolicy.Normalize).IsUsable);
    }

    [Fact]
    public void The_vectorised_scan_agrees_with_reading_byte_by_byte()
    {
        Gen<byte> common = Gen.Const("ab/.-_~;zZ09"u8.ToArray()).SelectMany(Gen.OneOfConst);
        Gen<byte> gen = Gen.Frequency((40, common), (1, Gen.Byte));
        gen.Array[0, 80].Sample(bytes =>
        {
            byte[] path = [(byte)'/', .. bytes];
            int expected = -1;
            for (int i = 1; i < path.Length && expected < 0; i++)
            {
                bool plain = char.IsAsciiLetterOrDigit((char)path[i]) || "-._~!$&'()*+,;=:@/"u8.Contains(path[i]);
                if (!plain || (path[i - 1] == '/' && path[i] is (byte)'/' or (byte)'.'))
                {
                    expected = i;
                }
            }
            Assert.Equal(expected, PathNormalizer.IndexOfSuspect(path));
        }, iter: 20_000);
    }

    [Fact]
    public void Every_byte_is_plain_or_not_as_the_rfc_says()
    {
        for (int b = 0; b < 256; b++)
        {
            bool plain = b < 128 && (char.IsAsciiLetterOrDigit((char)b) || "-._~!$&'()*+,;=:@/".Contains((char)b));
            Assert.Equal(plain, PathNormalizer.IsPlain((byte)b));
        }
    }

    private static readonly Gen<byte[]> s_path = Gen.OneOfConst(
            "/", "/", "/", "/", ".", ".", "..", "a", "b", "%2e", "%2E", "%2F", "%2f", "%5C", "%41", "%25", "%252e",
            "%c3", "%C3",
            "~", "{", "\u00e9", "longer-than-one-vector", "\\", "%00", "%7f", "%", "%4", "#", "%20", ";", "/../", "/./",
            "//")
        .Array[0, 12].Select(pieces => Encoding.Latin1.GetBytes("/" + string.Concat(pieces)));

    [Fact]
    public void Agrees_with_an_obvious_twin()
    {
        s_path.Sample(path =>
        {
            string sent = Encoding.Latin1.GetString(path);
            NormalPath result = Normalize(sent, out string form);
            string? expected = PlainPath.Of(sent);
            Assert.Equal(expected is not null, result.IsUsable);
            if (expected is not null)
            {
                Assert.Equal(expected, form);
                Assert.Equal(expected != sent, result.IsRewritten);
                Assert.Equal(expected == sent, Normalize(sent, out _, PathPolicy.Refuse).IsUsable);
            }
        }, iter: 20_000);
    }

    [Fact]
    public void Twice_is_once()
    {
        s_path.Sample(path =>
        {
            NormalPath once = Normalize(Encoding.Latin1.GetString(path), out string form);
            if (once.IsUsable)
            {
                NormalPath twice = Normalize(form, out string again, PathPolicy.Refuse);
                Assert.Equal(PathRule.None, twice.Rule);
                Assert.False(twice.IsRewritten);
                Assert.Equal(form, again);
            }
        }, iter: 20_000);
    }

    private static NormalPath Normalize(string path, out string form, PathPolicy policy = PathPolicy.Normalize)
    {
        byte[] sent = Encoding.Latin1.GetBytes(path);
        byte[] buffer = new byte[PathNormalizer.NormalBytesMax(sent.Length)];
        NormalPath result = PathNormalizer.Normalize(sent, buffer, policy);
        form = result.IsUsable ? Encoding.Latin1.GetString(result.Of(sent, buffer)) : "";
        return result;
    }
}
