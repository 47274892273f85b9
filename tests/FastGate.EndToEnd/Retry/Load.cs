using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace FastGate.EndToEnd.Retry;

/// <summary>Clients that ask one request after the other until they are ended, and what became of each.</summary>
internal sealed class Load : IDisposable
{
    private readonly ConcurrentQueue<Asked> _asked = new();
    private readonly Thread[] _clients;
    private volatile bool _ends;

    public Load(int port, int clients, string request = Expect.Get)
    {
        _clients = [.. Enumerable.Range(0, clients).Select(_ => new Thread(() => Ask(port, request)) { IsBackground = true })];
        Array.ForEach(_clients, client => client.Start());
    }

    /// <summary>Every request that has ended so far.</summary>
    public IReadOnlyCollection<Asked> Now => _asked;

    /// <summary>Waits for so many more.</summary>
    public void Await(int more)
    {
        int count = _asked.Count + more;
        Expect.Await(() => _asked.Count >= count, $"fewer than {count} requests ended");
    }

    /// <summary>Every request, all of them ended.</summary>
    public Asked[] End()
    {
        _ends = true;
        Assert.All(_clients, client => Assert.True(client.Join(Wire.BoundMs), "a client is stuck"));
        return [.. _asked];
    }

    public void Dispose() => _ends = true;

    private void Ask(int port, string request)
    {
        Wire? client = null;
        while (!_ends)
        {
            long from = Stopwatch.GetTimestamp();
            string head = "";
            string body = "";
            bool isCut = false;
            try
            {
                client ??= Wire.Connect(port);
                client.Send(request);
                head = client.TryReadHead(out string read) ? read : "";
                isCut = head.Length > 0;
                body = head.Length > 0 ? client.ReadExactly((int)Wire.LengthOf(head)) : "";
                isCut = false;
            }
            catch (Exception exception) when (exception is SocketException or Xunit.Sdk.XunitException)
            {
                // Cut: what was there by then says what it was.
            }
            if (head.Length == 0 || isCut || head.Contains("\r\nConnection: close\r\n", StringComparison.Ordinal))
            {
                client?.Dispose();
                client = null;
            }
            _asked.Enqueue(new Asked(head.Length == 0 ? 0 : Wire.StatusOf(head), body, isCut, from, Stopwatch.GetTimestamp()));
        }
        client?.Dispose();
    }
}

/// <summary>One request and its end: a status of 0 is no byte of an answer; times are the stopwatch's.</summary>
internal sealed record Asked(int Status, string Body, bool IsCut, long From, long Until)
{
    public bool IsFine => Status == 200 && !IsCut;

    /// <summary>Failed, and no byte of a server's answer had gone out.</summary>
    public bool IsLost => Status != 200;

    public double Ms => Stopwatch.GetElapsedTime(From, Until).TotalMilliseconds;
}
