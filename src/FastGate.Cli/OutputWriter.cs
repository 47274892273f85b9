using System.Text;

namespace FastGate.Cli;

/// <summary>Writes as far as it goes: on a full disk a line is lost, and what it was about goes on.</summary>
internal sealed class OutputWriter(TextWriter to) : TextWriter
{
    public override Encoding Encoding => to.Encoding;

    /// <summary>Why something could not be written; null while everything was.</summary>
    public string? Trouble { get; private set; }

    public override void Write(char value) => Write(value.ToString());

    public override void Write(string? value)
    {
        try
        {
            to.Write(value);
        }
        catch (IOException exception)
        {
            Trouble ??= exception.Message;
        }
    }
}
