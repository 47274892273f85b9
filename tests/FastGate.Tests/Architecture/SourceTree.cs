namespace FastGate.Tests.Architecture;

/// <summary>One file of the repository: its path from the root, with slashes, and its text.</summary>
internal sealed record SourceFile(string Path, string Text);

/// <summary>The sources as they lie on the disk.</summary>
internal static class SourceTree
{
    private static readonly Lazy<string> s_root = new(FindRoot);

    /// <summary>Where the solution lies.</summary>
    public static string Root => s_root.Value;

    /// <summary>All C# files below a folder of the repository that were written by hand.</summary>
    public static IReadOnlyList<SourceFile> Read(string folder)
    {
        var files = new List<SourceFile>();
        foreach (string path in Directory.EnumerateFiles(
            Path.Combine(s_root.Value, folder), "*.cs", SearchOption.AllDirectories))
        {
            string relative = Path.GetRelativePath(s_root.Value, path).Replace('\\', '/');
            if (!relative.Contains("/obj/", StringComparison.Ordinal)
                && !relative.Contains("/bin/", StringComparison.Ordinal))
            {
                files.Add(new SourceFile(relative, File.ReadAllText(path)));
            }
        }
        Assert.NotEmpty(files);
        return files;
    }

    private static string FindRoot()
    {
        for (string? at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "FastGate.sln")))
            {
                return at;
            }
        }
        throw new InvalidOperationException("the tests do not lie below FastGate.sln");
    }
}
