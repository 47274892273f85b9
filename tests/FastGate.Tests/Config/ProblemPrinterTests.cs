using FastGate.Gateway;
using FastGate.Gateway.Config;

namespace FastGate.Tests.Config;

public sealed class ProblemPrinterTests
{
    private static string Print(string text, Problem problem, bool colour = false)
    {
        var printed = new StringWriter();
        new ProblemPrinter(printed, [new SourceFile("gate.toml", text)], colour).Print(problem);
        return printed.ToString();
    }

    [Fact]
    public void As_the_contract_shows_it() =>
        Assert.Equal("""
            gate.toml:14:1: error: unknown key 'upstreem' in [[route]] 'orders'
               14 | upstreem = "orders"
                  | ^^^^^^^^ did you mean 'upstream'?

            """, Print(new string('\n', 13) + "upstreem = \"orders\"\n", new Problem(new Origin("gate.toml", 14, 1, 8),
            Severity.Error, "unknown key 'upstreem' in [[route]] 'orders'", "did you mean 'upstream'?")));

    [Fact]
    public void Colour_marks_the_word_and_the_carets() =>
        Assert.Equal("gate.toml:1:1: \e[1m\e[33mwarning:\e[0m w\n    1 | abc\n      | \e[33m^^\e[0m h\n",
            Print("abc", new Problem(new Origin("gate.toml", 1, 1, 2), Severity.Warning, "w", "h"), colour: true));

    [Fact]
    public void A_file_cannot_write_to_the_terminal()
    {
        var problem = new Problem(new Origin("gate.toml", 1, 1, 1), Severity.Error, "\e[2J", "\b");
        var text = Print("a = \"\e]0;owned\a\"\r\n", problem);
        Assert.DoesNotContain('\e', text);
        Assert.DoesNotContain('\a', text);
        Assert.DoesNotContain('\b', text);
    }

    [Theory]
    [InlineData(1, 1000, 5)]
    [InlineData(1, 4, 1000)]
    [InlineData(99, 1, 1)]
    [InlineData(0, 0, 0)]
    public void A_place_beyond_the_text_is_no_accident(int line, int column, int length)
    {
        var text = Print("abc", new Problem(new Origin("gate.toml", line, column, length), Severity.Error, "s", null));
        Assert.Contains("error: s\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_number_of_problems_is_bounded()
    {
        var toml = "version = 1\n" + string.Concat(Enumerable.Range(0, 2000).Select(i => $"zzzzz{i} = 1\n"));
        var problems = Configs.Read(toml).Problems;
        Assert.Equal(ProblemList.ProblemsMax + 1, problems.Count);
        // 2000 keys, no listener and no route.
        Assert.Equal("1002 more problems are not shown", problems[^1].Sentence);
    }
}
