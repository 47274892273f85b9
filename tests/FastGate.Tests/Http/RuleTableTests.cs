using FastGate.Http;
using FastGate.Tests.Architecture;

namespace FastGate.Tests.Http;

/// <summary>No rule without a case, and none that the room's README does not tell.</summary>
public sealed class RuleTableTests
{
    public static TheoryData<ParseStatus> Rules =>
        [.. Enum.GetValues<ParseStatus>().Where(status => status != ParseStatus.Incomplete)];

    [Theory]
    [MemberData(nameof(Rules))]
    public void It_has_a_case(ParseStatus rule) => Assert.Contains(
        MessageCases.Requests.Concat(MessageCases.Responses).Concat(MessageCases.Chunks),
        each => each.Expected == rule);

    [Fact]
    public void The_README_has_every_rule_with_its_status()
    {
        string[] readme = File.ReadAllLines(Path.Combine(SourceTree.Root, "src", "FastGate.Http", "README.md"));
        foreach (ParseStatus rule in Enum.GetValues<ParseStatus>()
            .Where(status => status is not (ParseStatus.Incomplete or ParseStatus.Complete)))
        {
            string row = Assert.Single(
                readme, line => line.StartsWith($"| `{rule}` |", StringComparison.Ordinal));
            Assert.EndsWith($"| {rule.StatusCode()} |", row, StringComparison.Ordinal);
        }
        Assert.Equal(Enum.GetValues<ParseStatus>().Length - 2,
            readme.Count(line => line.StartsWith("| `", StringComparison.Ordinal)));
    }

    /// <summary>Each requirement is shown by rules, cases and tests that exist.</summary>
    [Fact]
    public void The_README_shows_each_requirement_by_something_that_exists()
    {
        string[] rows = File.ReadAllLines(Path.Combine(SourceTree.Root, "src", "FastGate.Http", "README.md"));
        rows = [.. rows.Where(line => line.StartsWith("| 911", StringComparison.Ordinal))];
        Assert.True(rows.Length > 40, "the table of requirements is gone");
        string tests = string.Concat(Directory
            .EnumerateFiles(Path.Combine(SourceTree.Root, "tests"), "*Tests.cs", SearchOption.AllDirectories)
            .Select(File.ReadAllText));
        MessageCase[] cases = [.. MessageCases.Requests, .. MessageCases.Responses, .. MessageCases.Chunks];
        foreach (string row in rows)
        {
            string[] shown = [.. row.Split('|')[^2].Split('`').Where((_, i) => i % 2 == 1)];
            Assert.NotEmpty(shown);
            foreach (string name in shown)
            {
                Assert.True(Enum.TryParse<ParseStatus>(name, out _)
                    || cases.Any(each => each.Title.StartsWith(name, StringComparison.Ordinal))
                    || tests.Contains($" {name}(", StringComparison.Ordinal), $"nothing is called {name}: {row}");
            }
        }
    }
}
