using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace FastGate.EndToEnd.Differential;

/// <summary>A server with a thread for each connection, all of which can be waited for.</summary>
internal abstract class ThreadServer : IDisposable
{
    private readonly Socket _listener;
    private readonly ConcurrentDictionary<Thread, Socket> _serving = new();
    private readonly Thread _accepting;

    /// <param name="address">Where it listens; port 0 for a free one.</param>
    protected ThreadServer(EndPoint address)
    {
        _listener = Wire.NewSocket(address);
        _listener.Bind(address);
        _listener.Listen(512);
        _accepting = new Thread(Accept) { IsBackground = true };
    }

    /// <summary>As a configuration writes it.</summary>
    public string Address => _listener.LocalEndPoint!.ToString()!;

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Ends every connection and waits for the threads: then nothing can come any more.</summary>
    public void End()
    {
        Dispose();
        Assert.True(_accepting.Join(Wire.BoundMs), "it goes on to accept");
        foreach (Thread thread in _serving.Keys)
        {
            Assert.True(thread.Join(Wire.BoundMs), "a connection of the server does not end");
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (Socket socket in _serving.Values)
        {
            socket.Dispose();
        }
    }

    /// <summary>Begins to accept, when the server is ready for it.</summary>
    protected void Start() => _accepting.Start();

    /// <summary>One connection to its end; a broken one throws and is ended.</summary>
    protected abstract void Serve(Wire wire);

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket accepted = _listener.Accept();
                var thread = new Thread(Serve) { IsBackground = true };
                _serving[thread] = accepted;
                thread.Start(accepted);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private void Serve(object? accepted)
    {
        using var wire = new Wire((Socket)accepted!);
        try
        {
            if (wire.Socket.AddressFamily != AddressFamily.Unix)
            {
                wire.Socket.NoDelay = true;
            }
            Serve(wire);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The peer broke it off, or the test is over.
        }
        finally
        {
            _serving.TryRemove(Thread.CurrentThread, out _);
        }
    }
}
