using System.Text;

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

    /// <summary>From now on a problem that is printed with this piece of a line shows stars in its place: a secret that
    /// stands in the file itself. What is between the quotes, where it has some.</summary>
    internal void Hide(Origin place)
    {
        if (place.Line < 1 || place.Line > _lines.Length)
            return;
        var runes = _lines[place.Line - 1].EnumerateRunes().ToArray();
        var first = Math.Clamp(place.Column - 1, 0, runes.Length);
        var end = Math.Clamp(first + place.Length, first, runes.Length);
        var text = new StringBuilder();
        for (var i = 0; i < runes.Length; i++)
        {
            var isHidden = i >= first && i < end && runes[i].Value is not ('"' or '\'' or '\r');
            text.Append(isHidden ? "*" : runes[i].ToString());
        }
        _lines[place.Line - 1] = text.ToString();
    }

    /// <summary>A line without its end; lines count from 1, and a line that is not there is empty.</summary>
    public string Line(int number) => number >= 1 && number <= _lines.Length ? _lines[number - 1].TrimEnd('\r') : "";
}
