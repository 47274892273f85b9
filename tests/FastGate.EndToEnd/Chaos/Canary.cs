using System.Diagnostics;
using System.Net.Sockets;

namespace FastGate.EndToEnd.Chaos;

/// <summary>Asks the gate for something small all the time, over connections it keeps and over new ones, from a thread
/// of its own: as soon as a lane stalls, or ends a connection that did nothing wrong, it complains.</summary>
internal sealed class Canary : IDisposable
{
    private const int Kept = 6;
    private const int PaceMs = 250;
    /// <summary>Far above what a busy machine makes of a turn of a lane.</summary>
    private const long StalledMs = 8_000;

    private static readonly string s_ask = "GET /pong HTTP/1.1\r\nHost: h\r\n\r\n";

    private readonly Tally _tally;
    private readonly int _port;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _over = new();
    private long _slowestMs;
    private long _asked;

    public Canary(int port, Tally tally)
    {
        _port = port;
        _tally = tally;
        _thread = new Thread(Run) { IsBackground = true, Name = "canary" };
        _thread.Start();
    }

    public long Asked => Interlocked.Read(ref _asked);

    /// <summary>The longest time an answer took since this was asked last.</summary>
    public long TakeSlowestMs() => Interlocked.Exchange(ref _slowestMs, 0);

    public void Dispose()
    {
        _over.Set();
        Assert.True(_thread.Join(2 * Wire.BoundMs), "the canary is stuck");
        _over.Dispose();
    }

    private void Run()
    {
        try
        {
            Wire[] kept = [.. Enumerable.Range(0, Kept).Select(_ => Wire.Connect(_port))];
            do
            {
                foreach (Wire wire in kept)
                {
                    Ask(wire, "a kept connection");
                }
                using Wire fresh = Wire.Connect(_port);
                Ask(fresh, "a new connection");
            }
            while (!_over.Wait(PaceMs));
            foreach (Wire wire in kept)
            {
                wire.Dispose();
            }
        }
        catch (Exception exception)
        {
            _tally.Complain($"the canary fell silent: {exception}");
        }
    }

    private void Ask(Wire wire, string which)
    {
        long from = Stopwatch.GetTimestamp();
        wire.Send(s_ask);
        string body = wire.ReadMessage().Body;
        long ms = (long)Stopwatch.GetElapsedTime(from).TotalMilliseconds;
        Interlocked.Increment(ref _asked);
        InterlockedMax(ref _slowestMs, ms);
        if (body != "pong" || ms > StalledMs)
        {
            _tally.Complain($"{which}: '{body}' after {ms} ms");
        }
    }

    private static void InterlockedMax(ref long place, long value)
    {
        long seen = Interlocked.Read(ref place);
        while (value > seen && Interlocked.CompareExchange(ref place, value, seen) is var found && found != seen)
        {
            seen = found;
        }
    }
}
