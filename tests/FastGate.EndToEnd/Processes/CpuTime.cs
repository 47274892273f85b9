using System.Globalization;

namespace FastGate.EndToEnd.Processes;

/// <summary>What a process has used of the CPU, in the kernel's ticks of 10 ms (proc_pid_stat(5)).</summary>
internal static class CpuTime
{
    private const int UserTime = 11;
    private const int SystemTime = 12;
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    /// <summary>Ticks used in the next second.</summary>
    public static async Task<long> InASecondAsync(int process, CancellationToken cancel)
    {
        long before = Ticks(process);
        await Task.Delay(s_second, cancel);
        return Ticks(process) - before;
    }

    /// <summary>Completes when the process used nothing for a while: it has started.</summary>
    public static async Task SettledAsync(int process, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(s_quiet);
        long seen = -1;
        for (long now = Ticks(process); now != seen; now = Ticks(process))
        {
            seen = now;
            await timer.WaitForNextTickAsync(cancel);
        }
    }

    /// <summary>Ticks used so far.</summary>
    public static long Ticks(int process)
    {
        string stat = File.ReadAllText($"/proc/{process}/stat");
        // Behind the name, which may hold anything.
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[UserTime], CultureInfo.InvariantCulture)
            + long.Parse(fields[SystemTime], CultureInfo.InvariantCulture);
    }
}
