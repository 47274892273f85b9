using System.Diagnostics;

namespace FastGate.EndToEnd.Differential;

/// <summary>Programs of others that are started for a test and ended with it.</summary>
internal static class Child
{
    /// <summary>Starts it with pipes on its three ends.</summary>
    public static Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }
        return Process.Start(start)!;
    }

    public static void End(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit(Wire.BoundMs);
        }
        process.Dispose();
    }
}
