using CsCheck;
using FastGate.Gateway.Config;

namespace FastGate.Tests.Config;

public sealed class SpellingTests
{
    [Theory]
    [InlineData("upstreem", "upstream")]
    [InlineData("nmae", "name")]
    [InlineData("Match", "match")]
    [InlineData("bnd", "bind")]
    [InlineData("zzzz", null)]
    [InlineData("x", null)]
    [InlineData("", null)]
    public void Finds_what_was_meant(string word, string? meant) =>
        Assert.Equal(meant, Spelling.Nearest(word, ["name", "match", "bind", "upstream", "order"]));

    [Fact]
    public void The_nearest_wins_and_among_equals_the_first()
    {
        Assert.Equal("orders", Spelling.Nearest("order", ["orders", "border"]));
        Assert.Equal("order", Spelling.Nearest("ordre", ["orders_v2", "order"]));
    }

    [Fact]
    public void Distance_agrees_with_its_definition()
    {
        var word = Gen.Char["abc"].Array[0, 6].Select(chars => new string(chars));
        Gen.Select(word, word).Sample((a, b) => Spelling.Distance(a, b) == Slow(a, b));
    }

    [Fact]
    public void Long_words_are_near_to_nothing() =>
        Assert.Null(Spelling.Nearest(new string('a', 65), [new string('a', 65)]));

    /// <summary>Optimal string alignment as its recursion says it.</summary>
    private static int Slow(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        if (a.IsEmpty || b.IsEmpty)
            return a.Length + b.Length;
        var best = Math.Min(Slow(a[1..], b) + 1, Slow(a, b[1..]) + 1);
        best = Math.Min(best, Slow(a[1..], b[1..]) + (a[0] == b[0] ? 0 : 1));
        if (a.Length > 1 && b.Length > 1 && a[0] == b[1] && a[1] == b[0])
            best = Math.Min(best, Slow(a[2..], b[2..]) + 1);
        return best;
    }
}
