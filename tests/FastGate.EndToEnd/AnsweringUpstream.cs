using System.Net;
using System.Net.Sockets;

namespace FastGate.EndToEnd;

/// <summary>An upstream of threads that gives the same answer to every request without a body.</summary>
internal sealed class AnsweringUpstream : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly string _answer;
    private readonly bool _closes;
    private int _accepted;

    public AnsweringUpstream(string answer)
    {
        _answer = answer;
        _closes = answer.Contains("\r\nConnection: close\r\n", StringComparison.Ordinal);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public string Address => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}";

    /// <summary>Connections since the start.</summary>
    public int Accepted => Volatile.Read(ref _accepted);

    public void Dispose() => _listener.Dispose();

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket accepted = _listener.Accept();
                Interlocked.Increment(ref _accepted);
                accepted.NoDelay = true;
                if (_closes)
                {
                    // One answer, and it is over: a thread for each would wait for the processor longer than the gate
                    // takes, wherever there is other work.
                    Serve(new Wire(accepted));
                    continue;
                }
                new Thread(() => Serve(new Wire(accepted))) { IsBackground = true }.Start();
            }
        }
        catch (SocketException)
        {
            // Disposed: the test is over.
        }
    }

    private void Serve(Wire wire)
    {
        using (wire)
        {
            try
            {
                while (wire.TryReadHead())
                {
                    wire.Send(_answer);
                    if (_closes)
                    {
                        return;
                    }
                }
            }
            catch (SocketException)
            {
                // The gate ended it.
            }
        }
    }
}
