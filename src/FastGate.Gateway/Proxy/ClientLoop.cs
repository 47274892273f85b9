using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using FastGate.Gateway.Stats;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>A client's connection from its first byte to its last: one request after the other through the numbered
/// phases. The only place that ends a client's connection. While the connection rests it is all there is of it.
/// </summary>
internal sealed partial class ClientLoop : LaneWork
{
    /// <summary>Exchanges of one connection in one turn of its lane; then the others have theirs.</summary>
    private const int ExchangesPerTurnMax = 16;

    /// <summary>How long a draining gate waits for one more request on a silent connection.</summary>
    public const long DrainSilenceMs = 1_000;

    private readonly GateLane _lane;
    private readonly Connection _client;
    private readonly int _listener;
    private Exchange? _exchange;
    private long _turn;
    private int _servedInTurn;
    private int _pipelined;
    private RequestWait _wait = RequestWait.None;
    private byte[]? _addressV6;

    public ClientLoop(GateLane lane, Connection client, int listener)
    {
        _lane = lane;
        _client = client;
        _listener = listener;
        PeerIsTrusted = PeerIp is { } address && lane.Table.TrustedProxies.Contains(address);
    }

    internal ClientLoop? NextClient;
    internal ClientLoop? PreviousClient;

    /// <summary>Which listener it came through.</summary>
    public int Listener => _listener;

    /// <summary>The peer's IP address as text, without its port; good until the lane asks for another one's.</summary>
    public ReadOnlySpan<byte> PeerAddress => _client.RemoteIp switch
    {
        { Length: 4 } v4 => _lane.PeerText.Of(v4),
        { IsEmpty: true } => "unix"u8,
        _ => _addressV6 ??= System.Text.Encoding.ASCII.GetBytes(_client.Remote.Ip!.ToString()),
    };

    /// <summary>The peer's address; null behind a Unix socket.</summary>
    public IpNumber? PeerIp => _client.RemoteIp is { IsEmpty: false } ip ? IpNumber.Of(ip) : null;

    /// <summary>The peer's forwarding headers are believed.</summary>
    public bool PeerIsTrusted { get; }

    /// <summary>The connection was admitted.</summary>
    public void Begin()
    {
        _lane.Add(this);
        Run();
    }

    /// <summary>There is something to read, or the connection's end.</summary>
    protected override void Run() => ServeAsync().Forget();

    /// <summary>Serves the connection until it rests or to its end, one exchange after the other, phase by phase: the
    /// numbers are those of the room's README. All in one method, whose state is the only one that a suspended exchange
    /// has for itself beside the forwarder's. Whatever escapes is a bug of ours: it costs this connection only.
    /// </summary>
    private async LaneTask ServeAsync()
    {
        bool rests = false;
        try
        {
            do
            {
                if (!_client.Input.TryRead(out ReadResult read))
                {
                    Rest();
                    rests = true;
                    return;
                }
                _wait = RequestWait.None;
                if (read.IsCanceled && _client.Input.TryRead(out ReadResult late))
                {
                    // It spoke in the very turn in which its time was up, or its place was wanted.
                    read = late;
                }
                if (!TryBegin(read))
                {
                    break;
                }
                // 1 read head, 2 find route, 3 admit
                if (!TryAdmit(await ReadHeadAsync(_exchange!)))
                {
                    break;
                }
                // 6 forward, 7 give back
                if (IsForwarded(_exchange!))
                {
                    BeginForward(_exchange!);
                    await Forwarder.ForwardAsync(_exchange!, _lane);
                    EndForward(_exchange!);
                }
                // or answer here
                if (!_exchange!.AnswerBegun && !_exchange.ClientGone)
                {
                    await AnswerAsync(_exchange);
                }
                // 8 count and log
                _lane.Finish(_exchange);
            }
            while (await MayGoOnAsync(_exchange));
            await (_isCutIdle ? default : Farewell.LingerAsync(_client, IsLastRequest(_exchange)));
        }
        catch (Exception bug)
        {
            _lane.ReportBug(bug);
            Abandon();
            _client.Abort();
        }
        finally
        {
            if (!rests)
            {
                Release();
                _client.Close();
                _lane.Remove(this);
            }
        }
    }

    /// <summary>Phases 2 and 3. False when the client ended before its request did.</summary>
    private bool TryAdmit(ParseStatus status)
    {
        _wait = RequestWait.None;
        if (status == ParseStatus.Incomplete)
        {
            return false;
        }
        Exchange exchange = _exchange!;
        if (status == ParseStatus.Complete && exchange.Reason == Reason.None)
        {
            RoutePhase.Find(exchange, _lane);
        }
        else
        {
            RoutePhase.Refuse(exchange, _lane, status);
        }
        return true;
    }

    private static bool IsForwarded(Exchange exchange) =>
        exchange.Reason == Reason.None && exchange.Route!.Upstream is not null && !exchange.EndsHere;

    /// <summary>Nothing is here: the connection waits for its next request, or for its end.</summary>
    private void Rest()
    {
        _pipelined = 0;
        _wait = new RequestWait(IsIdle: true, _lane.Lane.Now);
        _client.SetReadDeadline(
            _lane.Lane.Now + (_lane.IsDraining ? DrainSilenceMs : _lane.Table.Client.KeepAliveMs));
        _client.Rest(this);
    }

    /// <summary>The first byte of a request begins an exchange. False when there was none.</summary>
    private bool TryBegin(in ReadResult read)
    {
        if (read.Buffer.IsEmpty)
        {
            return false;
        }
        _client.Input.AdvanceTo(read.Buffer.Start);
        _isCutIdle = false;
        _exchange = _lane.RentExchange();
        _exchange.Begin(this, _client, _lane.Table);
        return true;
    }

    /// <summary>Phase 1. Complete with the head kept, the rule that was broken, or Incomplete when the client is
    /// gone.</summary>
    private LaneTask<ParseStatus> ReadHeadAsync(Exchange exchange)
    {
        int scanned = 0;
        if (_client.Input.TryRead(out ReadResult read))
        {
            ParseStatus status = Parse(exchange, read.Buffer, ref scanned);
            if (status != ParseStatus.Incomplete)
            {
                return new LaneTask<ParseStatus>(status);
            }
            _client.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
        return ReadMoreAsync(exchange, scanned);
    }

    private async LaneTask<ParseStatus> ReadMoreAsync(Exchange exchange, int scanned)
    {
        _client.SetReadDeadline(_lane.Lane.Now + exchange.Table.Client.HeadTimeoutMs);
        _wait = new RequestWait(IsIdle: false, _lane.Lane.Now);
        while (true)
        {
            if (_lane.MustRefuse(exchange))
            {
                return ParseStatus.Complete;
            }
            ReadResult read = await _client.Input.ReceiveAsync();
            if (read.IsCanceled)
            {
                exchange.Fail(_lane.IsOverMemory ? Reason.Overloaded : Reason.ClientTimeout);
                return ParseStatus.Complete;
            }
            ParseStatus status = Parse(exchange, read.Buffer, ref scanned);
            if (status != ParseStatus.Incomplete)
            {
                exchange.HeadReadAt = Stopwatch.GetTimestamp();
                return status;
            }
            if (read.IsCompleted)
            {
                // Half a head and then the end: nothing to answer.
                return ParseStatus.Incomplete;
            }
            _client.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private ParseStatus Parse(Exchange exchange, in ReadOnlySequence<byte> buffer, ref int scanned)
    {
        HeadLimits limits = exchange.Table.RequestLimits;
        ReadOnlySpan<byte> bytes = buffer.IsSingleSegment
            ? buffer.FirstSpan
            : exchange.Straddle(buffer, limits.HeadBytesMax + 1);
        ParseStatus status = RequestParser.Parse(bytes, limits, exchange.Request, ref scanned);
        exchange.ChargeTables();
        if (status == ParseStatus.Complete)
        {
            int length = exchange.Request.Length;
            exchange.KeepHead(bytes[..length]);
            _client.Input.AdvanceTo(buffer.GetPosition(length));
        }
        return status;
    }

    /// <summary>From here the client is watched while nobody reads from it.</summary>
    private void BeginForward(Exchange exchange)
    {
        exchange.KeepAlive = MayKeepAlive(exchange);
        _client.Watch(exchange);
        long totalMs = exchange.Route!.Timeout.TotalMs;
        if (totalMs < Bound.None)
        {
            _lane.Lane.Deadlines.Set(exchange.TotalTimer, _lane.Lane.Now + totalMs);
        }
    }

    private void EndForward(Exchange exchange)
    {
        if (exchange.Route!.Timeout.TotalMs < Bound.None)
        {
            _lane.Lane.Deadlines.Remove(exchange.TotalTimer);
        }
        _client.Watch(null);
        if (exchange.AnswerBegun && exchange.Reason != Reason.None)
        {
            // The answer was cut: only a broken connection says so to every client.
            exchange.KeepAlive = false;
            _client.Abort();
        }
    }

    /// <summary>The gate's own answer: a fixed one, a redirect, or why the request was refused or failed.</summary>
    private async LaneTask AnswerAsync(Exchange exchange)
    {
        exchange.KeepAlive = MayKeepAlive(exchange) && !EndsConnection(exchange) && await SkipBodyAsync(exchange);
        exchange.AnsweredAt = Stopwatch.GetTimestamp();
        OwnAnswer.Write(exchange, _client.Output, _lane);
        exchange.AnswerBegun = true;
        exchange.PaceAnswer();
        _client.SetWriteDeadline(_lane.Lane.Now + exchange.IdleMs);
        FlushResult flushed = await _client.Output.FlushSoonAsync();
        if (flushed.IsCompleted || flushed.IsCanceled)
        {
            exchange.OnClientGone();
        }
    }

    /// <summary>After a head that could not be read the next request's first byte is unknown; a body that was not read
    /// is in its way; and behind CONNECT may be what a client wants to say through a tunnel.</summary>
    private static bool EndsConnection(Exchange exchange) => exchange.Reason is Reason.BadRequest
        or Reason.ClientTimeout or Reason.BodyTooLarge or Reason.TargetTooLong or Reason.ExpectationFailed
        or Reason.HeadTooLarge or Reason.NotImplemented or Reason.VersionNotSupported or Reason.ProxyInternalError
        || exchange.Request.Form == TargetForm.Authority;

    /// <summary>The client has asked for the end, so no request follows (RFC 9112 section 9.6). Nor does what old
    /// clients send behind a body (section 2.2), or the body of a request without a length.</summary>
    private static bool IsLastRequest(Exchange? exchange) => exchange is { Reason: Reason.None }
        && exchange.Request is { KeepAlive: false, Upgrade: false, Framing: BodyFraming.None }
        && exchange.Request.Method is Method.Get or Method.Head;

    private bool MayKeepAlive(Exchange exchange) => exchange.Request.KeepAlive && !_lane.IsDraining
        && _pipelined < exchange.Table.Client.RequestsPipelinedMax;

    /// <summary>A request that is answered here may bring a body: one that is here already is skipped, any other ends
    /// the connection after the answer.</summary>
    private LaneTask<bool> SkipBodyAsync(Exchange exchange)
    {
        if (exchange.Request.Framing == BodyFraming.None || exchange.RequestRead)
        {
            return new LaneTask<bool>(true);
        }
        if (exchange.Request.Framing == BodyFraming.Length && exchange.BodyBytesIn == 0
            && _client.Input.TryRead(out ReadResult read))
        {
            long length = exchange.Request.ContentLength;
            bool isHere = read.Buffer.Length >= length;
            _client.Input.AdvanceTo(isHere ? read.Buffer.GetPosition(length) : read.Buffer.Start);
            return new LaneTask<bool>(isHere);
        }
        return new LaneTask<bool>(false);
    }

    /// <summary>Whether the connection may carry another request: then the exchange is given back, and after a number
    /// of them the others have their turn.</summary>
    private LaneTask<bool> MayGoOnAsync(Exchange exchange)
    {
        if (!exchange.KeepAlive || exchange.ClientGone)
        {
            return new LaneTask<bool>(false);
        }
        Release();
        _pipelined++;
        if (_turn != _lane.Lane.Turn)
        {
            _turn = _lane.Lane.Turn;
            _servedInTurn = 0;
        }
        return ++_servedInTurn < ExchangesPerTurnMax ? new LaneTask<bool>(true) : YieldAsync();
    }

    private async LaneTask<bool> YieldAsync()
    {
        await _lane.Lane.Yield();
        return true;
    }

    /// <summary>After a bug: something may still run on the exchange, so it is never used again; its connection's
    /// permit is.</summary>
    private void Abandon()
    {
        if (_exchange is { } exchange)
        {
            _exchange = null;
            _lane.Abandon(exchange);
            exchange.Discharge();
        }
    }

    private void Release()
    {
        if (_exchange is { } exchange)
        {
            _exchange = null;
            _lane.Return(exchange);
        }
    }
}
