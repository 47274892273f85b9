using System.Globalization;

namespace FastGate.EndToEnd.Resources;

/// <summary>What a process holds and waits for, as the kernel says (proc(5)).</summary>
internal static class ProcessState
{
    /// <summary>More connections and rounds than a build server has time for; with what a test says it is.</summary>
    public static bool IsFull => Environment.GetEnvironmentVariable("FASTGATE_FULL") == "1";

    public static int Descriptors(int process) => Directory.GetFiles($"/proc/{process}/fd").Length;

    /// <summary>Of the descriptors those that are sockets: a runtime opens files as it likes, but not these.</summary>
    public static int Sockets(int process) => Directory.GetFiles($"/proc/{process}/fd").Count(IsSocket);

    /// <summary>Bytes of memory in use by the process alone: what files and other processes share of it comes and goes
    /// at the kernel's will.</summary>
    public static long ResidentBytes(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status")
            .Single(each => each.StartsWith("RssAnon:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
            CultureInfo.InvariantCulture);
    }

    /// <summary>Milliseconds that the event loops of a process could have run and waited for a core: a busy machine's
    /// part in their lag. With <paramref name="thread"/> of that one alone.</summary>
    public static long WaitedForCoreMs(int process, int thread = 0)
    {
        long nanoseconds = 0;
        foreach (string task in Directory.GetDirectories($"/proc/{process}/task"))
        {
            try
            {
                bool counts = thread == 0
                    ? File.ReadAllText($"{task}/comm").StartsWith("lane ", StringComparison.Ordinal)
                    : task.EndsWith($"/{thread}", StringComparison.Ordinal);
                if (counts)
                {
                    nanoseconds += long.Parse(File.ReadAllText($"{task}/schedstat").Split(' ')[1],
                        CultureInfo.InvariantCulture);
                }
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // A thread that has ended meanwhile: not a loop.
            }
        }
        return nanoseconds / 1_000_000;
    }

    private static bool IsSocket(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) ?? false;
        }
        catch (IOException)
        {
            // Closed since it was listed.
            return false;
        }
    }
}
