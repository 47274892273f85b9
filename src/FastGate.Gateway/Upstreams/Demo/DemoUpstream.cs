using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Upstreams.Demo;

/// <summary>A small HTTP/1.1 server inside the process (<c>servers = ["demo:"]</c>), so that a first run needs nothing
/// else: <c>/</c>, <c>/echo</c>, <c>/delay/{ms}</c>, <c>/status/{code}</c>, <c>/bytes/{n}</c>, <c>/sse</c>, and a
/// WebSocket echo at <c>/ws</c>. The gateway reaches it through the same pool and parser as any other
/// upstream.</summary>
public sealed class DemoUpstream
{
    private static readonly HeadLimits s_limits = new(64 * 1024, 200);
    private const long DelayMsMax = 60_000;
    private const long BytesMax = 1L << 30;

    private readonly Connection _connection;
    private readonly RequestHead _head = new();
    private readonly LanePause _pause;
    private byte[] _headBytes = [];

    private DemoUpstream(Connection connection)
    {
        _connection = connection;
        _pause = new LanePause(connection.Lane);
    }

    /// <summary>Serves the name <c>demo:</c> on every lane of <paramref name="transport"/>.</summary>
    public static void Start(Transport transport)
    {
        Listener listener = transport.Bind(NetAddress.Memory("demo:"));
        foreach (Lane lane in transport.Lanes)
        {
            lane.Post(new LaneAction(() => AcceptAsync(listener, lane).Forget()));
        }
    }

    private static async LaneTask AcceptAsync(Listener listener, Lane lane)
    {
        while (await listener.AcceptAsync(lane) is { } connection)
        {
            new DemoUpstream(connection).RunAsync().Forget();
        }
    }

    private async LaneTask RunAsync()
    {
        try
        {
            while (await ReadHeadAsync() && await AnswerAsync())
            {
            }
        }
        finally
        {
            _connection.Close();
        }
    }

    private ReadOnlySpan<byte> Path => _head.Path.Of(_headBytes);

    private async LaneTask<bool> ReadHeadAsync()
    {
        int scanned = 0;
        while (true)
        {
            ReadResult read = await _connection.Input.ReceiveAsync();
            if (read.Buffer.IsEmpty)
            {
                return false;
            }
            ReadOnlySpan<byte> bytes = read.Buffer.IsSingleSegment ? read.Buffer.FirstSpan : read.Buffer.ToArray();
            ParseStatus status = RequestParser.Parse(bytes, s_limits, _head, ref scanned);
            if (status == ParseStatus.Complete)
            {
                Keep(bytes[.._head.Length]);
                _connection.Input.AdvanceTo(read.Buffer.GetPosition(_head.Length));
                return true;
            }
            if (status != ParseStatus.Incomplete || read.IsCompleted)
            {
                return false;
            }
            _connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private void Keep(ReadOnlySpan<byte> head)
    {
        if (_headBytes.Length < head.Length)
        {
            _headBytes = new byte[Math.Max(1024, head.Length)];
        }
        head.CopyTo(_headBytes);
    }

    private LaneTask<bool> AnswerAsync()
    {
        if (Path.SequenceEqual("/ws"u8) && _head.Upgrade)
        {
            return DemoWebSocket.RunAsync(_connection, _head, _headBytes);
        }
        if (Path.SequenceEqual("/echo"u8))
        {
            return EchoAsync();
        }
        if (Path.SequenceEqual("/sse"u8))
        {
            return SendEventsAsync();
        }
        if (TryNumber("/delay/"u8, DelayMsMax, out long delayMs))
        {
            return DelayAsync(delayMs);
        }
        if (TryNumber("/bytes/"u8, BytesMax, out long bytes))
        {
            return SendBytesAsync(bytes);
        }
        if (TryNumber("/status/"u8, 599, out long status) && status >= 200)
        {
            return TextAsync((int)status, status is 204 or 304 ? ""u8 : "demo\n"u8);
        }
        return Path.SequenceEqual("/"u8)
            ? TextAsync(200, "Hello from FastGate's demo upstream.\n"u8)
            : TextAsync(404, "demo: no such page\n"u8);
    }

    private bool TryNumber(ReadOnlySpan<byte> prefix, long most, out long value)
    {
        value = 0;
        return Path.StartsWith(prefix)
            && Utf8Parser.TryParse(Path[prefix.Length..], out value, out int used)
            && used == Path.Length - prefix.Length && value >= 0 && value <= most;
    }

    /// <summary>A short answer; a body that came with the request is read and forgotten first.</summary>
    private LaneTask<bool> TextAsync(int status, ReadOnlySpan<byte> text)
    {
        bool withBody = status is not 204 and not 304;
        WriteHead(status, "text/plain; charset=utf-8"u8, withBody ? text.Length : -1);
        if (_head.Method != Method.Head && withBody)
        {
            _connection.Output.Append(text);
        }
        return FinishAsync();
    }

    private async LaneTask<bool> DelayAsync(long delayMs)
    {
        await _pause.WaitAsync(delayMs);
        return await TextAsync(200, "demo: waited\n"u8);
    }

    private async LaneTask<bool> SendBytesAsync(long left)
    {
        WriteHead(200, "application/octet-stream"u8, left);
        while (left > 0 && _head.Method != Method.Head)
        {
            Span<byte> room = _connection.Output.GetSpan();
            int count = (int)Math.Min(room.Length, left);
            room[..count].Fill((byte)'x');
            _connection.Output.Advance(count);
            left -= count;
            if ((await _connection.Output.SendAsync()).IsCompleted)
            {
                return false;
            }
        }
        return await FinishAsync();
    }

    /// <summary>One event a second until nobody listens any more.</summary>
    private async LaneTask<bool> SendEventsAsync()
    {
        WriteHead(200, "text/event-stream"u8, -1);
        for (int i = 0; ; i++)
        {
            WriteEvent(i);
            if ((await _connection.Output.SendAsync()).IsCompleted || _connection.Fault != ConnectionFault.None
                || _connection.Input.IsEnded)
            {
                return false;
            }
            await _pause.WaitAsync(1000);
        }
    }

    private void WriteEvent(int number)
    {
        Span<byte> text = stackalloc byte[64];
        "data: {\"tick\":"u8.CopyTo(text);
        Utf8Formatter.TryFormat(number, text[14..], out int digits);
        "}\n\n"u8.CopyTo(text[(14 + digits)..]);
        WriteChunk(text[..(14 + digits + 3)]);
    }

    private void WriteChunk(ReadOnlySpan<byte> data)
    {
        Span<byte> room = _connection.Output.GetSpan(ChunkedEncoder.SizeLineBytesMax);
        _connection.Output.Advance(ChunkedEncoder.WriteSizeLine(room, data.Length));
        _connection.Output.Append(data);
        _connection.Output.Append("\r\n"u8);
    }

    /// <summary>Gives the request's body back as it comes.</summary>
    private async LaneTask<bool> EchoAsync()
    {
        if (_head.Framing != BodyFraming.Chunked)
        {
            return await EchoLengthAsync();
        }
        if (_head.ExpectContinue)
        {
            _connection.Output.Append("HTTP/1.1 100 Continue\r\n\r\n"u8);
        }
        WriteHead(200, "application/octet-stream"u8, -1);
        if (!await ReadChunksAsync(echo: true))
        {
            return false;
        }
        _connection.Output.Append("0\r\n\r\n"u8);
        return !(await _connection.Output.SendAsync()).IsCompleted && _head.KeepAlive;
    }

    /// <summary>Reads a chunked body to its end; false when it ends before that or breaks a rule.</summary>
    private async LaneTask<bool> ReadChunksAsync(bool echo)
    {
        var decoder = new ChunkedDecoder();
        bool last = false;
        while (!last)
        {
            if ((await _connection.Output.SendAsync()).IsCompleted)
            {
                return false;
            }
            ReadResult read = await _connection.Input.ReceiveAsync();
            if (read.Buffer.IsEmpty)
            {
                return false;
            }
            long used = ReadChunks(read.Buffer, echo, ref decoder, out last, out bool broken);
            _connection.Input.AdvanceTo(read.Buffer.GetPosition(used));
            if (broken)
            {
                return false;
            }
        }
        return await SkipTrailersAsync();
    }

    private long ReadChunks(in ReadOnlySequence<byte> buffer, bool echo, ref ChunkedDecoder decoder, out bool last,
        out bool broken)
    {
        long consumed = 0;
        last = false;
        broken = false;
        while (!last && !broken && consumed < buffer.Length)
        {
            ReadOnlySpan<byte> span = buffer.Slice(consumed).FirstSpan;
            ChunkStep step = decoder.Read(span, out int used, out Slice data);
            if (echo && !data.IsEmpty)
            {
                WriteChunk(data.Of(span));
            }
            consumed += used;
            last = step == ChunkStep.LastChunk;
            broken = step == ChunkStep.Broken;
        }
        return consumed;
    }

    private async LaneTask<bool> SkipTrailersAsync()
    {
        var trailers = new HeaderTable();
        int scanned = 0;
        while (true)
        {
            ReadResult read = await _connection.Input.ReceiveAsync();
            byte[] bytes = read.Buffer.ToArray();
            ParseStatus status = TrailerParser.Parse(bytes, s_limits, trailers, ref scanned, out int used);
            if (status == ParseStatus.Complete)
            {
                _connection.Input.AdvanceTo(read.Buffer.GetPosition(used));
                return true;
            }
            if (status != ParseStatus.Incomplete || read.IsCompleted)
            {
                return false;
            }
            _connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private async LaneTask<bool> EchoLengthAsync()
    {
        long left = _head.ContentLength;
        if (_head.ExpectContinue && left > 0)
        {
            _connection.Output.Append("HTTP/1.1 100 Continue\r\n\r\n"u8);
        }
        WriteHead(200, "application/octet-stream"u8, left);
        while (left > 0)
        {
            if ((await _connection.Output.SendAsync()).IsCompleted)
            {
                return false;
            }
            ReadResult read = await _connection.Input.ReceiveAsync();
            if (read.Buffer.IsEmpty)
            {
                return false;
            }
            ReadOnlySequence<byte> piece = read.Buffer.Length > left ? read.Buffer.Slice(0, left) : read.Buffer;
            left -= piece.Length;
            if (_head.Method != Method.Head && (await _connection.Output.SendAsync(piece)).IsCompleted)
            {
                return false;
            }
            _connection.Input.AdvanceTo(piece.End);
        }
        return !(await _connection.Output.SendAsync()).IsCompleted && _head.KeepAlive;
    }

    /// <summary>Sends what was written and reads past the request's body.</summary>
    private async LaneTask<bool> FinishAsync()
    {
        if ((await _connection.Output.SendAsync()).IsCompleted)
        {
            return false;
        }
        if (_head.Framing == BodyFraming.Chunked)
        {
            return await ReadChunksAsync(echo: false) && _head.KeepAlive;
        }
        long left = _head.ContentLength;
        while (left > 0)
        {
            ReadResult read = await _connection.Input.ReceiveAsync();
            if (read.Buffer.IsEmpty)
            {
                return false;
            }
            long count = Math.Min(left, read.Buffer.Length);
            left -= count;
            _connection.Input.AdvanceTo(read.Buffer.GetPosition(count));
        }
        return _head.KeepAlive;
    }

    /// <param name="status">Status code.</param>
    /// <param name="contentType">Value of Content-Type.</param>
    /// <param name="length">Bytes of the body; -1: chunked where a body is allowed.</param>
    private void WriteHead(int status, ReadOnlySpan<byte> contentType, long length)
    {
        var writer = new HeadWriter(_connection.Output.GetSpan(256));
        writer.StatusLine(status, default);
        writer.Field("Content-Type"u8, contentType);
        if (length >= 0)
        {
            writer.Raw("Content-Length: "u8);
            writer.Number(length);
            writer.Raw("\r\n"u8);
        }
        else if (status is not 204 and not 304)
        {
            writer.Raw("Transfer-Encoding: chunked\r\n"u8);
        }
        writer.Raw("\r\n"u8);
        _connection.Output.Advance(writer.Length);
    }
}
