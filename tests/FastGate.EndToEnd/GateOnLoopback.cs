using FastGate.Gateway.Config;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams.Demo;
using FastGate.Net.Linux;

namespace FastGate.EndToEnd;

/// <summary>A whole gate in this process, over real sockets and with its own threads.</summary>
internal sealed class GateOnLoopback : IDisposable
{
    private readonly EpollTransport _transport;
    private readonly LogWriter _logs;
    private readonly string _logPath = Path.Combine(Path.GetTempPath(), $"fastgate-{Guid.NewGuid():N}.log");
    private readonly string _saidPath = Path.Combine(Path.GetTempPath(), $"fastgate-{Guid.NewGuid():N}.err");
    private bool _closed;

    /// <param name="toml">Its configuration without <c>version</c> and <c>[log]</c>; without a listener it gets one on a
    /// free port of 127.0.0.1.</param>
    /// <param name="lanes">Event loops.</param>
    public GateOnLoopback(string toml, int lanes = 1)
    {
        string listener = toml.Contains("[[listener]]", StringComparison.Ordinal)
            ? ""
            : "[[listener]]\nname = \"web\"\nbind = \"127.0.0.1:0\"\n";
        string text = $"version = 1\n{listener}{toml}\n[log]\naccess = \"json\"\nto = \"{_logPath}\"\n";
        Reading reading = GateFile.ReadText("gate.toml", text, new Surroundings());
        Assert.True(reading.Config is not null, string.Join('\n', reading.Problems));
        LogOptions options = reading.Config!.Gate.Log;
        _logs = new LogWriter(
            options, lanes, new LogLimits(), new ProcessLog(options.Level), LogTarget.OpenFile(_saidPath));
        _transport = new EpollTransport(lanes);
        Gate = GateCompiler.CreateGate(reading.Config.Gate, _transport, _logs);
        DemoUpstream.Start(_transport);
        _transport.Start();
        Gate.Start();
    }

    /// <summary>Everything to one server.</summary>
    public static string To(string server, string route = "", string upstream = "", string rest = "") => $"""
        {rest}
        [upstream.u]
        servers = ["{server}"]
        {upstream}
        [[route]]
        name = "all"
        match = "/*"
        upstream = "u"
        {route}
        """;

    public Gate Gate { get; }

    public EpollTransport Transport => _transport;

    /// <summary>The port of the first listener.</summary>
    public int Port => PortOf(0);

    public Uri Url => new($"http://127.0.0.1:{Port}/");

    public int PortOf(int listener) => Gate.Listeners[listener].Address.Port;

    public Wire Connect() => Wire.Connect(Port);

    /// <summary>Ends the gate; then every line is written.</summary>
    /// <returns>The lines of the access log, one per exchange, in the order they ended.</returns>
    public string[] Close()
    {
        if (!_closed)
        {
            _closed = true;
            _transport.Dispose();
            _logs.Dispose();
        }
        return File.ReadAllLines(_logPath);
    }

    /// <summary>What it says of itself, once a line contains <paramref name="part"/>.</summary>
    public string[] Says(string part)
    {
        string[] said = [];
        Expect.Await(() => (said = File.ReadAllLines(_saidPath)).Any(
            line => line.Contains(part, StringComparison.Ordinal)), $"it did not say '{part}'");
        return said;
    }

    public void Dispose()
    {
        Close();
        File.Delete(_logPath);
        File.Delete(_saidPath);
    }
}
