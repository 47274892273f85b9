using System.Diagnostics;
using FastGate.Gateway.Routing;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Buffers;
using FastGate.Net.Time;
using Microsoft.Extensions.ObjectPool;

namespace FastGate.Gateway.Proxy;

/// <summary>One request and its answer: what the numbered phases read and write. Reused; holds no buffer of a
/// connection beyond a phase. It watches its client while nobody reads from it.</summary>
internal sealed partial class Exchange : ConnectionWatch
{
    /// <summary>What one in progress costs in objects, its upstream's connection and what waits for either
    /// included; measured.</summary>
    private const int ObjectBytes = 8 * 1024;
    private const long PaceGraceMs = 10_000;
    /// <summary>For the gate's own answer to a request without a route.</summary>
    private const long IdleMsDefault = 60_000;

    private readonly LaneMemory _memory;
    private readonly byte[] _requestId = new byte[RequestIds.IncomingBytesMax];
    private int _requestIdLength;
    private Slice _clientAddressInHead;

    /// <param name="memory">Charged with what it takes until <see cref="Discharge"/>.</param>
    /// <param name="responses">Of the lane.</param>
    public Exchange(LaneMemory memory, ObjectPool<ResponseHead> responses)
    {
        TotalTimer = new TotalTimer(this);
        _memory = memory;
        _responses = responses;
        memory.Take(HeldBytes);
    }

    /// <summary>Bytes of memory it takes.</summary>
    public long HeldBytes => ObjectBytes + _bufferBytes;

    /// <summary>The same while it is kept for reuse, and 0 while it is used.</summary>
    public long KeptBytes { get; set; }

    public RequestHead Request { get; } = new();

    public PoolWait Wait { get; } = new();

    public Tries Tries { get; } = new();

    public TotalTimer TotalTimer { get; }

    public Connection Client { get; private set; } = null!;

    public GateTable Table { get; private set; } = null!;

    public Route? Route { get; internal set; }

    public RouteMatch<Route> Match;

    /// <summary>The connection the request went to, while it is rented.</summary>
    public PooledConnection? Pooled { get; set; }

    /// <summary>Of those whose routes hedge.</summary>
    public Hedge Hedge => field ??= new Hedge(this);

    /// <summary>The connection of a second copy, while both are under way.</summary>
    public PooledConnection? Second { get; set; }

    /// <summary>The server that was tried last; survives giving the connection back.</summary>
    public Server? Server { get; set; }

    /// <summary>Status of the final answer; 0 while there is none.</summary>
    public int Status { get; internal set; }

    public Reason Reason { get; internal set; }

    /// <summary>The rule that was broken, where that is the <see cref="Reason"/>: one of
    /// <see cref="RuleWords"/>.</summary>
    public byte[]? Rule { get; private set; }

    /// <summary>The client broke its connection before it had its whole answer.</summary>
    public bool ClientGone { get; private set; }

    /// <summary>The time for the whole exchange is over.</summary>
    public bool TimedOut { get; private set; }

    /// <summary>When bytes last moved through the tunnel, in the lane's milliseconds.</summary>
    public long TunnelTouched { get; set; }

    /// <summary>The request may not be forwarded (Max-Forwards: 0): the gate answers it.</summary>
    public bool EndsHere { get; set; }

    /// <summary>Directions of the tunnel that still go on.</summary>
    public int TunnelWays { get; set; }

    /// <summary>The tunnel's upstream has ended its side and takes nothing more.</summary>
    public bool TunnelDeaf { get; set; }

    /// <summary>A byte of a final answer was given to the client: it cannot be replaced any more.</summary>
    public bool AnswerBegun { get; set; }

    public bool IsCounted { get; set; }

    /// <summary>The request's body was read to its end (or there is none).</summary>
    public bool RequestRead { get; set; }

    /// <summary>The client's connection may carry another request.</summary>
    public bool KeepAlive { get; set; }

    /// <summary>How far the head of an answer that comes in pieces was searched.</summary>
    public int Scanned { get; set; }

    public long BodyBytesIn { get; set; }

    public long BodyBytesOut { get; set; }

    /// <summary>The upload is not needed any more: its waits are canceled.</summary>
    public bool UploadCanceled { get; set; }

    public ClientLoop Loop { get; private set; } = null!;

    /// <summary>The peer is one whose forwarding headers are believed.</summary>
    public bool PeerIsTrusted { get; set; }

    /// <summary>The client's address: the peer's, or what a trusted peer says of it.</summary>
    public ReadOnlySpan<byte> ClientAddress =>
        _clientAddressInHead.IsEmpty ? Loop.PeerAddress : _clientAddressInHead.Of(_head);

    public ReadOnlySpan<byte> RequestId => _requestId.AsSpan(0, _requestIdLength);

    /// <summary>The same as a number; null behind a Unix socket.</summary>
    public IpNumber? ClientIp { get; private set; }

    public void SetClientAddress(Slice inHead, IpNumber address)
    {
        _clientAddressInHead = inHead;
        ClientIp = address;
    }

    public void SetRequestId(ReadOnlySpan<byte> id)
    {
        id.CopyTo(_requestId);
        _requestIdLength = id.Length;
    }

    public void NewRequestId(RequestIds ids)
    {
        ids.Write(_requestId);
        _requestIdLength = RequestIds.Length;
    }

    public TemplateValues TemplateValues() => new(Match.Captures, Path)
    {
        Query = Query,
        Host = Authority,
        Scheme = "http"u8,
        ClientIp = ClientAddress,
        RequestId = RequestId,
    };

    // Timestamps in ticks of Stopwatch (nanoseconds on Linux).
    public long StartedAt;
    /// <summary>The head was complete.</summary>
    public long HeadReadAt;
    public long HeadSentAt;
    /// <summary>The whole request was sent.</summary>
    public long SentAt;
    public long AnsweredAt;
    public long AnswerSentAt;
    public long WaitTicks;

    public void Begin(ClientLoop loop, Connection client, GateTable table)
    {
        Loop = loop;
        ClientIp = loop.PeerIp;
        Client = client;
        Table = table;
        StartedAt = Stopwatch.GetTimestamp();
        HeadReadAt = StartedAt;
    }

    public void Reset()
    {
        Loop = null!;
        Client = null!;
        Table = null!;
        PeerIsTrusted = false;
        _clientAddressInHead = default;
        _requestIdLength = 0;
        Route = null;
        Match = default;
        Pooled = null;
        Wait.Forget();
        Tries.Clear();
        Server = null;
        Status = 0;
        ForgetFailure();
        ClientGone = false;
        TimedOut = false;
        EndsHere = false;
        AnswerBegun = false;
        IsCounted = false;
        RequestRead = false;
        KeepAlive = false;
        BodyBytesIn = 0;
        BodyBytesOut = 0;
        HeadReadAt = HeadSentAt = SentAt = AnsweredAt = AnswerSentAt = WaitTicks = 0;
        UploadCanceled = false;
        TunnelDeaf = false;
        Request.Clear();
        ForgetBytes();
    }

    /// <summary>It will not be used again.</summary>
    public void Discharge() => _memory.Give(HeldBytes);

    /// <summary>The head of the request is with the upstream's socket.</summary>
    public void NoteHeadSent() => HeadSentAt = HeadSentAt == 0 ? Stopwatch.GetTimestamp() : HeadSentAt;

    /// <summary>The head of the answer is with the client's socket.</summary>
    public void NoteAnswerSent() => AnswerSentAt = AnswerSentAt == 0 ? Stopwatch.GetTimestamp() : AnswerSentAt;

    /// <summary>Notes why the exchange fails; the first reason stands.</summary>
    public void Fail(Reason reason)
    {
        if (Reason == Reason.None)
        {
            Reason = reason;
        }
    }

    /// <summary>The same, where a rule was broken.</summary>
    public void Fail(Reason reason, byte[]? rule)
    {
        if (Reason == Reason.None)
        {
            Reason = reason;
            Rule = rule;
        }
    }

    /// <summary>There is another try.</summary>
    public void ForgetFailure()
    {
        Reason = Reason.None;
        Rule = null;
    }

    /// <summary>The client is gone: the upstream's work is for nobody, so it is ended at once.</summary>
    public void OnClientGone()
    {
        ClientGone = true;
        Fail(Reason.ClientClosed);
        EndUpstream();
    }

    public void OnTotalTimeout()
    {
        TimedOut = true;
        EndUpstream();
        if (Client.Output.IsWaiting)
        {
            Client.Output.CancelPendingFlush();
        }
        UploadCanceled = true;
        if (Client.Input.IsWaiting)
        {
            Client.Input.CancelPendingRead();
        }
    }

    /// <summary>Ends it from this side, for a reason of our own.</summary>
    public void CutShort(Reason reason)
    {
        Fail(reason);
        OnTotalTimeout();
    }

    /// <summary>The longest gap between bytes.</summary>
    public long IdleMs => Route?.Timeout.IdleMs ?? IdleMsDefault;

    /// <summary>How slowly the client may send or take a body: a pause as long as a gap may be is its right, once it
    /// has moved enough to pay for it.</summary>
    public Pace ClientPace() => new(Table.Client.BodyRateMin, PaceGraceMs, IdleMs);

    /// <summary>An answer begins, and the client's time to take it.</summary>
    public void PaceAnswer() => Client.SetWritePace(ClientPace());

    private void EndUpstream()
    {
        Wait.GiveUp();
        Pooled?.Connection.Abort();
        Second?.Connection.Abort();
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
