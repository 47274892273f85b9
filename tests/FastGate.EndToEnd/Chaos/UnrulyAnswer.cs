using System.Globalization;
using System.Net.Sockets;
using System.Text;
using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.Chaos;

/// <summary>What an <see cref="UnrulyUpstream"/> does about one request.</summary>
internal sealed class UnrulyAnswer
{
    /// <summary>Heads of answers that break a rule, asked for as <c>rule-N</c>.</summary>
    public static readonly MessageCase[] Rules =
    [
        .. MessageCases.Responses.Where(each => each.Expected is not (ParseStatus.Complete or ParseStatus.Incomplete)),
    ];

    private const int PieceMax = 64 * 1024;
    private const int SmallMax = 4 * 1024;

    private readonly UnrulyUpstream _upstream;
    private readonly AsyncWire _wire;
    private readonly string _head;
    private readonly string _behaviour;
    private readonly bool _isHead;
    private readonly ReadOnlyMemory<byte> _body;
    private readonly string _id;

    public UnrulyAnswer(UnrulyUpstream upstream, AsyncWire wire, string head)
    {
        _upstream = upstream;
        _wire = wire;
        _head = head;
        _isHead = head.StartsWith("HEAD ", StringComparison.Ordinal);
        string[] path = head.Split(' ')[1].Split('/');
        if (path.Length < 3)
        {
            upstream.NoteWrong($"nobody asked for this: {head}");
            (_behaviour, _id) = ("end", "");
            return;
        }
        (_behaviour, _id) = (path[1], path[2]);
        _body = path.Length == 3
            ? Encoding.ASCII.GetBytes(_id)
            : Content.Of(ulong.Parse(_id, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                int.Parse(path[3], CultureInfo.InvariantCulture));
    }

    /// <returns>Whether the connection goes on.</returns>
    public async Task<bool> GiveAsync()
    {
        switch (_behaviour)
        {
            case "eager":
                await SendSizedAsync();
                await _upstream.SkipBodyAsync(_wire, _head);
                return true;
            case "deaf":
                // Answers and goes away over a body it never reads: its end is a reset.
                await SendSizedAsync();
                return false;
            case "no-reader":
                await RefuseToReadAsync();
                return false;
        }
        if (_head.Contains("\r\nExpect: 100-continue\r\n", StringComparison.OrdinalIgnoreCase))
        {
            await _wire.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
        }
        await _upstream.SkipBodyAsync(_wire, _head);
        if (_behaviour.StartsWith("tunnel", StringComparison.Ordinal))
        {
            await new UnrulyTunnel(_upstream, _wire, _behaviour, _body).RunAsync();
            return false;
        }
        return UnrulyUpstream.Good.Contains(_behaviour) || UnrulyUpstream.Stale.Contains(_behaviour)
            ? await GiveGoodAsync()
            : await GiveBadAsync();
    }

    private async Task<bool> GiveGoodAsync()
    {
        switch (_behaviour)
        {
            case "length":
                await SendSizedAsync();
                return true;
            case "chunked":
                await _wire.SendAsync(Head("Transfer-Encoding: chunked"));
                await SendChunksAsync();
                return true;
            case "close":
                await SendAsync(Head("Connection: close"), _body);
                return false;
            case "hints":
                await _wire.SendAsync("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
                await SendSizedAsync();
                return true;
            case "dribble":
                await DribbleAsync();
                return true;
            case "stale":
                await SendSizedAsync();
                return false;
            case "stale-reset":
                await SendSizedAsync();
                // A reset at once would throw away what is on its way.
                if (await _wire.ReadHeadAsync() is not null)
                {
                    _wire.Reset();
                }
                return false;
            default:
                return false;
        }
    }

    private async Task<bool> GiveBadAsync()
    {
        switch (_behaviour)
        {
            case "reset":
                _wire.Reset();
                return false;
            case "garbage":
                await _wire.SendAsync("\0\x01 this is not HTTP\r\n\r\n");
                return false;
            case "half-head":
                await _wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Le");
                return false;
            case "half-body":
                await SendAsync(Head($"Content-Length: {_body.Length + 1000}"), _body);
                return false;
            case "half-chunk":
                string longer = _isHead ? "" : $"{_body.Length + 99:x}\r\n";
                await SendAsync(Head("Transfer-Encoding: chunked") + longer, _body);
                return false;
            case "cut-body":
                await SendAsync(Head($"Content-Length: {_body.Length + 1000}"), _body);
                _wire.Reset();
                return false;
            case "cut-close":
                await SendAsync(Head("Connection: close"), _body);
                _wire.Reset();
                return false;
            case "silent":
                await _wire.ReadHeadAsync();
                return false;
            case "stall":
                await SendAsync(Head($"Content-Length: {_body.Length + 1000}"), _body);
                await _wire.ReadHeadAsync();
                return false;
            case "twice":
                // In one packet: what came later could belong to the next request, for all that anybody can tell.
                await SendAsync(Head($"Content-Length: {_body.Length}"), _body.Length > SmallMax || _isHead ? _body
                    : (byte[])[.. _body.Span, .. "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nnobody"u8]);
                return true;
            case "many-hints":
                for (int i = 0; i < 40; i++)
                {
                    await _wire.SendAsync("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
                }
                await SendSizedAsync();
                return true;
            case "endless-head":
                await _wire.SendAsync("HTTP/1.1 200 OK\r\n");
                while (true)
                {
                    await _wire.SendAsync("X-Endless: 0123456789012345678901234567890123456789\r\n");
                }
            case "wrong-switch":
                await _wire.SendAsync("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
                return false;
            default:
                return await GiveRuleAsync();
        }
    }

    private async Task<bool> GiveRuleAsync()
    {
        if (_behaviour.StartsWith("rule-", StringComparison.Ordinal))
        {
            await _wire.SendAsync(Rules[int.Parse(_behaviour.AsSpan(5), CultureInfo.InvariantCulture)].Bytes);
        }
        else if (_behaviour != "end")
        {
            _upstream.NoteWrong($"nobody asked for this: {_head}");
        }
        return false;
    }

    private string Head(string framing) => $"HTTP/1.1 200 OK\r\nX-Id: {_id}\r\n{framing}\r\n\r\n";

    private Task SendSizedAsync() => SendAsync(Head($"Content-Length: {_body.Length}"), _body);

    private async Task SendAsync(string head, ReadOnlyMemory<byte> body)
    {
        if (_isHead || body.Length > PieceMax)
        {
            await _wire.SendAsync(head);
            await _wire.SendAsync(_isHead ? default : body);
            return;
        }
        await _wire.SendAsync((byte[])[.. Encoding.Latin1.GetBytes(head), .. body.Span]);
    }

    /// <summary>In chunks of all sizes, with a trailer now and then.</summary>
    private async Task SendChunksAsync()
    {
        if (_isHead)
        {
            return;
        }
        int next = 1 + (_id[^1] * 37 % 900);
        for (ReadOnlyMemory<byte> left = _body; !left.IsEmpty;)
        {
            ReadOnlyMemory<byte> chunk = left[..Math.Min(next, left.Length)];
            left = left[chunk.Length..];
            next = Math.Min(next * 3, PieceMax);
            await _wire.SendAsync(
                (byte[])[.. Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"), .. chunk.Span, .. "\r\n"u8]);
        }
        await _wire.SendAsync(_id[0] % 2 == 0 ? "0\r\n\r\n" : "0\r\nX-Trailer: v\r\n\r\n");
    }

    /// <summary>The head and the beginning of the body byte by byte.</summary>
    private async Task DribbleAsync()
    {
        byte[] head = Encoding.Latin1.GetBytes(Head($"Content-Length: {_body.Length}"));
        for (int i = 0; i < head.Length; i++)
        {
            await _wire.SendAsync(head.AsMemory(i, 1));
        }
        int slow = _isHead ? 0 : Math.Min(_body.Length, 100);
        for (int i = 0; i < slow; i++)
        {
            await _wire.SendAsync(_body.Slice(i, 1));
        }
        await _wire.SendAsync(_isHead ? default : _body[slow..]);
    }

    /// <summary>Leaves everything unread until the gate has cut the connection, or long enough that it
    /// should.</summary>
    private async Task RefuseToReadAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (int ticks = 0; ticks < 100 && !_wire.Socket.Poll(0, SelectMode.SelectError); ticks++)
        {
            await timer.WaitForNextTickAsync(_wire.Over);
        }
    }
}
