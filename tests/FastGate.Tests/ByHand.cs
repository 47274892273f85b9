using System.Globalization;

namespace FastGate.Tests;

/// <summary>Random tests run for seconds with the others, and for as long as one likes by hand (tests/README.md).</summary>
internal static class ByHand
{
    /// <summary>How often, by the environment variable of that name, or as usual where there is none.</summary>
    public static int Iterations(string variable, int usual) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } number
            ? int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture)
            : usual;
}
