using System.Diagnostics.CodeAnalysis;

namespace FastGate.Fuzz.Targets;

/// <summary>What a target demands of the code under it; the fuzzer takes the exception for a crash.</summary>
internal static class Demand
{
    public static void That([DoesNotReturnIf(false)] bool holds, string demand)
    {
        if (!holds)
        {
            throw new ViolationException(demand);
        }
    }

    public static void Same<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
        {
            throw new ViolationException($"{what}: expected '{expected}', got '{actual}'");
        }
    }

    public static void SameBytes(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, string what)
    {
        if (!expected.SequenceEqual(actual))
        {
            Same(Plain.Text(expected), Plain.Text(actual), what);
        }
    }
}

/// <summary>A demand does not hold.</summary>
internal sealed class ViolationException(string demand) : Exception(demand);
