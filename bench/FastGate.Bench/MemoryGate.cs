using System.IO.Pipelines;
using FastGate.Gateway.Config;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Memory;
using FastGate.Net.Time;

namespace FastGate.Bench;

/// <summary>A whole gate without sockets, between a client and an upstream that are turned by hand: what an exchange
/// costs apart from the kernel.</summary>
internal sealed class MemoryGate : IDisposable
{
    private readonly MemoryTransport _transport = new(1);
    private readonly byte[] _request;
    private readonly byte[] _answer;
    private Connection _client = null!;
    private int _received;

    public MemoryGate(byte[] request, byte[] answer)
    {
        _request = request;
        _answer = answer;
        Reading reading = GateFile.ReadText("bench.toml", """
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
            """, new Surroundings());
        GateOptions options = reading.Config!.Gate;
        Gate gate = GateCompiler.CreateGate(options, _transport, new LogWriter(options.Log, 1));
        _transport.On(0, () => Connect(gate));
        _transport.RunUntilIdle();
    }

    /// <summary>One request and its whole answer.</summary>
    /// <returns>Bytes of the answer.</returns>
    public int Exchange()
    {
        _received = 0;
        _transport.On(0, _send ??= Send);
        _transport.RunUntilIdle();
        return _received;
    }

    private Action? _send;

    private void Send()
    {
        _client.Output.Append(_request);
        _client.Output.SendAsync().GetAwaiter().GetResult();
    }

    private void Connect(Gate gate)
    {
        Lane lane = _transport.Lanes[0];
        Listener upstream = _transport.Bind(NetAddress.Memory("demo:"));
        _ = AnswerAllAsync(upstream, lane);
        Listener front = _transport.Bind(NetAddress.Memory("front:"));
        _client = _transport.ConnectAsync(lane, NetAddress.Memory("front:"), LaneTimer.Never).GetAwaiter().GetResult();
        gate.Accept(front.AcceptAsync(lane).GetAwaiter().GetResult()!, 0);
        _ = ReceiveAsync();
    }

    private async LaneTask ReceiveAsync()
    {
        while (true)
        {
            ReadResult read = await _client.Input.ReceiveAsync();
            _received += (int)read.Buffer.Length;
            _client.Input.AdvanceTo(read.Buffer.End);
        }
    }

    public void Dispose() => _transport.Dispose();

    private async LaneTask AnswerAllAsync(Listener listener, Lane lane)
    {
        while (await listener.AcceptAsync(lane) is { } connection)
        {
            _ = AnswerAsync(connection);
        }
    }

    private async LaneTask AnswerAsync(Connection connection)
    {
        while (true)
        {
            ReadResult read = await connection.Input.ReceiveAsync();
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return;
            }
            connection.Output.Append(_answer);
            await connection.Output.SendAsync();
        }
    }
}
