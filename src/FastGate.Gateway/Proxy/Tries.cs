using System.Buffers;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Buffers;

namespace FastGate.Gateway.Proxy;

/// <summary>What an exchange knows from one of its tries to the next: how many there were, and the bytes of the
/// client's body that would have to be sent again.</summary>
internal sealed class Tries
{
    private const int BackoffFirstMs = 25;
    private const int BackoffMostMs = 250;

    private readonly SegmentChain _kept = new();
    private BufferPool _buffers = null!;
    private int _keepMax;
    private bool _isLost;
    private int _moves;
    private long _movesUntil;
    private bool _isMove;

    /// <summary>Tries after the first that <c>retries</c> bounds; a stale connection that was replaced is
    /// none.</summary>
    public int Retries { get; private set; }

    /// <summary>A stale connection was replaced: the next one may be none that idled.</summary>
    public bool HasReplaced { get; set; }

    /// <summary>Tries after the first of any kind.</summary>
    public int Repeats => Retries + _moves + (HasReplaced ? 1 : 0) + (HasHedged ? 1 : 0);

    /// <summary>A second copy was sent.</summary>
    public bool HasHedged { get; set; }

    /// <summary>The client was told to go on (100), which it needs to be told once.</summary>
    public bool HasContinued { get; set; }

    /// <summary>Everything of the client's body that was read is here still.</summary>
    public bool HasAll => !_isLost;

    /// <summary>The client's bytes that were read already, as they came, framing included.</summary>
    public ReadOnlySequence<byte> Kept => _kept.Bytes;

    public long KeptBytes => _kept.Length;

    /// <summary>Bytes of memory it takes.</summary>
    public long HeldBytes => _kept.HeldBytes;

    public void Begin(Exchange exchange, Lane lane)
    {
        RetryOptions retry = exchange.Route!.Retry;
        if (!retry.IsOn)
        {
            return;
        }
        exchange.Route.Upstream!.RetryBudget.Earn(lane.Index, retry.BudgetPercent, lane.Now);
        RequestHead request = exchange.Request;
        if (request.Framing != BodyFraming.None && RetryRule.IsIdempotent(request.Method) && !request.Upgrade
            && (request.Framing != BodyFraming.Length || request.ContentLength <= retry.BodyMax))
        {
            _buffers = lane.Buffers;
            _keepMax = retry.BodyMax;
        }
    }

    /// <summary>How long a try's connect may take, in milliseconds. Waits for a connection that is in use, and for a
    /// client's body, are no server's doing and do not count.</summary>
    public static long ConnectMs(Route route) => Math.Min(route.Timeout.ConnectMs, route.Retry.PerTryMs);

    /// <summary>How long the head of its answer may take once the whole request was sent.</summary>
    public static long HeadMs(Route route) => Math.Min(route.Timeout.FirstByteMs, route.Retry.PerTryMs);

    /// <summary>Bytes of the client's body are about to be consumed. Before they are sent, and not while what is kept
    /// is.</summary>
    public void Keep(in ReadOnlySequence<byte> bytes)
    {
        if (_isLost || bytes.IsEmpty)
        {
            return;
        }
        if (bytes.Length > _keepMax - _kept.Length)
        {
            _isLost = true;
            _kept.Release();
            return;
        }
        _kept.Append(bytes, _buffers);
    }

    /// <summary>There will be no other try: nothing more is kept, and what is goes back unless it is being
    /// sent.</summary>
    public void End(bool isSending)
    {
        _keepMax = 0;
        if (!isSending)
        {
            _isLost |= _kept.Length > 0;
            _kept.Release();
        }
    }

    /// <summary>A server refused, and the next one is asked at once without using a retry up: a server that is away
    /// costs less than a millisecond, and which of them are is for the balancer to find out, not for a request. Who
    /// refuses late spends <paramref name="connectMs"/> for all of them together.</summary>
    /// <returns>False when it has moved on as often, or for as long, as it may.</returns>
    public bool TryMoveOn(long now, long connectMs)
    {
        if (_moves == RetryOptions.MovesMax || (_moves > 0 && now >= _movesUntil))
        {
            return false;
        }
        if (_moves++ == 0)
        {
            _movesUntil = now + connectMs;
        }
        _isMove = true;
        return true;
    }

    /// <summary>Uses a retry up.</summary>
    public void TakeRetry()
    {
        Retries++;
        _isMove = false;
    }

    /// <summary>How long to wait before the retry that was taken last: not at all before the first, which goes to a
    /// server that has nothing to do with the failure. Full jitter, so that what failed together does not come back
    /// together.</summary>
    public int BackoffMs() => Retries < 2 || _isMove
        ? 0
        : Random.Shared.Next(Math.Min(BackoffFirstMs << (Retries - 2), BackoffMostMs) + 1);

    public void Clear()
    {
        Retries = 0;
        _moves = 0;
        _isMove = false;
        HasReplaced = false;
        HasHedged = false;
        HasContinued = false;
        _keepMax = 0;
        _kept.Release();
        _isLost = false;
    }
}
