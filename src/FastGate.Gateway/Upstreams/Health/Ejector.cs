using System.Runtime.CompilerServices;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Time;

namespace FastGate.Gateway.Upstreams.Health;

/// <summary>Decides from what exchanges met with when one server is left alone, and for how long. Every lane counts for
/// itself; the failures in a row are counted together, in a number that good answers only read while it is
/// 0.</summary>
internal sealed class Ejector
{
    /// <summary>Twice as long each time, until it is so many times <see cref="EjectOptions.BaseMs"/>.</summary>
    private const int BaseTimesMax = 64;

    /// <summary>A server that was good for so many times <see cref="EjectOptions.BaseMs"/> starts anew.</summary>
    private const int ForgetAfterBases = 10;

    /// <summary>Up to an eighth is added, so that what fails together does not come back together.</summary>
    private const int JitterOf = 8;

    private readonly Server _server;
    private readonly Upstream _upstream;
    private readonly EjectOptions _options;
    private int _inARow;
    private int _isEjected;
    private Ejection? _lasting;
    private int _era;
    private int _times;
    private long _backSince = long.MinValue;
    private long _freshFrom = long.MinValue;

    public Ejector(Server server, Upstream upstream)
    {
        _server = server;
        _upstream = upstream;
        _options = upstream.Options.Eject;
    }

    /// <summary>An exchange knows what became of it. On its lane.</summary>
    /// <param name="lane">Where the exchange is.</param>
    /// <param name="begunAt">Since when it was with the server, in the lane's milliseconds.</param>
    /// <param name="outcome">What came of it.</param>
    public void Note(Lane lane, long begunAt, Outcome outcome)
    {
        if (outcome == Outcome.Abandoned || Volatile.Read(ref _isEjected) != 0)
        {
            return;
        }
        bool isFailure = outcome >= Outcome.Unavailable;
        int era = Volatile.Read(ref _era);
        if (isFailure && begunAt < Volatile.Read(ref _freshFrom))
        {
            // It was begun in an outage that is over, and tells of that.
            return;
        }
        // What broke off behind its head was counted when the head came.
        _upstream.Failures![lane.Index].Count(
            _server.Index, outcome == Outcome.Broken ? 0 : 1, isFailure ? 1 : 0, era, lane.Now);
        if (!isFailure)
        {
            if (Volatile.Read(ref _inARow) != 0)
            {
                Volatile.Write(ref _inARow, 0);
            }
            return;
        }
        int inARow = Interlocked.Increment(ref _inARow);
        string? reason = _options.Consecutive > 0 && inARow >= _options.Consecutive ? "consecutive_failures"
            : IsRatioReached(lane.Now) ? "failure_ratio"
            : null;
        // Where as many are ejected as may be, nobody waits for the lock to be told so.
        if (reason is not null && _upstream.MayEject && Interlocked.Exchange(ref _isEjected, 1) == 0)
        {
            _ = EjectAsync(lane, reason, era);
        }
    }

    /// <summary>Checks that knew of an outage have seen its end: it is over for exchanges too, and what they met with
    /// meanwhile counts no more. But where they said so not long ago and exchanges failed again, they are not believed
    /// before the time is over that the ejection before lasted: one who fails under load only is left alone ever
    /// longer. On any lane.</summary>
    public LaneTask RecoverAsync(Lane lane)
    {
        // First: who is about to eject sees that, or is seen here.
        Forget(lane.Now);
        return Volatile.Read(ref _lasting) is { } ejection && ejection.TryVouch()
            ? EndAsync(ejection, lane, "check_passed")
            : default;
    }

    private bool IsRatioReached(long now)
    {
        if (_options.RatioPercent == 0)
        {
            return false;
        }
        int requests = 0;
        int failures = 0;
        foreach (LaneFailures lane in _upstream.Failures!)
        {
            lane.AddTo(ref requests, ref failures, _server.Index, Volatile.Read(ref _era), now);
        }
        return requests >= _options.RequestsMin && failures * 100L >= (long)requests * _options.RatioPercent;
    }

    /// <param name="lane">Whose clock ends it.</param>
    /// <param name="reason">What is said of it.</param>
    /// <param name="era">In which its failures were counted.</param>
    private async LaneTask EjectAsync(Lane lane, string reason, int era)
    {
        if (!_upstream.TryTakeEjection())
        {
            Volatile.Write(ref _isEjected, 0);
            return;
        }
        long now = lane.Now;
        bool isForgotten = _backSince == long.MinValue || now - _backSince > ForgetAfterBases * _options.BaseMs;
        int timesBefore = isForgotten ? 0 : _times;
        _times = isForgotten ? 1 : Math.Min(2 * _times, BaseTimesMax);
        long forMs = _times * _options.BaseMs;
        forMs += Random.Shared.NextInt64((forMs / JitterOf) + 1);
        var ejection = new Ejection(this, lane, now + (timesBefore * _options.BaseMs), now + forMs);
        // Before the state, which may take a while: checks that see the server well meanwhile are heard.
        Interlocked.Exchange(ref _lasting, ejection);
        if (Volatile.Read(ref _era) != era)
        {
            ejection.TryVouch();
        }
        try
        {
            await _upstream.SetStateAsync(lane, _server, StateVoice.Ejection, ServerState.Ejected, reason);
        }
        catch (Exception bug)
        {
            // However far it came: what ends an ejection takes all of it back.
            lane.Escaped?.Invoke(bug);
        }
        finally
        {
            ejection.Begin();
        }
    }

    private async LaneTask EndAsync(Ejection ejection, Lane lane, string reason)
    {
        // By its time, or by checks: who comes second finds it over, or finds another one.
        if (Interlocked.CompareExchange(ref _lasting, null, ejection) != ejection)
        {
            return;
        }
        Forget(lane.Now);
        _backSince = lane.Now;
        _upstream.ReturnEjection();
        try
        {
            await _upstream.SetStateAsync(lane, _server, StateVoice.Ejection, ServerState.Up, reason);
        }
        catch (Exception bug)
        {
            lane.Escaped?.Invoke(bug);
        }
        finally
        {
            Volatile.Write(ref _isEjected, 0);
        }
    }

    /// <summary>What led to one ejection must not lead to the next, nor must exchanges that were begun by
    /// <paramref name="now"/> and have yet to fail.</summary>
    private void Forget(long now)
    {
        Volatile.Write(ref _freshFrom, now);
        Volatile.Write(ref _inARow, 0);
        Interlocked.Increment(ref _era);
    }

    /// <summary>One time that the server is left alone.</summary>
    /// <param name="ejector">Whose it is.</param>
    /// <param name="lane">Whose clock ends it.</param>
    /// <param name="checksFrom">From then on checks may end it.</param>
    /// <param name="until">Then it is over.</param>
    private sealed class Ejection(Ejector ejector, Lane lane, long checksFrom, long until) : LaneTimer
    {
        private const int IsVouched = 1;
        private const int MayEnd = 2;

        private int _state;

        /// <summary>The server is left alone now, and its time runs; not to be ended before.</summary>
        public void Begin()
        {
            if (lane.Now < checksFrom)
            {
                lane.Deadlines.Set(this, checksFrom);
                return;
            }
            MayEndNow();
        }

        /// <summary>Checks say that it should be over. Any thread.</summary>
        /// <returns>Whether it is; else it is as soon as it may be.</returns>
        public bool TryVouch() => (Interlocked.Or(ref _state, IsVouched) & MayEnd) != 0;

        protected override void OnDue() => MayEndNow();

        private void MayEndNow()
        {
            int state = Interlocked.Or(ref _state, MayEnd);
            if (state == 0)
            {
                lane.Deadlines.Set(this, until);
                return;
            }
            _ = ejector.EndAsync(this, lane, state == IsVouched ? "check_passed" : "ejection_over");
        }
    }
}
