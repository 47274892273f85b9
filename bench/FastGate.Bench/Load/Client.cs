using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using FastGate.Bench.Peers;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Linux;
using FastGate.Net.Time;

namespace FastGate.Bench.Load;

/// <summary>How an exchange ended.</summary>
internal enum Outcome
{
    /// <summary>With the status and the length that were expected.</summary>
    Answered,
    NotConnected,
    WrongStatus,
    WrongLength,
    /// <summary>The connection ended or broke before the whole answer, or no end came that was asked for.</summary>
    Broken,
    /// <summary>No whole answer in time.</summary>
    Unanswered,
}

/// <summary>What all clients of a run have in common. Made on the lane.</summary>
internal sealed class Target
{
    public Target(EpollTransport transport, LoadOptions options)
    {
        Options = options;
        Transport = transport;
        Lane = transport.Lanes[0];
        Address = NetAddress.Tcp(IPAddress.Loopback, options.Port);
        Requests = [.. options.Requests().Select(r => SharedBytes.Of(Lane, r))];
    }

    public LoadOptions Options { get; }

    public EpollTransport Transport { get; }

    public Lane Lane { get; }

    public NetAddress Address { get; }

    /// <summary>The bytes of each request; sent in turn.</summary>
    public ReadOnlySequence<byte>[] Requests { get; }
}

/// <summary>One client: sends a request, checks its answer, and keeps its connection unless told otherwise.</summary>
internal sealed class Client(Target target)
{
    private const int TimeoutMilliseconds = 5_000;

    private readonly Lane _lane = target.Lane;
    private Connection? _connection;

    /// <summary>What it waits on between two exchanges.</summary>
    public LaneSource<long> Turn { get; } = new();

    /// <summary>The connection is there, and the peer has neither ended it nor said anything unasked.</summary>
    public bool IsConnected => _connection is { } connection && connection.IsSilent();

    public async LaneTask<Outcome> ExchangeAsync(ReadOnlySequence<byte> request)
    {
        long due = _lane.Now + TimeoutMilliseconds;
        _connection ??= await target.Transport.ConnectAsync(_lane, target.Address, due);
        Outcome outcome = Outcome.NotConnected;
        if (_connection.Fault == ConnectionFault.None)
        {
            _connection.SetReadDeadline(due);
            FlushResult flush = await _connection.Output.SendAsync(request);
            outcome = flush.IsCanceled ? Outcome.Unanswered
                : flush.IsCompleted ? Outcome.Broken
                : await ReadAnswerAsync(_connection);
        }
        if (outcome != Outcome.Answered || target.Options.Close)
        {
            Close();
        }
        return outcome;
    }

    /// <summary>Its connection idles from here on.</summary>
    public void Rest() => _connection?.SetReadDeadline(LaneTimer.Never);

    public void Close()
    {
        _connection?.Close();
        _connection = null;
    }

    private async LaneTask<Outcome> ReadAnswerAsync(Connection connection)
    {
        // Of the body, once the head was seen; -1 before.
        long left = -1;
        while (true)
        {
            ReadResult read = await connection.Input.ReceiveAsync();
            if (read.IsCanceled || read.IsCompleted)
            {
                return read.IsCanceled ? Outcome.Unanswered : Outcome.Broken;
            }
            ReadOnlySequence<byte> rest = read.Buffer;
            if (left < 0)
            {
                Outcome head = TakeHead(ref rest, out left);
                if (head != Outcome.Answered)
                {
                    return head;
                }
            }
            if (left < 0)
            {
                connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }
            long here = Math.Min(left, rest.Length);
            left -= here;
            rest = rest.Slice(here);
            if (!rest.IsEmpty)
            {
                // More than was announced.
                return Outcome.WrongLength;
            }
            connection.Input.AdvanceTo(read.Buffer.End);
            if (left == 0)
            {
                return target.Options.Close ? await ReadEndAsync(connection) : Outcome.Answered;
            }
        }
    }

    /// <summary>Takes a head that is whole off <paramref name="rest"/>; the length of the body is -1 while it is
    /// not.</summary>
    private Outcome TakeHead(ref ReadOnlySequence<byte> rest, out long length)
    {
        length = -1;
        ReadOnlySpan<byte> bytes = rest.IsSingleSegment ? rest.FirstSpan : rest.ToArray();
        int end = bytes.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return Outcome.Answered;
        }
        ReadOnlySpan<byte> head = bytes[..end];
        if (MessageHead.Status(head) != target.Options.Status)
        {
            return Outcome.WrongStatus;
        }
        length = MessageHead.ContentLength(head);
        if (length < 0 || length != (target.Options.Length ?? length))
        {
            return Outcome.WrongLength;
        }
        rest = rest.Slice(end + 4);
        return Outcome.Answered;
    }

    private static async LaneTask<Outcome> ReadEndAsync(Connection connection)
    {
        ReadResult read = await connection.Input.ReceiveAsync();
        return read.IsCompleted && connection.Fault == ConnectionFault.None && read.Buffer.IsEmpty
            ? Outcome.Answered
            : Outcome.Broken;
    }
}
