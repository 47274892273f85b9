using FastGate.Fuzz.Targets;

namespace FastGate.Fuzz;

/// <summary>Inputs one after the other, without the fuzzer: a kept corpus, or what it crashed on.</summary>
internal static class Replay
{
    /// <returns>False when there was nothing to replay, or a demand does not hold.</returns>
    public static bool Run(Action<byte[]> target, IReadOnlyList<string> paths, TextWriter output)
    {
        int count = 0;
        int violations = 0;
        if (paths.FirstOrDefault(path => !Path.Exists(path)) is { } missing)
        {
            output.WriteLine($"{missing}: not there");
            return false;
        }
        foreach (string file in paths.SelectMany(Files))
        {
            count++;
            try
            {
                target(File.ReadAllBytes(file));
            }
            catch (Exception violation)
            {
                violations++;
                output.WriteLine($"{file}: {(violation is ViolationException ? violation.Message : violation)}");
            }
        }
        output.WriteLine($"{count} inputs, {violations} violations");
        return count > 0 && violations == 0;
    }

    /// <summary>afl-fuzz leaves a note beside its crashes, and its own files begin with a dot.</summary>
    private static IEnumerable<string> Files(string path) => Directory.Exists(path)
        ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) is not "README.txt" && !file.Contains("/.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
        : [path];
}
