using System.Globalization;

namespace FastGate.EndToEnd.Chaos;

/// <summary>What the kernel says of a process (proc(5)): its descriptors, its memory, its TCP connections.</summary>
internal static class ProcessState
{
    private const int Listening = 0x0A;

    /// <summary>Resident memory in bytes.</summary>
    public static long ResidentBytes(int process)
    {
        string pages = File.ReadAllText($"/proc/{process}/statm").Split(' ')[1];
        return long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize;
    }

    /// <summary>What it has open, without the parts of a runtime that compiles: those are opened when they are first
    /// needed, and stay.</summary>
    public static int Descriptors(int process) => Directory.GetFileSystemEntries($"/proc/{process}/fd")
        .Count(descriptor => !TargetOf(descriptor).EndsWith(".dll", StringComparison.Ordinal));

    /// <summary>What its descriptors stand for, in order; without the assemblies that a runtime opens when code first
    /// needs them, and keeps.</summary>
    public static string[] Open(int process) =>
        [.. Directory.GetFileSystemEntries($"/proc/{process}/fd").Select(TargetOf)
            .Where(static target => !target.EndsWith(".dll", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>Connections that the process holds, from clients and to servers; those that the kernel alone remembers
    /// are nobody's.</summary>
    public static (int Client, int Upstream) Connections(int process, int port, IReadOnlyCollection<int> upstreams)
    {
        HashSet<string> own = [.. Directory.GetFileSystemEntries($"/proc/{process}/fd").Select(TargetOf)
            .Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
            .Select(target => target[8..^1])];
        int client = 0;
        int upstream = 0;
        foreach (string line in File.ReadLines($"/proc/{process}/net/tcp").Skip(1))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!own.Contains(fields[9]) || Hex(fields[3]) == Listening)
            {
                continue;
            }
            client += PortOf(fields[1]) == port ? 1 : 0;
            upstream += upstreams.Contains(PortOf(fields[2])) ? 1 : 0;
        }
        return (client, upstream);
    }

    /// <summary>What a descriptor stands for; nothing when it was closed since it was listed.</summary>
    private static string TargetOf(string descriptor)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.Name ?? "";
        }
        catch (FileNotFoundException)
        {
            return "";
        }
    }

    private static int PortOf(string address) => Hex(address[(address.IndexOf(':') + 1)..]);

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
