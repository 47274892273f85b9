using System.Text;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Memory;
using FastGate.Net.Time;
using FastGate.Tests.Proxy;

namespace FastGate.Tests.Admin;

/// <summary>An admin address over the memory transport: its clients are moved by hand, and so is the time.</summary>
internal sealed class AdminInMemory : IDisposable
{
    private static readonly NetAddress s_address = NetAddress.Memory("admin:");

    private readonly MemoryTransport _transport = new(1);
    private readonly ProcessLog _log = new(LogLevel.Info);

    /// <param name="options">Bound to loopback without a token if nothing is said.</param>
    /// <param name="stats">Whose numbers it shows; null for nobody's.</param>
    /// <param name="gate">Whose servers it controls; null for nobody's.</param>
    public AdminInMemory(AdminOptions? options = null, StatsPage? stats = null, Gate? gate = null)
    {
        ServerControl? servers = gate is null ? null : new ServerControl(gate, stats!, _log);
        Site = AdminSite.Start(options ?? new AdminOptions(), _transport, s_address, stats, servers, _log);
        _transport.RunUntilIdle();
    }

    public AdminSite Site { get; }

    public void Dispose() => _transport.Dispose();

    public Peer Connect()
    {
        Peer? peer = null;
        _transport.On(0, () =>
        {
            LaneTask<Connection> connect = _transport.ConnectAsync(_transport.Lanes[0], s_address, LaneTimer.Never);
            Assert.True(connect.IsCompleted);
            peer = new Peer(_transport, connect.GetAwaiter().GetResult());
        });
        _transport.RunUntilIdle();
        return peer!;
    }

    /// <summary>One request on a connection of its own.</summary>
    /// <returns>Everything that was answered without any time passing.</returns>
    public string Ask(string request)
    {
        Peer client = Connect();
        client.Send(request);
        return client.Received;
    }

    public void Advance(double milliseconds) => _transport.Advance(TimeSpan.FromMilliseconds(milliseconds));

    /// <summary>What was logged since the last call.</summary>
    public string[] TakeLog()
    {
        var lines = new Queue<byte[]>();
        _log.TakeAll(lines);
        return [.. lines.Select(Encoding.UTF8.GetString)];
    }
}
