using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace FastGate.Tests.Architecture;

/// <summary>Holds the order of the rooms: every name in a room is resolved to what it means, and where that was
/// declared. Names are enough: a room that may not name a type of a room to its right cannot come by one otherwise,
/// for whoever handed it over would have had to name it.</summary>
internal static class RoomOrder
{
    /// <summary>A room may use those left of it. What lies beside the rooms may use none.</summary>
    private static readonly string[] s_rooms =
        ["", "Stats", "Routing", "Upstreams", "Policies", "Proxy", "Admin", "Config"];

    private const string ImplicitUsings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """;

    /// <summary>Names the compiler could not resolve; code made by generators is not there and not missed.</summary>
    private static readonly string[] s_unresolved = ["CS0103", "CS0234", "CS0246"];

    /// <summary>Everything this test runs with, save the project itself: its sources stand for it.</summary>
    private static readonly MetadataReference[] s_references =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(p => !Path.GetFileName(p).StartsWith("FastGate.", StringComparison.Ordinal)
                || Path.GetFileName(p) is "FastGate.Net.dll" or "FastGate.Http.dll")
            .Select(p => MetadataReference.CreateFromFile(p))];

    /// <param name="files">The sources of one project.</param>
    /// <param name="project">The folder that the rooms lie in, with a slash at its end.</param>
    /// <returns>One sentence per forbidden use, with its place.</returns>
    public static IReadOnlyList<string> Violations(IReadOnlyList<SourceFile> files, string project)
    {
        var options = new CSharpParseOptions(LanguageVersion.Preview, DocumentationMode.None);
        SyntaxTree[] trees = [.. files.Select(f => CSharpSyntaxTree.ParseText(f.Text, options, f.Path))];
        var compilation = CSharpCompilation.Create("rooms",
            [.. trees, CSharpSyntaxTree.ParseText(ImplicitUsings, options)],
            s_references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true));
        var violations = new SortedSet<string>(StringComparer.Ordinal);
        foreach (SyntaxTree tree in trees)
        {
            int room = RoomOf(tree.FilePath, project);
            if (room < 0)
            {
                violations.Add($"{tree.FilePath}: lies in a room that is not in the order");
                continue;
            }
            SemanticModel model = compilation.GetSemanticModel(tree);
            foreach (Diagnostic problem in model.GetDiagnostics().Where(d => s_unresolved.Contains(d.Id)))
            {
                violations.Add($"{Place(problem.Location)}: cannot be checked: {problem.GetMessage(null)}");
            }
            foreach (SimpleNameSyntax name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
            {
                SymbolInfo info = model.GetSymbolInfo(name);
                ISymbol? symbol = info.Symbol ?? info.CandidateSymbols.FirstOrDefault();
                string? declared = DeclaredIn(symbol);
                if (declared is not null && RoomOf(declared, project) > room)
                {
                    violations.Add(
                        $"{Place(name.GetLocation())}: {name} is declared in {declared}, right of this room");
                }
            }
        }
        return [.. violations];
    }

    private static string? DeclaredIn(ISymbol? symbol) => symbol switch
    {
        INamedTypeSymbol or IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol =>
            symbol.OriginalDefinition.Locations.FirstOrDefault(l => l.IsInSource)?.SourceTree?.FilePath,
        _ => null,
    };

    private static int RoomOf(string path, string project)
    {
        string inside = path[project.Length..];
        int slash = inside.IndexOf('/', StringComparison.Ordinal);
        return Array.IndexOf(s_rooms, slash < 0 ? "" : inside[..slash]);
    }

    private static string Place(Location location)
    {
        FileLinePositionSpan span = location.GetLineSpan();
        return $"{span.Path}:{span.StartLinePosition.Line + 1}";
    }
}
