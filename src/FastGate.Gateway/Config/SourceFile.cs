namespace FastGate.Gateway.Config;

/// <summary>The text of a file under the name by which the operator knows it. Holds no values of
/// placeholders.</summary>
public sealed class SourceFile
{
    private readonly string[] _lines;

    public SourceFile(string name, string text)
    {
        Name = name;
        Text = text;
        _lines = text.Split('\n');
    }

    public string Name { get; }

    public string Text { get; }

    /// <summary>A line without its end; lines count from 1, and a line that is not there is empty.</summary>
    public string Line(int number) => number >= 1 && number <= _lines.Length ? _lines[number - 1].TrimEnd('\r') : "";
}
