using System.Globalization;
using System.Text;

namespace FastGate.Gateway.Config;

/// <summary>Prints problems as a compiler does: place and sentence, the line of the source, carets with the hint.
/// </summary>
public sealed class ProblemPrinter
{
    private const string Red = "\e[31m";
    private const string Yellow = "\e[33m";
    private const string Bold = "\e[1m";
    private const string Plain = "\e[0m";

    /// <summary>What is shown of a longer line, around the place.</summary>
    private const int LineCharsMax = 160;

    private readonly TextWriter _to;
    private readonly Dictionary<string, SourceFile> _files;
    private readonly bool _colour;

    public ProblemPrinter(TextWriter to, IReadOnlyList<SourceFile> files, bool colour)
    {
        _to = to;
        _colour = colour;
        _files = new Dictionary<string, SourceFile>(StringComparer.Ordinal);
        foreach (var file in files)
            _files.TryAdd(file.Name, file);
    }

    public void Print(IReadOnlyList<Problem> problems)
    {
        foreach (var problem in problems)
            Print(problem);
    }

    public void Print(Problem problem)
    {
        var origin = problem.Origin;
        var text = new StringBuilder();
        if (origin.File is { } name)
            text.Append(Printable(name)).Append(':');
        if (origin.Line > 0)
            text.Append(CultureInfo.InvariantCulture, $"{origin.Line}:{origin.Column}:");
        if (text.Length > 0)
            text.Append(' ');
        var word = problem.Severity == Severity.Error ? "error:" : "warning:";
        var colour = problem.Severity == Severity.Error ? Red : Yellow;
        text.Append(_colour ? Bold + colour + word + Plain : word).Append(' ').Append(Printable(problem.Sentence));
        text.Append('\n');
        if (origin.File is { } file && origin.Line > 0 && _files.TryGetValue(file, out var source))
            AppendLine(text, source.Line(origin.Line), origin, problem.Hint, colour);
        else if (problem.Hint is not null)
            text.Append("      | ").Append(Printable(problem.Hint)).Append('\n');
        _to.Write(text.ToString());
    }

    private void AppendLine(StringBuilder text, string line, Origin origin, string? hint, string colour)
    {
        var runes = Printable(line).EnumerateRunes().ToArray();
        var column = Math.Clamp(origin.Column - 1, 0, runes.Length);
        var first = runes.Length <= LineCharsMax ? 0 : Math.Max(0, column - LineCharsMax / 2);
        var end = Math.Min(runes.Length, first + LineCharsMax);
        text.Append(CultureInfo.InvariantCulture, $"{origin.Line,5} | ");
        text.Append(first > 0 ? "..." : "");
        for (var i = first; i < end; i++)
            text.Append(runes[i].ToString());
        text.Append(end < runes.Length ? "...\n" : "\n").Append("      | ").Append(first > 0 ? "   " : "");
        // A tab under a tab, so that the carets stand below their word whatever the terminal makes of tabs.
        for (var i = first; i < column; i++)
            text.Append(runes[i].Value == '\t' ? '\t' : ' ');
        var carets = new string('^', Math.Max(1, Math.Min(origin.Length, end - column)));
        text.Append(_colour ? colour + carets + Plain : carets);
        if (hint is not null)
            text.Append(' ').Append(Printable(hint));
        text.Append('\n');
    }

    /// <summary>A file must not be able to write to the terminal.</summary>
    private static string Printable(string text)
    {
        if (!text.Any(c => char.IsControl(c) && c != '\t'))
            return text;
        return string.Create(text.Length, text, static (to, from) =>
        {
            for (var i = 0; i < to.Length; i++)
                to[i] = char.IsControl(from[i]) && from[i] != '\t' ? '\uFFFD' : from[i];
        });
    }
}
