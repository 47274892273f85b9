using FastGate.Fuzz;
using FastGate.Fuzz.Targets;
using FastGate.Tests.Architecture;

namespace FastGate.Tests.Corpus;

/// <summary>What the fuzz targets demand holds for the inputs that the fuzzer kept, each of which takes a way through
/// the code that no other takes, and for the cases that it begins with.</summary>
public sealed class CorpusTests
{
    public static TheoryData<string> Targets => [.. FuzzTargets.ByName.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Kept_inputs_hold(string target)
    {
        string folder = Path.Combine(SourceTree.Root, "tests/FastGate.Fuzz/corpus", target);
        AssertHold(target, Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)
            .Select(file => (Path.GetFileName(file), File.ReadAllBytes(file))));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Cases_hold(string target) =>
        AssertHold(target, Seeds.Of(target).Select((bytes, number) => ($"case {number}", bytes)));

    private static void AssertHold(string target, IEnumerable<(string Name, byte[] Bytes)> inputs)
    {
        int count = 0;
        var violations = new List<string>();
        foreach ((string name, byte[] bytes) in inputs)
        {
            count++;
            try
            {
                FuzzTargets.ByName[target](bytes);
            }
            catch (Exception exception)
            {
                violations.Add($"{name}: {(exception is ViolationException ? exception.Message : exception)}");
            }
        }
        Assert.True(violations.Count == 0, string.Join('\n', violations));
        Assert.NotEqual(0, count);
    }
}
