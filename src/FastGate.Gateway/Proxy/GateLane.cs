using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Time;
using Microsoft.Extensions.ObjectPool;

namespace FastGate.Gateway.Proxy;

/// <summary>What the gateway keeps per lane: the table in force, exchanges for reuse, counters, the log's ring, and the
/// clients that are connected.</summary>
internal sealed class GateLane
{
    /// <summary>Exchanges that nobody uses may keep this part of <c>memory_max</c>.</summary>
    private const int KeptOfMax = 8;

    /// <summary>Heads of answers that nobody uses; 1.3 KiB each, and 4 at most. Those that are used are the exchanges'
    /// and charged with them.</summary>
    private const int ResponsesKeptMax = 1024;

    private readonly Gate _gate;
    private readonly LaneLog _log;
    private readonly WallClock _wallClock;
    private readonly MemoryRoom _room;
    private readonly ConnectionRoom _connectionRoom;
    private readonly LanePool<Exchange> _exchanges;
    private long _keptBytes;

    public GateLane(Gate gate, Lane lane, GateTable table, LaneStats stats, LaneLog log, TimeProvider clock)
    {
        _gate = gate;
        Lane = lane;
        Table = table;
        Stats = stats;
        _log = log;
        _wallClock = new WallClock(clock);
        _room = new MemoryRoom(this);
        _connectionRoom = new ConnectionRoom(this);
        lane.Memory.Passed = new LaneAction(_room.Make);
        lane.MakesRoom = _connectionRoom.MakeDescriptors;
        var responses = new LanePool<ResponseHead>(new DefaultPooledObjectPolicy<ResponseHead>(), ResponsesKeptMax);
        _exchanges = new LanePool<Exchange>(new ExchangePolicy(this, responses), int.MaxValue);
        Ids = new RequestIds(lane.Index);
        Date = new DateField(clock);
    }

    public Lane Lane { get; }

    /// <summary>The configuration that new exchanges take.</summary>
    public GateTable Table { get; set; }

    public LaneStats Stats { get; }

    public RequestIds Ids { get; }

    public DateField Date { get; }

    public PeerText PeerText { get; } = new();

    /// <summary>For the trailer section being read: a lane reads one at a time. It keeps room for
    /// <see cref="HeaderTable.LinesKept"/> lines from one to the next.</summary>
    public HeaderTable Trailers { get; } = new();

    /// <summary>The gate's own word, not one a lane hears later: from the moment it drains no answer of any lane may
    /// promise another.</summary>
    public bool IsDraining => _gate.IsDraining;

    /// <summary>The clients that live here, linked by <see cref="ClientLoop.NextClient"/>.</summary>
    public ClientLoop? FirstClient { get; private set; }

    /// <summary>Connections over the limit that are being told so.</summary>
    public int Refusals { get; set; }

    public void Add(ClientLoop client)
    {
        client.NextClient = FirstClient;
        if (FirstClient is not null)
        {
            FirstClient.PreviousClient = client;
        }
        FirstClient = client;
        Lane.Memory.Take(ClientCost.ObjectBytes);
        Stats.ClientOpened(client.Listener);
    }

    public void Remove(ClientLoop client)
    {
        if (client.PreviousClient is not null)
        {
            client.PreviousClient.NextClient = client.NextClient;
        }
        else
        {
            FirstClient = client.NextClient;
        }
        if (client.NextClient is not null)
        {
            client.NextClient.PreviousClient = client.PreviousClient;
        }
        Lane.Memory.Give(ClientCost.ObjectBytes);
        Stats.ClientClosed(client.Listener);
        _gate.ConnectionEnded();
    }

    /// <summary>The gate drains: connections that are silent are closed soon.</summary>
    public void BeginDrain()
    {
        for (ClientLoop? client = FirstClient; client is not null; client = client.NextClient)
        {
            client.BeginDrain();
        }
    }

    /// <summary>Ends what is still open.</summary>
    public void CutAll()
    {
        ClientLoop? client = FirstClient;
        while (client is not null)
        {
            ClientLoop? next = client.NextClient;
            client.Cut();
            client = next;
        }
    }

    public Exchange RentExchange()
    {
        Exchange exchange = _exchanges.Get();
        _keptBytes -= exchange.KeptBytes;
        exchange.KeptBytes = 0;
        return exchange;
    }

    public void Return(Exchange exchange) => _exchanges.Return(exchange);

    /// <summary>This lane's part of <c>memory_max</c> is used up.</summary>
    public bool IsOverMemory => Lane.Memory.IsOver;

    /// <summary>Memory is short: the request is refused, and whoever has cost most by waiting makes room.</summary>
    public bool MustRefuse(Exchange exchange)
    {
        if (!IsOverMemory)
        {
            return false;
        }
        exchange.Fail(Reason.Overloaded);
        _room.MakeInTime();
        return true;
    }

    /// <summary><c>connections_max</c> is reached: whether one that is idle ends for a newcomer.</summary>
    public bool TryMakeConnectionRoom() => _connectionRoom.TryMake();

    /// <summary>A connection that was not admitted is closed: a gate that drains may have waited for it.</summary>
    public void ConnectionClosed() => _gate.ConnectionClosed();

    public void ReportBug(Exception bug) => _gate.ReportBug(bug);

    /// <summary>Phase 8.</summary>
    public void Finish(Exchange exchange)
    {
        int status = exchange.ClientGone && !exchange.AnswerBegun ? 499 : exchange.Status;
        Count(exchange, status);
        if (_log.IsOn)
        {
            ExchangeLog.Write(_log, exchange, status, _wallClock);
        }
    }

    /// <summary>A bug ended an exchange. Nothing is logged of it, for what it holds may be half-made; but it is
    /// counted, and its connection's permit is free again.</summary>
    public void Abandon(Exchange exchange)
    {
        exchange.Pooled?.Pool.Drop(exchange.Pooled);
        exchange.Second?.Pool.Drop(exchange.Second);
        exchange.Tries.Clear();
        if (!exchange.IsCounted)
        {
            exchange.Reason = Reason.ProxyInternalError;
            Count(exchange, exchange.AnswerBegun ? exchange.Status : Reason.ProxyInternalError.Status);
        }
    }

    private void Count(Exchange exchange, int status)
    {
        exchange.IsCounted = true;
        Stats.Finished(exchange.Route?.Id ?? LaneStats.NoRoute, status, exchange.Reason, exchange.BodyBytesIn,
            exchange.BodyBytesOut, Lane.Now);
    }

    /// <summary>Keeps what was used for the next one, up to a bound in bytes.</summary>
    private sealed class ExchangePolicy(GateLane lane, ObjectPool<ResponseHead> responses)
        : PooledObjectPolicy<Exchange>
    {
        public override Exchange Create() => new(lane.Lane.Memory, responses);

        public override bool Return(Exchange obj)
        {
            obj.Reset();
            long bytes = obj.HeldBytes;
            if (lane._keptBytes + bytes > lane.Lane.Memory.Max / KeptOfMax)
            {
                obj.Discharge();
                return false;
            }
            lane._keptBytes += bytes;
            obj.KeptBytes = bytes;
            return true;
        }
    }
}
