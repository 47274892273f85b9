using System.Net;
using System.Net.Sockets;

namespace FastGate.EndToEnd.Upstreams;

internal enum Mood
{
    /// <summary>Answers 200 with its name.</summary>
    Good,

    /// <summary>Nobody listens, and what was open is reset.</summary>
    Refusing,

    /// <summary>Accepts, reads, and never answers.</summary>
    Silent,

    /// <summary>One byte a second.</summary>
    Dribbling,

    /// <summary>Its health is fine; everything else is 503.</summary>
    Lying,

    /// <summary>Resets the connection with each request but for its health.</summary>
    Breaking,
}

/// <summary>A server of threads whose behaviour changes while it is used. Its port stays its own.</summary>
internal sealed class MoodyUpstream : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Socket _reservation;
    private readonly HashSet<Socket> _open = [];
    private readonly ManualResetEventSlim _disposed = new();
    private Socket? _listener;
    private Mood _mood;
    private int _requests;
    private int _checks;
    private int _delayMs;

    public MoodyUpstream(string name = "ok")
    {
        Name = name;
        // Bound and not listening: who connects is refused, and nobody else can have the port.
        _reservation = Bind(0);
        Port = ((IPEndPoint)_reservation.LocalEndPoint!).Port;
        Listen();
    }

    public string Name { get; }

    public int Port { get; }

    public string Address => $"127.0.0.1:{Port}";

    /// <summary>Requests received but those for <c>/healthz</c>.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public int Checks => Volatile.Read(ref _checks);

    /// <summary>How long it takes to answer what is not for its health.</summary>
    public int DelayMs
    {
        get => Volatile.Read(ref _delayMs);
        set => Volatile.Write(ref _delayMs, value);
    }

    public Mood Mood
    {
        get => _mood;
        set
        {
            lock (_lock)
            {
                Mood before = _mood;
                _mood = value;
                if (value == Mood.Refusing)
                {
                    _listener?.Dispose();
                    _listener = null;
                    foreach (Socket socket in _open)
                    {
                        Reset(socket);
                    }
                    _open.Clear();
                }
                else if (before == Mood.Refusing)
                {
                    Listen();
                }
            }
        }
    }

    public void Dispose()
    {
        _disposed.Set();
        Mood = Mood.Refusing;
        _reservation.Dispose();
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Dispose();
        }
        catch (ObjectDisposedException)
        {
            // Its thread was faster.
        }
    }

    private static Socket Bind(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }

    private void Listen()
    {
        Socket listener = Bind(Port);
        listener.Listen(512);
        _listener = listener;
        new Thread(() => Accept(listener)) { IsBackground = true }.Start();
    }

    private void Accept(Socket listener)
    {
        try
        {
            while (true)
            {
                Socket accepted = listener.Accept();
                lock (_lock)
                {
                    if (_listener != listener)
                    {
                        accepted.Dispose();
                        return;
                    }
                    _open.Add(accepted);
                }
                accepted.NoDelay = true;
                new Thread(() => Serve(accepted)) { IsBackground = true }.Start();
            }
        }
        catch (SocketException)
        {
            // It refuses now.
        }
        catch (ObjectDisposedException)
        {
            // The same, a moment earlier.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            var wire = new Wire(socket);
            socket.ReceiveTimeout = 0;
            while (wire.TryReadHead(out string head) && Answer(wire, head))
            {
            }
        }
        catch (SocketException)
        {
            // The gate ended it.
        }
        catch (ObjectDisposedException)
        {
            // The mood did.
        }
        finally
        {
            lock (_lock)
            {
                _open.Remove(socket);
                socket.Dispose();
            }
        }
    }

    /// <returns>Whether the connection goes on.</returns>
    private bool Answer(Wire wire, string head)
    {
        bool isCheck = head.StartsWith("GET /healthz ", StringComparison.Ordinal);
        Interlocked.Increment(ref isCheck ? ref _checks : ref _requests);
        string ok = $"HTTP/1.1 200 OK\r\nContent-Length: {Name.Length}\r\n\r\n{Name}";
        switch (_mood)
        {
            case Mood.Silent:
                _disposed.Wait();
                return false;
            case Mood.Dribbling:
                foreach (char c in ok)
                {
                    wire.Send([(byte)c]);
                    if (_disposed.Wait(1_000))
                    {
                        return false;
                    }
                }
                return true;
            case Mood.Lying when !isCheck:
                wire.Send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
                return true;
            case Mood.Breaking when !isCheck:
                wire.Reset();
                return false;
            default:
                if (!isCheck && DelayMs > 0 && _disposed.Wait(DelayMs))
                {
                    return false;
                }
                wire.Send(ok);
                return !head.Contains("\r\nConnection: close\r\n", StringComparison.Ordinal);
        }
    }
}
