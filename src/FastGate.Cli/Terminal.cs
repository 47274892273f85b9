namespace FastGate.Cli;

/// <summary>Where a verb writes to: results to <see cref="Out"/>, messages to <see cref="Error"/>.</summary>
internal sealed record Terminal(TextWriter Out, TextWriter Error)
{
    /// <summary>Whether messages go to somebody who sees colours.</summary>
    public bool HasColour { get; init; }

    /// <summary>How the configuration finds environment variables.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    public static Terminal OfProcess() => new(Console.Out, Console.Error)
    {
        HasColour = !Console.IsErrorRedirected
            && string.IsNullOrEmpty(System.Environment.GetEnvironmentVariable("NO_COLOR"))
            && System.Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"),
    };

    /// <summary>A message that is not about a place in a file.</summary>
    public void Say(string sentence) => Error.Write($"fastgate: {sentence}\n");
}
