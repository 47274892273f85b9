using System.Net;
using System.Net.Sockets;

namespace FastGate.EndToEnd;

/// <summary>An upstream that is moved by hand: a test accepts each connection and says every byte.</summary>
internal sealed class HandUpstream : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public HandUpstream(int backlog = 512)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(backlog);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    public string Address => $"127.0.0.1:{Port}";

    public Wire Accept()
    {
        Assert.True(_listener.Poll(Wire.BoundMs * 1000, SelectMode.SelectRead), "nobody connects");
        Socket accepted = _listener.Accept();
        accepted.NoDelay = true;
        return new Wire(accepted);
    }

    /// <summary>Whether a connection waits to be accepted.</summary>
    public bool HasPending => _listener.Poll(0, SelectMode.SelectRead);

    public void Dispose() => _listener.Dispose();
}
