using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FastGate.EndToEnd.Processes;

/// <summary>The program itself as a child process. Whatever a test does, disposing ends it.</summary>
internal sealed partial class GateProcess : IDisposable
{
    public const int Hangup = 1;
    public const int Interrupt = 2;
    public const int User1 = 10;
    public const int Terminate = 15;

    private const int NoFile = 7;

    /// <summary>To run the tests with the native binary: FASTGATE_PROGRAM=/.../out/fastgate dotnet test</summary>
    private static readonly string? s_named = Environment.GetEnvironmentVariable("FASTGATE_PROGRAM");

    private readonly Process _process;
    private readonly Lines? _out;

    private GateProcess(ProcessStartInfo start, bool leaveOut)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        // What the runtime compiles again in the background would be measured and counted as the gate's; the released
        // binary has no such thing.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        // Nor does it wait for a debugger on a named pipe, with a descriptor that /proc does not show while it waits.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        _process = Process.Start(start)!;
        _process.StandardInput.Close();
        Error = new Lines(_process.StandardError);
        _out = leaveOut ? null : new Lines(_process.StandardOutput);
    }

    public static bool IsNative => !string.IsNullOrEmpty(s_named);

    /// <summary>A shell that starts a job in the background has it ignore SIGINT, and so do all its children: then
    /// the signal cannot end a gate here.</summary>
    public static bool IsInterruptIgnored
    {
        get
        {
            string line = File.ReadLines("/proc/self/status")
                .First(each => each.StartsWith("SigIgn:", StringComparison.Ordinal));
            return (Convert.ToUInt64(line[7..].Trim(), 16) & (1UL << (Interrupt - 1))) != 0;
        }
    }

    public int Id => _process.Id;

    /// <summary>Standard output: results, and the access log when it has no path.</summary>
    public Lines Out => _out ?? throw new InvalidOperationException("nobody reads the output of this process");

    /// <summary>Standard error: messages and the process log.</summary>
    public Lines Error { get; }

    /// <summary>The port of the first listener.</summary>
    public int Port { get; private set; }

    public int AdminPort { get; private set; }

    /// <summary>Runs the program.</summary>
    /// <param name="directory">Its current directory.</param>
    /// <param name="arguments">Of the command line.</param>
    public static GateProcess Start(string directory, params string[] arguments) =>
        StartBehind("", directory, arguments);

    /// <inheritdoc cref="Start(string, string[])"/>
    /// <param name="before">Commands of the shell that becomes the program: what is redirected.</param>
    public static GateProcess StartBehind(string before, string directory, params string[] arguments) =>
        new(Command(directory, arguments, before), leaveOut: false);

    /// <summary>Runs the program, which must end by itself, with at most so many open files.</summary>
    public static (int Code, string Out, string Error) RunLimited(string directory, int descriptors)
    {
        using var process = new GateProcess(Command(directory, ["run"], $"ulimit -n {descriptors}"), leaveOut: false);
        int code = process.WaitForExit();
        return (code, Text(process.Out), Text(process.Error));
    }

    /// <summary>Runs the program to its end.</summary>
    /// <returns>Its exit code and everything it wrote.</returns>
    public static (int Code, string Out, string Error) Run(string directory, params string[] arguments)
    {
        using GateProcess process = Start(directory, arguments);
        int code = process.WaitForExit();
        return (code, Text(process.Out), Text(process.Error));
    }

    /// <summary>A gate that serves, with an admin address of its own.</summary>
    /// <param name="scratch">Where its file is written; its current directory.</param>
    /// <param name="toml">Its configuration without <c>version</c> and <c>[admin]</c>; without a listener it gets one
    /// on a free port of 127.0.0.1.</param>
    /// <param name="limit">Of open files, as arguments of <c>ulimit</c> (<c>-n 128</c> is the soft and the hard one);
    /// none leaves it.</param>
    /// <param name="leaveOut">Standard output is a pipe that nobody reads.</param>
    /// <param name="smallYouth">The collector looks after every few megabytes, so that what lies about uncollected is
    /// not taken for a leak.</param>
    public static GateProcess Serve(
        Scratch scratch, string toml, string limit = "", bool leaveOut = false, bool smallYouth = false)
    {
        string listener = toml.Contains("[[listener]]", StringComparison.Ordinal)
            ? ""
            : "[[listener]]\nname = \"web\"\nbind = \"127.0.0.1:0\"\n";
        scratch.Write("gate.toml", $"version = 1\n[admin]\nlisten = \"127.0.0.1:0\"\n{listener}{toml}\n");
        ProcessStartInfo start = Command(scratch.Root, ["run"], limit.Length > 0 ? $"ulimit {limit}" : "");
        if (smallYouth)
        {
            start.Environment["DOTNET_GCgen0size"] = "400000"; // Hexadecimal: 4 MiB.
        }
        var gate = new GateProcess(start, leaveOut);
        try
        {
            gate.AdminPort = PortIn(gate.Error.WaitFor("admin on http://"));
            gate.Port = PortIn(gate.Error.WaitFor("listening on "));
            return gate;
        }
        catch
        {
            gate.Dispose();
            throw;
        }
    }

    /// <summary>Everything to one route's answer.</summary>
    public static string Pong(string rest = "") => $$"""
        [[route]]
        name = "all"
        match = "/*"
        respond = { status = 200, body = "pong" }
        {{rest}}
        """;

    public Wire Connect() => Wire.Connect(Port);

    /// <summary>One request on a connection of its own.</summary>
    /// <returns>The whole answer.</returns>
    public string Get(string path = "/", int port = 0)
    {
        using Wire client = Wire.Connect(port == 0 ? Port : port);
        client.Send($"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        return client.ReadToEnd(out _);
    }

    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>From now on it can open nothing: its limit of open files is the lowest descriptor that is free
    /// (setrlimit(2)).</summary>
    public void TakeAllDescriptors()
    {
        // A file that it had open for a moment is closed the next time, and that descriptor is the limit then.
        for (ulong limit = ulong.MaxValue; LowestFree() is var free && free < limit; limit = free)
        {
            LimitDescriptors(free);
        }
    }

    public void GiveDescriptorsBack() => LimitDescriptors(ulong.MaxValue);

    /// <summary>Its exit code, once it has ended by itself.</summary>
    public int WaitForExit(int boundMs = Wire.BoundMs)
    {
        Assert.True(_process.WaitForExit(boundMs), $"it still runs; it said:\n{string.Join('\n', Error.Now)}");
        return _process.ExitCode;
    }

    /// <summary>Nobody will ever read its standard output.</summary>
    public void CloseOut() => _process.StandardOutput.Close();

    /// <summary>SIGTERM, and all that follows.</summary>
    public void End()
    {
        Signal(Terminate);
        Assert.Equal(0, WaitForExit());
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit(Wire.BoundMs);
        }
        _process.Dispose();
    }

    private static ProcessStartInfo Command(string directory, string[] arguments, string before)
    {
        string[] program = IsNative ? [s_named!] : ["dotnet", Built()];
        string[] command = before.Length > 0
            ? ["bash", "-c", $"{before}; exec \"$@\"", "fastgate", .. program, .. arguments]
            : [.. program, .. arguments];
        var start = new ProcessStartInfo(command[0]) { WorkingDirectory = directory };
        foreach (string argument in command.AsSpan(1))
        {
            start.ArgumentList.Add(argument);
        }
        return start;
    }

    private static string Built() => typeof(GateProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(metadata => metadata.Key == "FastGate.Program").Value!;

    private static int PortIn(string line)
    {
        string rest = line[(line.LastIndexOf(':') + 1)..];
        int digits = rest.TakeWhile(char.IsAsciiDigit).Count();
        return digits == 0 ? 0 : int.Parse(rest.AsSpan(0, digits), CultureInfo.InvariantCulture);
    }

    private void LimitDescriptors(ulong soft)
    {
        ref ResourceLimit none = ref Unsafe.NullRef<ResourceLimit>();
        ResourceLimit limit = default;
        Assert.Equal(0, PrLimit(Id, NoFile, ref none, ref limit));
        limit = limit with { Soft = Math.Min(soft, limit.Hard) };
        Assert.Equal(0, PrLimit(Id, NoFile, ref limit, ref none));
    }

    private ulong LowestFree()
    {
        ulong free = 0;
        while (Path.Exists($"/proc/{Id}/fd/{free}"))
        {
            free++;
        }
        return free;
    }

    private static string Text(Lines lines) => string.Concat(lines.WaitForEnd().Select(line => line + "\n"));

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "prlimit64", SetLastError = true)]
    private static partial int PrLimit(int process, int resource, ref ResourceLimit limit, ref ResourceLimit old);

    private readonly record struct ResourceLimit(ulong Soft, ulong Hard);
}
