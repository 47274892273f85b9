namespace FastGate.Gateway.Config;

/// <summary>Finds and parses the files that `include` names.</summary>
internal static class Includes
{
    /// <summary>A pattern that reaches further than was meant should say so, not read the disk.</summary>
    public const int FilesMax = 1000;

    /// <summary>Of all files together.</summary>
    public const long CharsMax = 64L << 20;

    /// <summary>One reader per file, sorted as they are named and then by path. Null after a syntax error in one of
    /// them, which is then the only problem.</summary>
    public static List<TableReader>? Read(TableReader main)
    {
        var draft = main.Draft;
        var readers = new List<TableReader>();
        var mainPath = Path.GetFullPath(main.Table.Origin.File!);
        var seen = new HashSet<string>(StringComparer.Ordinal) { mainPath };
        long chars = 0;
        foreach (var include in main.Texts("include") ?? [])
        {
            foreach (var path in Files(include, mainPath, draft))
            {
                if (!seen.Add(Path.GetFullPath(path)))
                    continue;
                if (readers.Count == FilesMax)
                {
                    draft.Refuse(include, "path", $"more than {FilesMax} files are included", "name fewer");
                    return readers;
                }
                if (!ConfigPath.TryReadText(path, GateFile.FileBytesMax, out var text, out var error))
                {
                    draft.Refuse(include, "path", $"the file '{path}' {error}");
                    continue;
                }
                chars += text.Length;
                if (chars > CharsMax)
                {
                    draft.Refuse(include, "path", "the included files are larger than 64MiB together", "name fewer");
                    return readers;
                }
                var file = new SourceFile(path, text);
                draft.Files.Add(file);
                if (TomlFile.Parse(file, draft.Problems) is not { } root)
                {
                    draft.Problems.KeepOnly(file.Name);
                    return null;
                }
                readers.Add(Reader(root, draft));
            }
        }
        return readers;
    }

    private static List<string> Files(SourceText include, string mainPath, Draft draft)
    {
        if (include.HasSecret || include.Value.Length == 0 || include.Value.Contains('\0', StringComparison.Ordinal))
        {
            draft.Problems.Error(include.Origin, include.HasSecret
                ? "'include' holds no placeholder" : "'include' holds no path here", "write \"conf.d/*.toml\"");
            return [];
        }
        if (ConfigPath.IsGlob(include.Value))
            return ConfigPath.Glob(include.Origin.File!, include.Value, FilesMax + 1);
        var path = ConfigPath.Beside(include.Origin.File!, include.Value);
        if (Path.GetFullPath(path) != mainPath)
            return [path];
        draft.Refuse(include, "path", "the file includes itself");
        return [];
    }

    private static TableReader Reader(TomlTable root, Draft draft)
    {
        var reader = new TableReader(root, Shape.Included, "an included file", draft);
        foreach (var entry in root.Entries.Where(e => Shape.Root.Keys.Contains(e.Key)))
        {
            if (!Shape.Included.Keys.Contains(entry.Key))
            {
                draft.Problems.Error(entry.KeyOrigin, $"'{entry.Key}' may not stand in an included file",
                    entry.Key == "include" ? "include it in the main file" : "it belongs to the main file");
            }
        }
        reader.CheckKeys(reported: Shape.Root);
        return reader;
    }
}
