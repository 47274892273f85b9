using System.Buffers;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Tests.Net;

/// <summary>A transport under test: runs a body on its first lane, makes pairs of connected ends there, and sees to it
/// that afterwards every buffer is back and nothing escaped.</summary>
public abstract class TransportBed : IDisposable
{
    private readonly List<Connection> _tracked = [];
    private readonly List<Exception> _escaped = [];
    private Listener? _listener;

    protected TransportBed(Transport transport)
    {
        Transport = transport;
        foreach (Lane lane in transport.Lanes)
        {
            lane.Escaped = exception =>
            {
                lock (_escaped)
                {
                    _escaped.Add(exception);
                }
            };
        }
    }

    public Transport Transport { get; }

    public Lane Lane => Transport.Lanes[0];

    /// <summary>What the lanes caught. A test that provokes something takes it out.</summary>
    public IReadOnlyList<Exception> TakeEscaped()
    {
        lock (_escaped)
        {
            Exception[] taken = [.. _escaped];
            _escaped.Clear();
            return taken;
        }
    }

    public Listener Listener
    {
        get
        {
            // Asked for by several lanes at once.
            lock (_tracked)
            {
                return _listener ??= Transport.Bind(Address);
            }
        }
    }

    protected abstract NetAddress Address { get; }

    /// <summary>Starts <paramref name="body"/> on a lane's thread and returns when its task is done.</summary>
    protected abstract void Drive(Lane lane, Func<Task> body);

    public void Run(Func<Lane, Task> body)
    {
        Drive(Lane, () => body(Lane));
        foreach (Lane lane in Transport.Lanes)
        {
            Drive(lane, () => SettleAsync(lane));
        }
        Assert.Empty(TakeEscaped());
    }

    /// <summary>Runs on any lane, without the checks at the end.</summary>
    public void On(Lane lane, Func<Task> body) => Drive(lane, body);

    private async Task SettleAsync(Lane lane)
    {
        foreach (Connection connection in _tracked.Where(connection => connection.Lane == lane))
        {
            connection.Close();
        }
        await UntilAsync(lane, () => lane.Buffers.Rented == 0, () => $"{lane.Buffers.Rented} buffers are out");
    }

    /// <summary>Two connected ends on one lane; closed after the test at the latest.</summary>
    public async Task<(Connection Client, Connection Server)> PairAsync(Lane lane)
    {
        LaneTask<Connection?> accepting = Listener.AcceptAsync(lane);
        Connection client = Track(await Transport.ConnectAsync(lane, Listener.Address, lane.Now + 5_000));
        Assert.Equal(ConnectionFault.None, client.Fault);
        Connection? server = await accepting;
        Assert.NotNull(server);
        return (client, Track(server));
    }

    public Connection Track(Connection connection)
    {
        lock (_tracked)
        {
            _tracked.Add(connection);
        }
        return connection;
    }

    /// <summary>Lets time of the lane pass; in memory it costs none.</summary>
    public static Task PassAsync(Lane lane, long milliseconds)
    {
        var pause = new Pause();
        lane.Deadlines.Set(pause, lane.Now + milliseconds);
        return pause.Task;
    }

    /// <summary>Lets what is left to the end of a turn be done: a body that goes on from a socket's readiness is in the
    /// middle of one, and its first yield does not end it.</summary>
    public static async Task TurnAsync(Lane lane)
    {
        await lane.Yield();
        await lane.Yield();
    }

    /// <summary>Waits, ten seconds of the lane at most, for what comes from the other end.</summary>
    public static async Task UntilAsync(Lane lane, Func<bool> condition, Func<string>? what = null)
    {
        long until = lane.Now + 10_000;
        while (!condition())
        {
            Assert.True(lane.Now < until, what?.Invoke() ?? "it did not happen");
            await PassAsync(lane, 1);
        }
    }

    public virtual void Dispose()
    {
        _listener?.Stop();
        Transport.Dispose();
        GC.SuppressFinalize(this);
    }

    private sealed class Pause : LaneTimer
    {
        private readonly TaskCompletionSource _due = new();

        public Task Task => _due.Task;

        protected internal override void OnDue() => _due.SetResult();
    }
}

/// <summary>What the tests of the seam do again and again.</summary>
internal static class Ends
{
    public static byte[] Pattern(int count, int seed = 1)
    {
        byte[] bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static async Task WriteAsync(this Connection connection, byte[] bytes)
    {
        var result = await connection.Output.WriteAsync(bytes.AsMemory());
        Assert.False(result.IsCompleted || result.IsCanceled, "the write failed");
    }

    public static async Task<byte[]> ReadExactlyAsync(this Connection connection, int count)
    {
        byte[] bytes = new byte[count];
        int have = 0;
        while (have < count)
        {
            var read = await connection.Input.ReadAsync();
            Assert.False(read.IsCanceled, "the read was canceled");
            var piece = read.Buffer.Slice(0, Math.Min(count - have, read.Buffer.Length));
            piece.CopyTo(bytes.AsSpan(have));
            have += (int)piece.Length;
            connection.Input.AdvanceTo(piece.End);
            Assert.False(read.IsCompleted && have < count, $"ended after {have} of {count} bytes");
        }
        return bytes;
    }

    /// <summary>Everything up to the end or the break.</summary>
    public static async Task<byte[]> ReadToEndAsync(this Connection connection)
    {
        var bytes = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            Assert.False(read.IsCanceled, "the read was canceled");
            foreach (var piece in read.Buffer)
            {
                bytes.Write(piece.Span);
            }
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return bytes.WrittenSpan.ToArray();
            }
        }
    }
}
