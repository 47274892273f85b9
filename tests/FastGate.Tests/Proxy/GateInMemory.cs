using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using FastGate.Gateway.Config;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams.Health;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Memory;
using FastGate.Net.Time;

namespace FastGate.Tests.Proxy;

/// <summary>A whole gate over the memory transport: its clients and its upstream are moved by hand, and so is the
/// time.</summary>
internal sealed class GateInMemory : IDisposable
{
    public const string Plain = """
        version = 1
        [log]
        access = "off"
        [[listener]]
        name = "web"
        bind = "127.0.0.1:8080"
        [upstream.u]
        servers = ["demo:"]
        [[route]]
        name = "all"
        match = "/*"
        upstream = "u"
        """;

    private readonly MemoryTransport _transport = new(1);
    private readonly LogWriter _logs;
    private readonly Listener _front;
    private readonly Gate _gate;

    /// <param name="toml">Its whole configuration.</param>
    /// <param name="clock">The time of day.</param>
    public GateInMemory(string toml = Plain, TimeProvider? clock = null)
    {
        Reading reading = GateFile.ReadText("gate.toml", toml, new Surroundings());
        Assert.True(reading.Config is not null, string.Join('\n', reading.Problems));
        _logs = new LogWriter(reading.Config!.Gate.Log, 1);
        _gate = GateCompiler.CreateGate(reading.Config.Gate, _transport, _logs, clock);
        Listen(NetAddress.Memory("demo:"), Upstream);
        _front = _transport.Bind(NetAddress.Memory("front:"));
    }

    /// <summary>Everything to one upstream, without an access log unless <paramref name="log"/> says where.</summary>
    /// <param name="client">Keys of <c>[client]</c>.</param>
    /// <param name="route">Keys of the last route, which takes everything.</param>
    /// <param name="pool">Keys of the upstream.</param>
    /// <param name="server">Keys of <c>[server]</c>.</param>
    /// <param name="log">Keys of <c>[log]</c>.</param>
    /// <param name="routes">Whole routes before that one.</param>
    public static GateInMemory With(string client = "", string route = "", string pool = "", string server = "",
        string log = "access = \"off\"", string routes = "") => new($$"""
        version = 1
        [log]
        {{log}}
        [server]
        {{server}}
        [client]
        {{client}}
        [[listener]]
        name = "web"
        bind = "127.0.0.1:8080"
        [upstream.u]
        servers = ["demo:"]
        {{pool}}
        {{routes}}
        [[route]]
        name = "all"
        match = "/*"
        upstream = "u"
        {{route}}
        """);

    /// <summary>The upstream's ends, in the order they were dialled.</summary>
    public List<Peer> Upstream { get; } = [];

    /// <summary>Another server, <c>unix:</c> and this path in the configuration: its ends as they are dialled.</summary>
    public List<Peer> Listen(string path, List<Peer>? peers = null)
    {
        peers ??= [];
        Listen(NetAddress.Unix(path), peers);
        return peers;
    }

    public Lane Lane => _transport.Lanes[0];

    public Gate Gate => _gate;

    public void Dispose()
    {
        _transport.Dispose();
        _logs.Dispose();
    }

    public Peer Connect()
    {
        Peer? peer = null;
        _transport.On(0, () =>
        {
            Connection client = Completed(_transport.ConnectAsync(Lane, NetAddress.Memory("front:"), LaneTimer.Never));
            Connection served = Completed(_front.AcceptAsync(Lane))!;
            _gate.Accept(served, 0);
            peer = new Peer(_transport, client, served);
        });
        Run();
        return peer!;
    }

    /// <summary>Connects to a server as the gate would, on the lane.</summary>
    public Connection ConnectNow(NetAddress address) =>
        Completed(_transport.ConnectAsync(Lane, address, LaneTimer.Never));

    /// <summary>Checks of health begin.</summary>
    public void StartChecks()
    {
        HealthCheck.Start(_gate.Upstreams, _transport);
        Run();
    }

    public void Run() => _transport.RunUntilIdle();

    public void Advance(double milliseconds) => _transport.Advance(TimeSpan.FromMilliseconds(milliseconds));

    public void On(Action action)
    {
        _transport.On(0, action);
        Run();
    }

    private void Listen(NetAddress address, List<Peer> peers)
    {
        Listener listener = _transport.Bind(address);
        _transport.On(0, () => _ = AcceptAsync(listener, peers));
    }

    private async Task AcceptAsync(Listener listener, List<Peer> peers)
    {
        while (await listener.AcceptAsync(Lane) is { } connection)
        {
            peers.Add(new Peer(_transport, connection));
        }
    }

    private static T Completed<T>(LaneTask<T> task)
    {
        Assert.True(task.IsCompleted);
        return task.GetAwaiter().GetResult();
    }
}

/// <summary>The other end of one of the gate's connections. What it receives is counted, and kept if asked.</summary>
internal sealed class Peer
{
    private readonly MemoryTransport _transport;
    private readonly Action _send;
    private readonly ArrayBufferWriter<byte> _kept = new(64 * 1024);
    private byte[] _toSend = [];
    private bool _held;

    public Peer(MemoryTransport transport, Connection connection, Connection? served = null)
    {
        Served = served;
        _transport = transport;
        Connection = connection;
        _send = () =>
        {
            Connection.Output.Append(_toSend);
            _ = Connection.Output.SendAsync();
        };
        _ = ReceiveAsync();
    }

    public Connection Connection { get; }

    /// <summary>The gate's end of a client's connection.</summary>
    public Connection? Served { get; }

    public bool Ended { get; private set; }

    public bool Broken => Connection.Fault != ConnectionFault.None;

    /// <summary>Everything received since the last <see cref="Forget"/>.</summary>
    public string Received => Encoding.Latin1.GetString(_kept.WrittenSpan);

    public int ReceivedBytes => _kept.WrittenCount;

    public void Forget() => _kept.ResetWrittenCount();

    /// <summary>Sends and lets everything run until nothing moves any more.</summary>
    public void Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    public void Send(byte[] bytes)
    {
        Queue(bytes);
        _transport.RunUntilIdle();
    }

    /// <summary>Sends without letting anything run yet.</summary>
    public void Queue(byte[] bytes)
    {
        _toSend = bytes;
        _transport.On(0, _send);
    }

    /// <summary>Sends, and the gate receives it ahead of the turn of whoever waits for it.</summary>
    public void QueueAhead(string text)
    {
        Queue(Encoding.Latin1.GetBytes(text));
        _transport.On(0, () => Assert.True(Served!.Input.TryReceiveAhead()));
    }

    /// <summary>Reads no more: its wire fills.</summary>
    public void Hold() => On(() =>
    {
        _held = true;
        Connection.Input.CancelPendingRead();
    });

    /// <summary>After <see cref="Hold"/>: takes what one read brings.</summary>
    /// <returns>How many bytes.</returns>
    public int Take()
    {
        int taken = 0;
        On(() =>
        {
            if (Connection.Input.TryRead(out ReadResult read))
            {
                taken = (int)read.Buffer.Length;
                Ended |= read.IsCompleted;
                Connection.Input.AdvanceTo(read.Buffer.End);
            }
        });
        return taken;
    }

    public void End() => On(Connection.EndOutput);

    public void Reset() => On(() => Connection.Abort());

    private void On(Action action)
    {
        _transport.On(0, action);
        _transport.RunUntilIdle();
    }

    private async LaneTask ReceiveAsync()
    {
        while (true)
        {
            ReadResult read = await Connection.Input.ReceiveAsync();
            foreach (ReadOnlyMemory<byte> piece in read.Buffer)
            {
                _kept.Write(piece.Span);
            }
            Connection.Input.AdvanceTo(read.Buffer.End);
            if (_held)
            {
                return;
            }
            if (read.IsCompleted)
            {
                Ended = true;
                return;
            }
        }
    }
}
