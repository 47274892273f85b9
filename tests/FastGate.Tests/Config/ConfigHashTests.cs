using System.Text;
using FastGate.Gateway.Config;

namespace FastGate.Tests.Config;

public sealed class ConfigHashTests
{
    /// <summary>The vectors of NIST, and lengths around the ends of blocks as sha256sum has them.</summary>
    [Theory]
    [InlineData("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    [InlineData("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")]
    [InlineData("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrst"
        + "nopqrstu", "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1")]
    public void It_is_sha256(string message, string digest) =>
        Assert.Equal(digest, ConfigHash.Sha256(Encoding.ASCII.GetBytes(message)));

    [Fact]
    public void A_million_bytes() => Assert.Equal("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ConfigHash.Sha256(Encoding.ASCII.GetBytes(new string('a', 1_000_000))));

    [Fact]
    public void Files_are_hashed_one_behind_the_other_with_their_placeholders_as_they_stand()
    {
        using var folder = new Folder();
        string main = "include = [\"more.toml\"]\n" + Configs.Smallest + "[admin]\ntoken = \"${env:T}\"\n";
        string more = "[[route]]\nname = \"b\"\nmatch = \"/b\"\nrespond = { body = \"é\" }\n";
        folder.Write("gate.toml", main);
        folder.Write("more.toml", more);
        string expected = ConfigHash.Sha256(Encoding.UTF8.GetBytes(main + more));
        foreach (string secret in (ReadOnlySpan<string>)["one", "two"])
        {
            var surroundings = new Surroundings { Environment = _ => secret };
            GateConfig? config = GateFile.Read(folder.Path("gate.toml"), surroundings).Config;
            Assert.Equal(expected, config!.Hash);
        }
    }
}
