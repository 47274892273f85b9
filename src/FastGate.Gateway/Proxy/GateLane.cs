using FastGate.Gateway.Stats;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Time;
using Microsoft.Extensions.ObjectPool;

namespace FastGate.Gateway.Proxy;

/// <summary>What the gateway keeps per lane: the table in force, exchanges for reuse, counters, the log's ring, and the
/// clients that are connected.</summary>
internal sealed class GateLane
{
    private const int ExchangesKeptMax = 16 * 1024;
    /// <summary>What an idle client's connection costs in objects, measured.</summary>
    private const int ClientBytes = 2 * 1024;
    private const int RoomConnections = 64;
    private const long RoomEveryMs = 100;

    private readonly Gate _gate;
    private readonly LaneLog _log;
    private readonly WallClock _wallClock = new();
    private readonly long _memoryMax;
    private ClientLoop? _clients;
    private long _nextRoomAt;

    public GateLane(Gate gate, Lane lane, GateTable table, LaneStats stats, LaneLog log, long memoryMax)
    {
        _gate = gate;
        Lane = lane;
        Table = table;
        Stats = stats;
        _memoryMax = memoryMax;
        _log = log;
        Exchanges = new DefaultObjectPool<Exchange>(new ExchangePolicy(), ExchangesKeptMax);
        Ids = new RequestIds(lane.Index);
        Date = new DateField();
    }

    public Lane Lane { get; }

    /// <summary>The configuration that new exchanges take.</summary>
    public GateTable Table { get; set; }

    public LaneStats Stats { get; }

    public ObjectPool<Exchange> Exchanges { get; }

    public RequestIds Ids { get; }

    public DateField Date { get; }

    /// <summary>For the trailer section being read: a lane reads one at a time.</summary>
    public HeaderTable Trailers { get; } = new();

    /// <summary>The gate's own word, not one a lane hears later: from the moment it drains no answer of any lane may
    /// promise another.</summary>
    public bool IsDraining => _gate.IsDraining;

    public int Clients { get; private set; }

    /// <summary>Connections over the limit that are being told so.</summary>
    public int Refusals { get; set; }

    public void Add(ClientLoop client)
    {
        client.Next = _clients;
        if (_clients is not null)
        {
            _clients.Previous = client;
        }
        _clients = client;
        Clients++;
        Stats.ClientOpened();
    }

    public void Remove(ClientLoop client)
    {
        if (client.Previous is not null)
        {
            client.Previous.Next = client.Next;
        }
        else
        {
            _clients = client.Next;
        }
        if (client.Next is not null)
        {
            client.Next.Previous = client.Previous;
        }
        Clients--;
        Stats.ClientClosed();
        _gate.ConnectionEnded();
    }

    /// <summary>The gate drains: connections that are silent are closed soon.</summary>
    public void BeginDrain()
    {
        for (ClientLoop? client = _clients; client is not null; client = client.Next)
        {
            client.BeginDrain();
        }
    }

    /// <summary>Ends what is still open.</summary>
    public void CutAll()
    {
        ClientLoop? client = _clients;
        while (client is not null)
        {
            ClientLoop? next = client.Next;
            client.Cut();
            client = next;
        }
    }

    /// <summary>What this lane's part of <c>memory_max</c> holds is used up: buffers that are out, and what a
    /// connection costs besides.</summary>
    public bool IsOverMemory => Lane.Buffers.RentedBytes + ((long)Clients * ClientBytes) > _memoryMax;

    /// <summary>Memory is short: the request is refused, and whoever keeps us waiting longest makes room.</summary>
    public bool MustRefuse(Exchange exchange)
    {
        if (!IsOverMemory)
        {
            return false;
        }
        exchange.Fail(Reason.Overloaded);
        MakeRoom();
        return true;
    }

    /// <summary>Ends the connections that have waited for their clients for longest.</summary>
    private void MakeRoom()
    {
        if (Lane.Now < _nextRoomAt)
        {
            return; // A flood of refused requests must not walk through all connections each time.
        }
        _nextRoomAt = Lane.Now + RoomEveryMs;
        var idle = new PriorityQueue<ClientLoop, long>();
        for (ClientLoop? client = _clients; client is not null; client = client.Next)
        {
            if (client.IdleSince == LaneTimer.Never)
            {
                continue;
            }
            // The queue keeps the oldest: its first is the youngest of them.
            idle.Enqueue(client, -client.IdleSince);
            if (idle.Count > RoomConnections)
            {
                idle.Dequeue();
            }
        }
        while (idle.TryDequeue(out ClientLoop? client, out _))
        {
            client.EndIdle();
        }
    }

    /// <summary>A connection that was not admitted is closed: a gate that drains may have waited for it.</summary>
    public void ConnectionClosed() => _gate.ConnectionClosed();

    public void ReportBug(Exception bug) => _gate.ReportBug(bug);

    /// <summary>Phase 8.</summary>
    public void Finish(Exchange exchange)
    {
        int status = exchange.ClientGone && !exchange.AnswerBegun ? 499 : exchange.Status;
        Stats.Finished(status, exchange.Reason, exchange.BodyBytesIn, exchange.BodyBytesOut);
        if (_log.IsOn)
        {
            ExchangeLog.Write(_log, exchange, status, _wallClock);
        }
    }

    private sealed class ExchangePolicy : PooledObjectPolicy<Exchange>
    {
        public override Exchange Create() => new();

        public override bool Return(Exchange obj)
        {
            obj.Reset();
            return true;
        }
    }
}
