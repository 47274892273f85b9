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

    private static readonly IReadOnlyList<SourceFile> s_source = SourceTree.Read("src");

    [Fact]
    public void Files_fit_their_bound() =>
        AssertNone(s_source.Where(f => Lines(f) > FileLinesMax).Select(f => $"{f.Path}: {Lines(f)} lines"));

    [Fact]
    public void Lines_fit_their_bound() => AssertNone(s_source
        .SelectMany(f => f.Text.Split('\n').Select((line, i) => (f.Path, Line: i + 1, line.Length)))
        .Where(l => l.Length > LineColumnsMax)
        .Select(l => $"{l.Path}:{l.Line}: {l.Length} columns"));

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
