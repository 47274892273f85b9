using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace FastGate.Profile;

/// <summary>One run of the gate under the just-in-time compiler, which counts branches and types in methods that it has
/// not optimised yet.</summary>
internal static partial class Recording
{
    private const int SigTerm = 15;
    private static readonly TimeSpan s_endsWithin = TimeSpan.FromSeconds(30);

    /// <param name="program">The gate's assembly.</param>
    /// <returns>The runtime's text of what it counted.</returns>
    public static async Task<string> RunAsync(string program)
    {
        string directory = Directory.CreateTempSubdirectory("fastgate-profile").FullName;
        try
        {
            await using Origin origin = await Origin.StartAsync();
            int port = FreePort();
            string file = Path.Combine(directory, "gate.toml");
            string counts = Path.Combine(directory, "counts");
            await File.WriteAllTextAsync(file, Configuration(port, FreePort(), origin.Port));
            using Process gate = Start(program, file, counts);
            try
            {
                await Traffic.RunAsync(port);
                if (Kill(gate.Id, SigTerm) != 0)
                {
                    throw new Win32Exception();
                }
                using var late = new CancellationTokenSource(s_endsWithin);
                await gate.WaitForExitAsync(late.Token);
                return await File.ReadAllTextAsync(counts);
            }
            finally
            {
                if (!gate.HasExited)
                {
                    gate.Kill();
                }
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static Process Start(string program, string file, string counts)
    {
        var start = new ProcessStartInfo("dotnet", [program, "run", "-c", file]);
        // Framework code that was compiled ahead is counted, too, and every method for its first 8,192 (0x2000) calls.
        foreach ((string key, string value) in new[]
        {
            ("ReadyToRun", "0"), ("TieredPGO", "1"), ("TieredPGO_InstrumentOnlyHotCode", "0"),
            ("TC_CallCountThreshold", "2000"), ("WritePGOData", "1"), ("PGODataPath", counts),
        })
        {
            start.Environment[$"DOTNET_{key}"] = value;
        }
        return Process.Start(start)!;
    }

    /// <summary>What most gates do: one server here, a group there, headers of its own, a line per request.</summary>
    private static string Configuration(int port, int admin, int origin) => string.Create(
        CultureInfo.InvariantCulture, $$"""
        version = 1
        [log]
        to = "/dev/null"
        [server]
        workers = 1
        [admin]
        listen = "127.0.0.1:{{admin}}"
        [[listener]]
        name = "web"
        bind = "127.0.0.1:{{port}}"
        [upstream.one]
        servers = ["127.0.0.1:{{origin}}"]
        [upstream.group]
        servers = ["127.0.0.1:{{origin}}", "127.0.0.2:{{origin}}", "127.0.0.3:{{origin}}"]
        [[route]]
        name = "all"
        match = "/*"
        upstream = "one"
        [[route]]
        name = "items"
        match = "/items/{id}"
        upstream = "group"
        request_headers = { set = { "X-Gate" = "fastgate" } }
        [[route]]
        name = "ping"
        match = "GET /ping"
        respond = { status = 200, body = "pong" }
        """);

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
