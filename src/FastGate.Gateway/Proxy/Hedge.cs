using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using FastGate.Gateway.Upstreams;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>`hedge`: a request whose server is silent for longer than most answers take is sent to another one, too,
/// and the first head wins (Dean and Barroso, The Tail at Scale, 2013). The other connection is cut, so that a late
/// answer meets nobody. A server that cannot do its work (502 to 504, or no HTTP) wins only where the other one has
/// failed. Of an exchange, which has one race at most; kept with it and used again.
/// <para>A race ends with one connection, which the walk of the request goes on with as if there had been no other: the
/// winner's, its head unread, or the last that failed.</para></summary>
internal sealed class Hedge(Exchange exchange) : LaneTimer
{
    private readonly LaneSource<bool> _wake = new();
    private readonly Side _first = new();
    private readonly Side _second = new();
    private ConnectionPool _pool = null!;
    private Lane _lane = null!;
    private bool _isOver;

    private enum State : byte
    {
        /// <summary>There is none, or not any more.</summary>
        None = 0,
        /// <summary>A connection is looked for.</summary>
        Renting,
        /// <summary>It was sent, and nothing was heard.</summary>
        Sent,
        /// <summary>The head of an answer is there.</summary>
        Head,
        /// <summary>It broke, or its time is over.</summary>
        Broken,
        /// <summary>The head of an answer is there, or what is none: its server cannot do its work.</summary>
        Unavailable,
    }

    /// <summary>Of the last race: when its first copy had left, a time stamp of <see cref="Stopwatch"/>.</summary>
    public long FirstSentAt { get; private set; }

    /// <summary>What the requests of a route have taken, on this lane.</summary>
    public static HeadTimes TimesOf(Route route, Lane lane) => route.HeadTimes[lane.Index] ??= new HeadTimes();

    /// <summary>It has no body and changes nothing: two copies at a time are not two in a row. Only such requests are
    /// measured, too, or slow ones of another kind would keep them waiting.</summary>
    public static bool MayBeSentTwice(RequestHead request) =>
        request.Framing == BodyFraming.None && !request.Upgrade
        && request.Method is Method.Get or Method.Head or Method.Options;

    /// <summary>Whether a try may have a second copy, and when it is due: the first try of a request that was sent
    /// whole.</summary>
    public static bool TryDelay(Exchange exchange, Lane lane, out long milliseconds)
    {
        milliseconds = 0;
        RetryOptions retry = exchange.Route!.Retry;
        return retry.IsOn && MayBeSentTwice(exchange.Request) && exchange.SentAt != 0 && exchange.Tries.Repeats == 0
            && TimesOf(exchange.Route, lane).TryDelay(retry.HedgePercent, lane.Now, out milliseconds);
    }

    /// <summary>Waits for the head of an answer, and after <paramref name="delayMs"/> for another server's,
    /// too.</summary>
    /// <returns>The connection to go on with.</returns>
    public async LaneTask<PooledConnection> RaceAsync(ConnectionPool pool, Lane lane, PooledConnection first,
        long delayMs)
    {
        (_pool, _lane, _isOver) = (pool, lane, false);
        FirstSentAt = exchange.SentAt;
        _first.Begin(first, FirstSentAt);
        LaneTask hearing = HearAsync(_first);
        LaneTask second = default;
        if (_first.State == State.Sent)
        {
            lane.Deadlines.Set(this, lane.Now + delayMs);
            await _wake.Begin();
            lane.Deadlines.Remove(this);
        }
        if (_first.State == State.Sent && RetryRule.MayHedge(exchange, lane))
        {
            _second.State = State.Renting;
            second = SendSecondAsync();
        }
        while (!IsDecided())
        {
            await _wake.Begin();
        }
        _isOver = true;
        bool isSecond = _first.State == State.None || (_first.State != State.Head && _second.State == State.Head)
            || (_first.State == State.Broken && _second.State == State.Unavailable);
        (Side won, Side lost) = isSecond ? (_second, _first) : (_first, _second);
        if (lost.State == State.Renting)
        {
            exchange.Wait.GiveUp();
        }
        // Its waits end, and nothing of it runs on when the exchange does.
        lost.Pooled?.Connection.Abort();
        await hearing;
        await second;
        exchange.Pooled = won.Pooled;
        exchange.Second = null;
        exchange.Server = won.Pooled!.Server;
        exchange.SentAt = won.SentAt;
        Lose(lost);
        won.Clear();
        return exchange.Pooled!;
    }

    protected override void OnDue() => Wake();

    private void Wake()
    {
        if (_wake.IsPending)
        {
            _wake.CompleteQueued(true, _lane);
        }
    }

    /// <summary>Who fails while the other is under way is given up here and now.</summary>
    private bool IsDecided()
    {
        if (_second.State >= State.Broken && _first.State == State.Sent)
        {
            exchange.Second = null;
            Lose(_second);
        }
        if (_first.State >= State.Broken && _second.State == State.Sent)
        {
            exchange.Pooled = _second.Pooled;
            exchange.Second = null;
            Lose(_first);
        }
        // A connection that is only looked for is not waited for: where the first has failed, it is for the retry rule.
        return _first.State == State.None
            ? _second.State >= State.Head
            : _first.State >= State.Head || _second.State == State.Head;
    }

    private void Lose(Side side)
    {
        if (side.Pooled is { } pooled)
        {
            Outcome outcome = exchange.ClientGone || exchange.TimedOut ? Outcome.Abandoned
                : side.State switch
                {
                    State.Broken when !side.IsStale => Outcome.Failed,
                    State.Unavailable => Outcome.Unavailable,
                    // It would have taken longer still.
                    _ => Outcome.Abandoned,
                };
            Feedback.Lost(pooled, _lane, side.SentAt, outcome);
            if (outcome != Outcome.Abandoned)
            {
                exchange.Wait.Tried.Add(pooled.Server);
            }
            pooled.Connection.Abort();
            pooled.Pool.Drop(pooled);
        }
        side.Clear();
    }

    private async LaneTask SendSecondAsync()
    {
        exchange.Wait.IsHedge = true;
        Rental rental = await _pool.RentAsync(exchange.Wait, Tries.ConnectMs(exchange.Route!));
        exchange.Wait.IsHedge = false;
        if (rental.Connection is not { } pooled || _isOver || !RetryRule.TryHedge(exchange, _lane))
        {
            if (rental.Connection is { } unused)
            {
                _pool.Return(unused, keepAliveSeconds: -1);
            }
            _second.Clear();
            Wake();
            return;
        }
        Connection upstream = pooled.Connection;
        exchange.Second = pooled;
        _second.Begin(pooled, Stopwatch.GetTimestamp());
        Server first = exchange.Server!;
        // Its name may be in the head.
        exchange.Server = pooled.Server;
        UpstreamHead.Write(exchange, upstream.Output);
        exchange.Server = first;
        upstream.SetWriteDeadline(_lane.Now + exchange.Route!.Timeout.IdleMs);
        upstream.SetReadDeadline(_lane.Now + Tries.HeadMs(exchange.Route));
        FlushResult flushed = await upstream.Output.FlushSoonAsync();
        if (flushed.IsCanceled)
        {
            upstream.Abort();
        }
        await HearAsync(_second);
    }

    /// <summary>Reads until the head of an answer is there, and leaves it there.</summary>
    private async LaneTask HearAsync(Side side)
    {
        ConnectionReader input = side.Pooled!.Connection.Input;
        while (side.State == State.Sent)
        {
            ReadResult read = await input.ReceiveAsync();
            if (_isOver)
            {
                return;
            }
            if (read.IsCanceled)
            {
                // Whoever reads next is told the same.
                input.CancelPendingRead();
                side.State = State.Broken;
                continue;
            }
            side.State = StateOf(read);
            side.IsStale = side.State == State.Broken && read.Buffer.IsEmpty && side.Pooled.IsReused;
            input.AdvanceTo(read.Buffer.Start, side.State == State.Sent ? read.Buffer.End : read.Buffer.Start);
        }
        Wake();
    }

    /// <summary>An interim answer is one, too. What is wrong with a head is for the parser to say.</summary>
    private State StateOf(in ReadResult read)
    {
        ReadOnlySequence<byte> bytes = read.Buffer;
        Span<byte> start = stackalloc byte["HTTP/1.1 503".Length];
        start = start[..(int)Math.Min(bytes.Length, start.Length)];
        bytes.Slice(0, start.Length).CopyTo(start);
        int named = Math.Min(start.Length, "HTTP/1.".Length);
        if (!start[..named].SequenceEqual("HTTP/1."u8[..named]))
        {
            return State.Unavailable;
        }
        if (bytes.Length > exchange.Table.ResponseLimits.HeadBytesMax)
        {
            return State.Head;
        }
        var lines = new SequenceReader<byte>(bytes);
        while (lines.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n'))
        {
            if (line.IsEmpty || line.Slice(line.Length - 1).FirstSpan[0] != (byte)'\r')
            {
                return State.Unavailable;
            }
            if (line.Length == 1)
            {
                return start[^3..] is [(byte)'5', (byte)'0', >= (byte)'2' and <= (byte)'4']
                    ? State.Unavailable
                    : State.Head;
            }
        }
        return read.IsCompleted ? State.Broken : State.Sent;
    }

    private sealed class Side
    {
        public PooledConnection? Pooled { get; private set; }

        public long SentAt { get; private set; }

        public State State { get; set; }

        /// <summary>It idled, and its server ended it as the request left.</summary>
        public bool IsStale { get; set; }

        public void Begin(PooledConnection pooled, long sentAt) =>
            (Pooled, SentAt, State, IsStale) = (pooled, sentAt, State.Sent, false);

        public void Clear() => (Pooled, SentAt, State, IsStale) = (null, 0, State.None, false);
    }
}
