using System.Diagnostics;
using System.Runtime.InteropServices;
using FastGate.Gateway;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Config;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams.Demo;
using FastGate.Net;
using FastGate.Net.Linux;

namespace FastGate.Cli;

/// <summary>The running process: builds everything with plain <c>new</c>, serves until a signal, drains,
/// ends.</summary>
internal sealed class Serving
{
    private const PosixSignal UserSignal1 = (PosixSignal)10;
    private const int CutMs = 1_000;

    private readonly GateConfig _config;
    private readonly LogWriter _logs;
    private readonly TaskCompletionSource _ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly DateTimeOffset _startedAt = DateTimeOffset.UtcNow;
    private readonly long _startedMs = (long)Stopwatch.GetElapsedTime(0).TotalMilliseconds;
    private int _signals;

    private Serving(GateConfig config, LogWriter logs)
    {
        _config = config;
        _logs = logs;
    }

    /// <param name="config">What to serve.</param>
    /// <param name="warnings">What is to be said of it first; the log says it, which waits for nobody.</param>
    /// <param name="terminal">Where messages go until the log takes over.</param>
    /// <returns>The process's exit code.</returns>
    public static int Run(GateConfig config, string warnings, Terminal terminal)
    {
        int workers = WorkersOf(config.Gate.Server);
        try
        {
            using var logs = new LogWriter(config.Gate.Log, workers);
            if (warnings.Length > 0)
            {
                logs.Process.Print(warnings);
            }
            return new Serving(config, logs).Run(workers);
        }
        catch (IOException exception)
        {
            // The log's file cannot be opened, or there is no descriptor for an event loop.
            terminal.Say(exception.Message);
            return ExitCode.CouldNotStart;
        }
    }

    private static int WorkersOf(ServerOptions server) =>
        server.Workers > 0 ? server.Workers : Environment.ProcessorCount;

    private int Run(int workers)
    {
        // Before anything is bound: from then on a signal must not kill what it should end, or only tell something.
        using PosixSignalRegistration term = OnSignal(PosixSignal.SIGTERM, End);
        using PosixSignalRegistration interrupt = OnSignal(PosixSignal.SIGINT, End);
        using PosixSignalRegistration hangup = OnSignal(PosixSignal.SIGHUP, () => _logs.Process.Warn(
            "SIGHUP: reload is not available yet; restart to apply a new configuration"));
        using PosixSignalRegistration reopen = OnSignal(UserSignal1, _logs.Reopen);
        long descriptors = EpollTransport.RaiseDescriptorLimit();
        WarnOfLimits(descriptors);
        // The admin address outlives the gate's lanes, so that /readyz answers until the end. Where descriptors run out
        // an operator comes before the crowd.
        using var adminTransport = new EpollTransport(1) { LeavesSpare = false };
        using var transport = new EpollTransport(workers);
        transport.Exhausted = SayExhausted;
        adminTransport.Exhausted = SayExhausted;
        Gate gate = GateCompiler.CreateGate(_config.Gate, transport, _logs);
        adminTransport.Lanes[0].MakesRoom = gate.MakeRoom;
        DemoUpstream.Start(transport);
        adminTransport.Start();
        transport.Start();
        if (!TryStart(gate, adminTransport, StatsOf(gate, descriptors), out AdminSite? admin))
        {
            return ExitCode.CouldNotStart;
        }
        SayListening(gate, admin);
        _ending.Task.Wait();
        Drain(gate, admin);
        return ExitCode.Fine;
    }

    private StatsPage StatsOf(Gate gate, long descriptors)
    {
        var facts = new ProcessFacts
        {
            Version = VersionVerb.Number,
            StartedAt = _startedAt,
            StartedMs = _startedMs,
            DescriptorsMax = descriptors > 0 ? descriptors : null,
            LogDropped = () => _logs.Access.Dropped + _logs.Process.Dropped,
            GcPauses = GcPauses.Watch(),
        };
        return new StatsPage(gate, facts, new LoadedConfig(_config.Hash, _startedAt));
    }

    private bool TryStart(Gate gate, EpollTransport adminTransport, StatsPage stats, out AdminSite? admin)
    {
        admin = null;
        try
        {
            admin = StartAdmin(adminTransport, stats, new ServerControl(gate, stats, _logs.Process));
            gate.Start();
        }
        catch (BindException exception)
        {
            // Not past the log: signals are ours by now, and nobody may ever read what is written there.
            _logs.Process.Print($"fastgate: {exception.Message}");
            return false;
        }
        if (admin is not null)
        {
            admin.Readiness = Readiness.Ready;
        }
        return true;
    }

    /// <summary>Null when there is none: two gates that say nothing about it both want the default address, and only
    /// one can have it.</summary>
    /// <exception cref="BindException">The address cannot be had, and somebody asked for it.</exception>
    private AdminSite? StartAdmin(EpollTransport transport, StatsPage stats, ServerControl servers)
    {
        try
        {
            return AdminSite.Start(_config.Admin, transport, stats, servers, _logs.Process);
        }
        catch (BindException exception) when (!_config.Admin.IsAsked)
        {
            _logs.Process.Warn("no admin address: write [admin] listen to choose another one",
                ("error", exception.Message));
            return null;
        }
    }

    /// <summary>Through the log, which never waits: nobody may read standard error.</summary>
    private void SayListening(Gate gate, AdminSite? admin)
    {
        foreach (Listener listener in gate.Listeners)
        {
            _logs.Process.Print($"listening on {UrlOf(listener.Address)}");
        }
        if (admin is not null)
        {
            string url = UrlOf(admin.Address);
            _logs.Process.Print(admin.IsClosed ? $"admin on {url} (/healthz, /readyz; /stats needs a token)"
                : admin.Address.Kind == NetAddress.AddressKind.Unix ? $"admin on {url} (/stats, /healthz, /readyz)"
                : $"admin on {url}/stats (also /healthz, /readyz)");
        }
    }

    private void Drain(Gate gate, AdminSite? admin)
    {
        ProcessLog log = _logs.Process;
        ServerOptions server = _config.Gate.Server;
        if (admin is not null)
        {
            admin.Readiness = Readiness.Draining;
        }
        if (server.DrainDelayMs > 0)
        {
            // Whoever balances load in front of this process has to see /readyz before connections are refused.
            log.Info("not ready any more, draining later", ("drain_delay_ms", server.DrainDelayMs));
            Thread.Sleep((int)Math.Min(server.DrainDelayMs, int.MaxValue));
        }
        int connections = gate.Connections;
        Task drained = gate.DrainAsync();
        // Said once it holds: whoever reads it may count on "Connection: close" in every answer that follows.
        log.Info("draining", ("connections", connections));
        if (!drained.Wait((int)Math.Min(server.DrainMs, int.MaxValue)))
        {
            log.Warn("the time for draining is up, cutting what is open", ("connections", gate.Connections));
            gate.Cut();
            drained.Wait(CutMs);
        }
        log.Info("drained", ("connections", gate.Connections));
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, Action action) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            action();
        });

    /// <summary>The first signal drains, the second ends the process where it stands.</summary>
    private void End()
    {
        if (Interlocked.Increment(ref _signals) == 1)
        {
            _ending.TrySetResult();
            return;
        }
        _logs.Process.Warn("a second signal: ending at once");
        _logs.Drain(TimeSpan.FromMilliseconds(100));
        Environment.Exit(ExitCode.Fine);
    }

    private void SayExhausted(int error) => _logs.Process.Limited(LogLevel.Error, "accept",
        "accepting pauses: out of descriptors or memory", ("errno", error));

    private void WarnOfLimits(long descriptors)
    {
        int connectionsMax = _config.Gate.Client.ConnectionsMax;
        // A client may need a descriptor of an upstream too.
        long reachable = Math.Max(0, (descriptors - 64) / 2);
        if (descriptors > 0 && connectionsMax > reachable)
        {
            _logs.Process.Warn("connections_max cannot be reached: the limit of open files is too low",
                ("connections_max", connectionsMax), ("reachable", reachable), ("open_files", descriptors));
        }
    }

    private static string UrlOf(NetAddress address) => address.Kind == NetAddress.AddressKind.Unix
        ? address.Text
        : address.Text.StartsWith(':') ? $"http://0.0.0.0{address.Text}" : $"http://{address.Text}";
}
