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
}
