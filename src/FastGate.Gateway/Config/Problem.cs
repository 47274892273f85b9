namespace FastGate.Gateway.Config;

public enum Severity
{
    Error,
    Warning,
}

/// <summary>One thing that is wrong with a configuration: where, what, and what to write instead. An origin without a
/// line is a problem of the file as a whole.</summary>
public sealed record Problem(Origin Origin, Severity Severity, string Sentence, string? Hint = null);

/// <summary>The problems of one reading, in the order in which they were found.</summary>
internal sealed class ProblemList
{
    /// <summary>Beyond it nobody reads on, and a generated file of nonsense would fill the memory.</summary>
    public const int ProblemsMax = 1000;

    private readonly List<Problem> _problems = [];
    private int _dropped;

    public bool HasErrors { get; private set; }

    public bool IsFull => _problems.Count >= ProblemsMax;

    public void Error(Origin origin, string sentence, string? hint = null) =>
        Add(new Problem(origin, Severity.Error, sentence, hint));

    public void Warning(Origin origin, string sentence, string? hint = null) =>
        Add(new Problem(origin, Severity.Warning, sentence, hint));

    /// <summary>By file, in the order in which the files were read, then by position. Stable, so that two problems of
    /// one place stay in the order of the checks.</summary>
    public IReadOnlyList<Problem> Sorted(IReadOnlyList<SourceFile> files)
    {
        var order = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var file in files)
            order.TryAdd(file.Name, order.Count);
        var sorted = _problems
            .OrderBy(p => p.Origin.File is { } file ? order.GetValueOrDefault(file, int.MaxValue) : -1)
            .ThenBy(p => p.Origin.Line)
            .ThenBy(p => p.Origin.Column);
        if (_dropped == 0)
            return [.. sorted];
        var severity = HasErrors ? Severity.Error : Severity.Warning;
        return [.. sorted, new Problem(default, severity, $"{_dropped} more problems are not shown")];
    }

    /// <summary>For a syntax error, which is reported alone.</summary>
    public void KeepOnly(string file) => _problems.RemoveAll(p => p.Origin.File != file);

    private void Add(Problem problem)
    {
        HasErrors |= problem.Severity == Severity.Error;
        // Two mistakes within a value that may not be quoted read alike.
        if (_problems.Count > 0 && _problems[^1] == problem)
            return;
        if (IsFull)
            _dropped++;
        else
            _problems.Add(problem);
    }
}
