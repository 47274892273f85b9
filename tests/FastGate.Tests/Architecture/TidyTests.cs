using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastGate.Tests.Architecture;

/// <summary>Taste that a machine can check.</summary>
public sealed class TidyTests
{
    private const int FileLinesMax = 400;
    private const int LineColumnsMax = 120;

    /// <summary>Endings of names for which the idea is not found yet.</summary>
    private static readonly string[] s_vague = ["Manager", "Helper", "Service", "Provider", "Base", "Info"];

    /// <summary>Lines that were too long when this test came, by project and room. A number may only become
    /// smaller.</summary>
    private static readonly Dictionary<string, int> s_longLinesOfOld = new()
    {
        ["FastGate.Cli"] = 1,
        ["FastGate.Gateway/Config"] = 4,
        ["FastGate.Gateway/Proxy"] = 20,
        ["FastGate.Gateway/Upstreams"] = 12,
        ["FastGate.Http"] = 11,
        ["FastGate.Net"] = 16,
    };

    private static readonly IReadOnlyList<SourceFile> s_source = SourceTree.Read("src");

    [Fact]
    public void Files_fit_their_bound() =>
        AssertNone(s_source.Where(f => Lines(f) > FileLinesMax).Select(f => $"{f.Path}: {Lines(f)} lines"));

    [Fact]
    public void Lines_fit_their_bound()
    {
        var tooLong = s_source
            .SelectMany(f => f.Text.Split('\n').Select((line, i) => (f.Path, Line: i + 1, line.Length)))
            .Where(l => l.Length > LineColumnsMax)
            .ToLookup(l => Room(l.Path));
        AssertNone(tooLong.Where(r => r.Count() > s_longLinesOfOld.GetValueOrDefault(r.Key)).SelectMany(r => r)
            .Select(l => $"{l.Path}:{l.Line}: {l.Length} columns"));
    }

    [Fact]
    public void Types_have_names_of_the_field() => AssertNone(s_source.SelectMany(VagueNames));

    [Theory]
    [InlineData("class ConnectionManager;", 1)]
    [InlineData("struct A { enum BodyInfo { } }", 1)]
    [InlineData("delegate void RouteHelper(); record RouteBase; interface IService;", 3)]
    [InlineData("class Manage; class Basement; record struct Informed;", 0)]
    public void Vague_names_are_found(string text, int count) =>
        Assert.Equal(count, VagueNames(new SourceFile("x.cs", text)).Count());

    private static void AssertNone(IEnumerable<string> problems) =>
        Assert.True(!problems.Any(), string.Join('\n', problems));

    private static int Lines(SourceFile file) => file.Text.AsSpan().TrimEnd('\n').Count('\n') + 1;

    /// <summary>The project, and in the gateway the room.</summary>
    private static string Room(string path)
    {
        string[] parts = path.Split('/');
        return parts[1] == "FastGate.Gateway" && parts.Length > 3 ? $"{parts[1]}/{parts[2]}" : parts[1];
    }

    private static IEnumerable<string> VagueNames(SourceFile file) =>
        from node in CSharpSyntaxTree.ParseText(file.Text).GetRoot().DescendantNodes()
        let name = node switch
        {
            BaseTypeDeclarationSyntax type => type.Identifier.ValueText,
            DelegateDeclarationSyntax type => type.Identifier.ValueText,
            _ => "",
        }
        where s_vague.Any(v => name.EndsWith(v, StringComparison.Ordinal))
        select $"{file.Path}: {name}";
}
