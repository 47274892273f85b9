using System.Runtime.InteropServices;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Config;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Gateway.Upstreams.Demo;
using FastGate.Net;
using FastGate.Net.Linux;

namespace FastGate.Cli;

/// <summary>The running process: builds everything with plain <c>new</c>, serves until a signal, drains,
/// ends.</summary>
internal sealed class Serving
{
    private readonly GateConfig _config;
    private readonly Terminal _terminal;
    private readonly TaskCompletionSource _ending = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _signals;

    private Serving(GateConfig config, Terminal terminal)
    {
        _config = config;
        _terminal = terminal;
    }

    /// <returns>The process's exit code.</returns>
    public static int Run(GateConfig config, Terminal terminal) => new Serving(config, terminal).Run();

    private int Run()
    {
        GateOptions options = _config.Gate;
        int workers = options.Server.Workers > 0 ? options.Server.Workers : Environment.ProcessorCount;
        long descriptors = EpollTransport.RaiseDescriptorLimit();
        LogWriter logs;
        try
        {
            logs = new LogWriter(options.Log, workers);
        }
        catch (IOException exception)
        {
            _terminal.Say($"cannot open the access log: {exception.Message}");
            return ExitCode.CouldNotStart;
        }
        using (logs)
        using (var transport = new EpollTransport(workers))
        {
            transport.Exhausted = error => logs.Process.Limited(LogLevel.Error, "accept",
                "accepting pauses: out of descriptors or memory", ("errno", error));
            WarnOfLimits(options, descriptors, logs.Process);
            Gate gate = GateCompiler.CreateGate(options, transport, logs);
            DemoUpstream.Start(transport);
            transport.Start();
            using var adminTransport = new EpollTransport(1);
            adminTransport.Start();
            return Serve(gate, adminTransport, logs);
        }
    }

    private int Serve(Gate gate, EpollTransport adminTransport, LogWriter logs)
    {
        AdminServer? admin;
        try
        {
            admin = StartAdmin(gate, adminTransport, logs.Process);
            gate.Start();
        }
        catch (BindException exception)
        {
            _terminal.Say(exception.Message);
            return ExitCode.CouldNotStart;
        }
        using PosixSignalRegistration term = OnSignal(PosixSignal.SIGTERM, EndOnce);
        using PosixSignalRegistration interrupt = OnSignal(PosixSignal.SIGINT, EndOnce);
        using PosixSignalRegistration hangup = OnSignal(PosixSignal.SIGHUP,
            () => logs.Process.Warn("SIGHUP: reload is not available yet; restart to apply a new configuration"));
        using PosixSignalRegistration reopen = OnSignal((PosixSignal)10, logs.Reopen);
        foreach (Listener listener in gate.Listeners)
        {
            _terminal.Error.Write($"listening on {UrlOf(listener.Address)}\n");
        }
        if (admin is not null)
        {
            _terminal.Error.Write($"admin on {UrlOf(admin.Address)} (/healthz, /readyz)\n");
            admin.IsReady = true;
        }
        _ending.Task.Wait();
        if (_config.Gate.Server.DrainDelayMs > 0 && admin is not null)
        {
            // Whoever balances over us takes us out first; new connections are still served meanwhile.
            admin.IsReady = false;
            logs.Process.Info("not ready any more; draining begins after drain_delay");
            Thread.Sleep((int)Math.Min(_config.Gate.Server.DrainDelayMs, int.MaxValue));
        }
        Drain(gate, logs.Process);
        return ExitCode.Fine;
    }

    private AdminServer? StartAdmin(Gate gate, EpollTransport transport, ProcessLog log)
    {
        try
        {
            return AdminServer.Start(_config.Admin, gate, transport);
        }
        catch (BindException exception) when (!_config.Admin.IsAsked)
        {
            log.Warn("no admin address: write [admin] listen to choose another one", ("error", exception.Message));
            return null;
        }
    }

    private void Drain(Gate gate, ProcessLog log)
    {
        log.Info("draining", ("connections", gate.Connections));
        Task drained = gate.DrainAsync();
        long limit = Math.Min(_config.Gate.Server.DrainMs, int.MaxValue);
        if (!drained.Wait((int)limit))
        {
            log.Warn("the time for draining is up: cutting what is open", ("connections", gate.Connections));
            gate.Cut();
            drained.Wait(1000);
        }
        log.Info("drained");
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, Action action) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            action();
        });

    /// <summary>The first signal drains, the second ends the process where it stands.</summary>
    private void EndOnce()
    {
        if (Interlocked.Increment(ref _signals) > 1)
        {
            Environment.Exit(ExitCode.Fine);
        }
        _ending.TrySetResult();
    }

    private static void WarnOfLimits(GateOptions options, long descriptors, ProcessLog log)
    {
        // A client may need a descriptor of an upstream too.
        long reachable = (descriptors - 64) / 2;
        if (descriptors > 0 && options.Client.ConnectionsMax > reachable)
        {
            log.Warn("connections_max cannot be reached: the limit of open files is too low",
                ("connections_max", options.Client.ConnectionsMax), ("reachable", reachable),
                ("open_files", descriptors));
        }
    }

    private static string UrlOf(NetAddress address) => address.Kind == NetAddress.AddressKind.Unix
        ? address.Text
        : address.Text.StartsWith(':') ? $"http://0.0.0.0{address.Text}" : $"http://{address.Text}";
}
