namespace FastGate.Cli;

/// <summary>What the process ends with; scripts depend on it.</summary>
internal static class ExitCode
{
    public const int Fine = 0;

    /// <summary>The configuration is invalid or unreadable.</summary>
    public const int InvalidConfig = 1;

    public const int WrongUsage = 2;

    /// <summary>A port is taken, a permission is missing, the process cannot be reached, the result cannot be
    /// written.</summary>
    public const int CouldNotStart = 4;
}
