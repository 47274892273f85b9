using System.Buffers;
using System.Diagnostics;
using FastGate.Gateway.Routing;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Http;
using FastGate.Net;

namespace FastGate.Gateway.Proxy;

/// <summary>One request and its answer: what the numbered phases read and write. Reused; holds no buffer of a connection
/// beyond a phase. It watches its client while nobody reads from it.</summary>
public sealed class Exchange : ConnectionWatch
{
    private const int HeadBytesKept = 8 * 1024;

    private byte[] _head = new byte[1024];
    private byte[] _path = new byte[256];
    private byte[] _answer = [];
    private int _answerStraddled;
    private readonly byte[] _requestId = new byte[RequestIds.BytesMax];
    private int _requestIdLength;
    private Slice _clientAddressInHead;
    private int _headLength;
    private int _pathLength;
    private int _straddled;
    private bool _pathIsOwn;
    private Slice _pathInHead;

    public Exchange() => TotalTimer = new TotalTimer(this);

    public RequestHead Request { get; } = new();

    public ResponseHead Response { get; } = new();

    internal PoolWait Wait { get; } = new();

    internal TotalTimer TotalTimer { get; }

    public Connection Client { get; private set; } = null!;

    internal GateTable Table { get; private set; } = null!;

    public Route? Route { get; internal set; }

    internal RouteMatch Match;

    /// <summary>The connection the request went to, while it is rented.</summary>
    internal PooledConnection? Pooled { get; set; }

    /// <summary>The server that was tried last; survives giving the connection back.</summary>
    internal Server? Server { get; set; }

    /// <summary>Status of the final answer; 0 while there is none.</summary>
    public int Status { get; internal set; }

    public Reason Reason { get; internal set; }

    /// <summary>The client broke its connection before it had its whole answer.</summary>
    public bool ClientGone { get; private set; }

    /// <summary>The time for the whole exchange is over.</summary>
    internal bool TimedOut { get; private set; }

    /// <summary>When bytes last moved through the tunnel, in the lane's milliseconds.</summary>
    internal long TunnelTouched { get; set; }

    /// <summary>A byte of a final answer was given to the client: it cannot be replaced any more.</summary>
    internal bool AnswerBegun { get; set; }

    /// <summary>The request's body was read to its end (or there is none).</summary>
    internal bool RequestRead { get; set; }

    /// <summary>The client's connection may carry another request.</summary>
    internal bool KeepAlive { get; set; }

    internal long BodyBytesIn { get; set; }

    internal long BodyBytesOut { get; set; }

    /// <summary>The upload is not needed any more: its waits are canceled.</summary>
    internal bool UploadCanceled { get; set; }

    /// <summary>The answer's head where it was received, to which <see cref="Response"/>'s slices refer; valid until it
    /// is consumed.</summary>
    internal ReadOnlyMemory<byte> ResponseBytes { get; set; }

    internal ClientLoop Loop { get; private set; } = null!;

    /// <summary>The peer is one whose forwarding headers are believed.</summary>
    internal bool PeerIsTrusted { get; set; }

    /// <summary>The client's address: the peer's, or what a trusted peer says of it.</summary>
    internal ReadOnlySpan<byte> ClientAddress =>
        _clientAddressInHead.IsEmpty ? Loop.PeerAddress : _clientAddressInHead.Of(_head);

    internal ReadOnlySpan<byte> RequestId => _requestId.AsSpan(0, _requestIdLength);

    internal void SetClientAddress(Slice inHead) => _clientAddressInHead = inHead;

    internal void SetRequestId(ReadOnlySpan<byte> id)
    {
        id.CopyTo(_requestId);
        _requestIdLength = id.Length;
    }

    internal Span<byte> RequestIdRoom => _requestId;

    internal void SetRequestIdLength(int length) => _requestIdLength = length;

    internal TemplateValues TemplateValues() => new()
    {
        Path = Path,
        Query = Query,
        Host = Authority,
        Scheme = "http"u8,
        ClientIp = ClientAddress,
        RequestId = RequestId,
        Captures = Match.Captures,
    };

    // Timestamps in ticks of Stopwatch (nanoseconds on Linux).
    internal long StartedAt;
    internal long SentAt;
    internal long AnsweredAt;
    internal long AnswerSentAt;
    internal long WaitTicks;

    /// <summary>The request head's bytes, to which its slices refer.</summary>
    public ReadOnlySpan<byte> HeadBytes => _head.AsSpan(0, _headLength);

    /// <summary>The normalised path: the client's own bytes where they were normal already.</summary>
    public ReadOnlySpan<byte> Path => _pathIsOwn ? _path.AsSpan(0, _pathLength) : _pathInHead.Of(_head);

    public ReadOnlySpan<byte> Query => Request.Query.Of(_head);

    public ReadOnlySpan<byte> Authority => Request.Authority.Of(_head);

    internal void Begin(ClientLoop loop, Connection client, GateTable table)
    {
        Loop = loop;
        Client = client;
        Table = table;
        StartedAt = Stopwatch.GetTimestamp();
    }

    internal void Reset()
    {
        Loop = null!;
        Client = null!;
        Table = null!;
        PeerIsTrusted = false;
        _clientAddressInHead = default;
        _requestIdLength = 0;
        Route = null;
        Pooled = null;
        Server = null;
        Status = 0;
        Reason = Reason.None;
        ClientGone = false;
        TimedOut = false;
        AnswerBegun = false;
        RequestRead = false;
        KeepAlive = false;
        BodyBytesIn = 0;
        BodyBytesOut = 0;
        SentAt = 0;
        AnsweredAt = 0;
        AnswerSentAt = 0;
        WaitTicks = 0;
        UploadCanceled = false;
        ResponseBytes = default;
        _answerStraddled = 0;
        _headLength = 0;
        _pathLength = 0;
        _straddled = 0;
        _pathIsOwn = false;
        _pathInHead = default;
        if (_head.Length > HeadBytesKept)
        {
            _head = new byte[1024];
        }
        if (_path.Length > HeadBytesKept)
        {
            _path = new byte[256];
        }
        if (_answer.Length > HeadBytesKept)
        {
            _answer = [];
        }
    }

    /// <summary>Keeps the bytes of a complete head: its slices refer to this copy from now on, and the connection's
    /// buffer is free for the body.</summary>
    internal void KeepHead(ReadOnlySpan<byte> head)
    {
        if (_straddled < head.Length)
        {
            Grow(ref _head, head.Length, used: 0);
            head.CopyTo(_head);
        }
        _headLength = head.Length;
        _pathInHead = Request.Path;
    }

    /// <summary>A head that lies in several segments, in one piece: only what is new since the last call is copied, so a
    /// client that dribbles stays linear.</summary>
    internal ReadOnlySpan<byte> Straddle(in ReadOnlySequence<byte> buffer, int bytesMax)
    {
        int length = (int)Math.Min(buffer.Length, bytesMax);
        Grow(ref _head, length, _straddled);
        buffer.Slice(_straddled, length - _straddled).CopyTo(_head.AsSpan(_straddled));
        _straddled = length;
        return _head.AsSpan(0, length);
    }

    /// <summary>The same for the head of an answer.</summary>
    internal ReadOnlyMemory<byte> StraddleResponse(in ReadOnlySequence<byte> buffer, int bytesMax)
    {
        int length = (int)Math.Min(buffer.Length, bytesMax);
        Grow(ref _answer, length, _answerStraddled);
        buffer.Slice(_answerStraddled, length - _answerStraddled).CopyTo(_answer.AsSpan(_answerStraddled));
        _answerStraddled = length;
        return _answer.AsMemory(0, length);
    }

    /// <summary>The head of an answer was used up; the next one starts anew.</summary>
    internal void ForgetResponseHead()
    {
        ResponseBytes = default;
        _answerStraddled = 0;
    }

    /// <summary>Room for a path that must be rewritten.</summary>
    internal Span<byte> PathRoom(int bytes)
    {
        Grow(ref _path, bytes, used: 0);
        return _path;
    }

    internal void SetPath(int length)
    {
        _pathLength = length;
        _pathIsOwn = true;
    }

    private static void Grow(ref byte[] buffer, int needed, int used)
    {
        if (buffer.Length < needed)
        {
            byte[] larger = new byte[Math.Max(needed, buffer.Length * 2)];
            buffer.AsSpan(0, used).CopyTo(larger);
            buffer = larger;
        }
    }

    /// <summary>Notes why the exchange fails; the first reason stands.</summary>
    internal void Fail(Reason reason)
    {
        if (Reason == Reason.None)
        {
            Reason = reason;
        }
    }

    /// <summary>The client is gone: the upstream's work is for nobody, so it is ended at once.</summary>
    internal void OnClientGone()
    {
        ClientGone = true;
        Fail(Reason.ClientClosed);
        EndUpstream();
    }

    internal void OnTotalTimeout()
    {
        TimedOut = true;
        EndUpstream();
    }

    private void EndUpstream()
    {
        Wait.GiveUp();
        Pooled?.Connection.Abort();
    }

    /// <summary>A FIN alone is a legal half-close and still gets its answer; pipelined bytes wait their turn.</summary>
    protected override void OnActivity(Connection connection, bool broken)
    {
        if (broken)
        {
            OnClientGone();
        }
    }
}
