using System.Net.Sockets;

namespace FastGate.EndToEnd.Processes;

/// <summary>Clients that say nothing, and come again whenever they are ended.</summary>
internal sealed class ReturningCrowd : IDisposable
{
    private const int LookMicroseconds = 20_000;

    private readonly GateProcess _gate;
    private readonly List<Socket> _sockets;
    private readonly Thread _thread;
    private volatile bool _over;
    private int _returned;

    public ReturningCrowd(GateProcess gate, int count)
    {
        _gate = gate;
        _sockets = [.. Enumerable.Range(0, count).Select(_ => gate.Connect().Socket)];
        _thread = new Thread(Return) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>How often one of them was ended.</summary>
    public int Returned => Volatile.Read(ref _returned);

    public void Dispose()
    {
        _over = true;
        _thread.Join();
        _sockets.ForEach(static socket => socket.Dispose());
    }

    private void Return()
    {
        while (!_over)
        {
            var ended = new List<Socket>(_sockets);
            Socket.Select(ended, null, null, LookMicroseconds);
            foreach (Socket socket in ended)
            {
                _sockets.Remove(socket);
                socket.Dispose();
                _sockets.Add(_gate.Connect().Socket);
            }
            Interlocked.Add(ref _returned, ended.Count);
        }
    }
}
