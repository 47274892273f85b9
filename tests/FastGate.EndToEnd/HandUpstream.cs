using System.Net;
using System.Net.Sockets;

namespace FastGate.EndToEnd;

/// <summary>An upstream that is moved by hand: a test accepts each connection and says every byte.</summary>
internal sealed class HandUpstream : IDisposable
{
    private readonly Socket _listener;

    public HandUpstream(int backlog = 512)
        : this(new IPEndPoint(IPAddress.Loopback, 0), backlog)
    {
    }

    public HandUpstream(EndPoint address, int backlog = 512)
    {
        _listener = Wire.NewSocket(address);
        _listener.Bind(address);
        _listener.Listen(backlog);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>As a configuration writes it.</summary>
    public string Address => _listener.LocalEndPoint is IPEndPoint ip ? ip.ToString() : $"unix:{_listener.LocalEndPoint}";

    public Wire Accept()
    {
        Assert.True(_listener.Poll(Wire.BoundMs * 1000, SelectMode.SelectRead), "nobody connects");
        Socket accepted = _listener.Accept();
        if (accepted.AddressFamily != AddressFamily.Unix)
        {
            accepted.NoDelay = true;
        }
        return new Wire(accepted);
    }

    /// <summary>Whether a connection waits to be accepted.</summary>
    public bool HasPending => _listener.Poll(0, SelectMode.SelectRead);

    public void Dispose() => _listener.Dispose();
}
