namespace FastGate.Cli;

/// <summary>Where a verb writes to: results to <see cref="Out"/>, messages to <see cref="Error"/>.</summary>
internal sealed record Terminal(TextWriter Out, TextWriter Error)
{
    /// <summary>Whether messages go to somebody who sees colours.</summary>
    public bool HasColour { get; init; }

    /// <summary>How the configuration finds environment variables.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    public static Terminal OfProcess() => new(new OutputWriter(Console.Out), new OutputWriter(Console.Error))
    {
        HasColour = !Console.IsErrorRedirected
            && string.IsNullOrEmpty(System.Environment.GetEnvironmentVariable("NO_COLOR"))
            && System.Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"),
    };

    /// <summary>The exit code of a verb that ended with this one: a result that could not be written is none.</summary>
    public int CodeOf(int code)
    {
        if (code != ExitCode.Fine || Out is not OutputWriter { Trouble: { } trouble })
        {
            return code;
        }
        Say($"cannot write the result: {trouble}");
        return ExitCode.CouldNotStart;
    }

    /// <summary>A message that is not about a place in a file.</summary>
    public void Say(string sentence) => Error.Write($"fastgate: {sentence}\n");
}
