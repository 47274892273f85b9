using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace FastGate.EndToEnd.Chaos;

/// <summary>An upstream that behaves as the path of each request asks: <c>/behaviour/id</c>, or
/// <c>/behaviour/id/length</c>. A good answer's body is the id, or <see cref="Content"/> of that length, and nothing it
/// sends of a bad one holds another's. Whole requests must bring the body that their <c>X-Sum</c> promises.</summary>
internal sealed class UnrulyUpstream : IAsyncDisposable
{
    /// <summary>Those that answer 200 with the right body when nothing else goes wrong.</summary>
    public static readonly string[] Good = ["length", "chunked", "close", "hints", "dribble", "eager"];
    public static readonly string[] Bad =
        ["reset", "end", "garbage", "half-head", "half-body", "half-chunk", "cut-body", "silent", "twice"];

    /// <summary>The connection ends behind a whole answer that did not say so, as servers do that restart.</summary>
    public static readonly string[] Stale = ["stale", "stale-reset"];
    public static readonly string[] Worse =
        ["cut-close", "stall", "deaf", "no-reader", "many-hints", "endless-head", "wrong-switch"];

    private readonly Lock _lock = new();
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly CancellationTokenSource _over = new();
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IPEndPoint _address;
    private CancellationTokenSource _generation;
    private Socket _listener;
    private Task _accepting;
    private int _connections = 1;
    private long _requests;

    public UnrulyUpstream()
        : this(0)
    {
    }

    private UnrulyUpstream(int port)
    {
        _generation = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
        _listener = Listen(new IPEndPoint(IPAddress.Loopback, port));
        _address = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync(_listener, _generation.Token);
    }

    /// <summary>At a port that no outgoing connection is given: what restarts must find it free again, and who connects
    /// to a port of the system's own range on which nobody listens may meet himself there.</summary>
    public static UnrulyUpstream AtPortOfItsOwn()
    {
        const int From = 15_000;
        int to = int.Parse(File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t')[0],
            CultureInfo.InvariantCulture);
        while (true)
        {
            try
            {
                return new UnrulyUpstream(Random.Shared.Next(From, to));
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Somebody has it; there are thousands.
            }
        }
    }

    public int Port => _address.Port;

    public string Address => $"127.0.0.1:{Port}";

    /// <summary>Requests that should never have come, or came with another body than was sent.</summary>
    public IReadOnlyCollection<string> Wrong => _wrong;

    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>Stops listening and ends every connection: with a reset where it owes an answer, orderly where it
    /// idles. Until <see cref="Start"/> nobody listens.</summary>
    public async Task StopAsync()
    {
        await _generation.CancelAsync();
        _listener.Dispose();
        await _accepting;
    }

    public void Start()
    {
        _generation.Dispose();
        _generation = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
        _listener = Listen(_address);
        _accepting = AcceptAsync(_listener, _generation.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await StopAsync();
        Leave();
        await _gone.Task;
        _generation.Dispose();
        _over.Dispose();
    }

    public void NoteWrong(string what) => _wrong.Enqueue(what);

    private static Socket Listen(IPEndPoint address)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            listener.Bind(address);
            listener.Listen(512);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync(Socket listener, CancellationToken over)
    {
        try
        {
            while (true)
            {
                Socket socket = await listener.AcceptAsync(over);
                socket.NoDelay = true;
                Enter();
                _ = ServeAsync(new AsyncWire(socket, over));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // It stops.
        }
    }

    private void Enter()
    {
        lock (_lock)
        {
            _connections++;
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            if (--_connections == 0)
            {
                _gone.TrySetResult();
            }
        }
    }

    private async Task ServeAsync(AsyncWire wire)
    {
        bool owes = false;
        try
        {
            while (await wire.ReadHeadAsync() is { } head)
            {
                owes = true;
                Interlocked.Increment(ref _requests);
                if (!await new UnrulyAnswer(this, wire, head).GiveAsync())
                {
                    break;
                }
                owes = false;
            }
        }
        catch (OperationCanceledException) when (owes)
        {
            wire.Reset();
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException
            or EndOfStreamException or ObjectDisposedException)
        {
            // The gate, or the test, has ended it.
        }
        catch (Exception exception)
        {
            NoteWrong($"the upstream cannot read it: {exception}");
        }
        finally
        {
            wire.Dispose();
            Leave();
        }
    }

    /// <summary>Reads the body of a request to its end; a whole one must be what was promised.</summary>
    public async Task SkipBodyAsync(AsyncWire wire, string head)
    {
        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (head.Contains("\r\nTransfer-Encoding: chunked\r\n", StringComparison.Ordinal))
        {
            while (await wire.ReadLineAsync() is var size && size != "0")
            {
                await SkipAsync(wire, int.Parse(size, NumberStyles.HexNumber, CultureInfo.InvariantCulture), sum);
                if (await wire.ReadLineAsync() != "")
                {
                    NoteWrong($"a chunk does not end where it should: {head}");
                }
            }
            while (await wire.ReadLineAsync() != "")
            {
            }
        }
        else
        {
            await SkipAsync(wire, (int)Wire.LengthOf(head), sum);
        }
        if (FieldOf(head, "X-Sum") is { } promised && promised != Convert.ToHexString(sum.GetHashAndReset()))
        {
            NoteWrong($"a request with another body: {head}");
        }
    }

    public static string? FieldOf(string head, string name)
    {
        int at = head.IndexOf($"\r\n{name}: ", StringComparison.OrdinalIgnoreCase);
        if (at < 0)
        {
            return null;
        }
        int from = at + name.Length + 4;
        return head[from..head.IndexOf("\r\n", from, StringComparison.Ordinal)];
    }

    private static async Task SkipAsync(AsyncWire wire, int bytes, IncrementalHash sum)
    {
        while (bytes > 0)
        {
            ReadOnlyMemory<byte> some = await wire.ReadSomeAsync(bytes);
            if (some.IsEmpty)
            {
                throw new EndOfStreamException();
            }
            sum.AppendData(some.Span);
            bytes -= some.Length;
        }
    }
}
