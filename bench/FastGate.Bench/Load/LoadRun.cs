using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Linux;

namespace FastGate.Bench.Load;

/// <summary>An open loop: requests fall due at a fixed rate whether or not earlier ones were answered, and each one's
/// latency counts from when it was due. A stall of the proxy therefore shows in every request it delayed, also in those
/// that no free connection was there for. Without a rate it is a closed loop.</summary>
internal sealed class LoadRun
{
    /// <summary>How long what is overdue at the end may still be sent.</summary>
    private const long GraceNanoseconds = 2_000_000_000;

    private readonly Target _target;
    private readonly LoadOptions _options;
    private readonly long _start;
    private readonly long _measured;
    private readonly long _end;
    private readonly long _planned;
    private readonly Queue<Client> _idle = new();
    private readonly LatencyHistogram _latency = new();
    private readonly LatencyHistogram _late = new();
    private readonly long[] _outcomes = new long[Enum.GetValues<Outcome>().Length];
    private long _issued;
    private long _sent;

    private LoadRun(Target target)
    {
        _target = target;
        _options = target.Options;
        _start = Stopwatch.GetTimestamp();
        _measured = _start + (long)(_options.Warmup * 1e9);
        _end = _measured + (long)(_options.Seconds * 1e9);
        _planned = (long)((_options.Warmup + _options.Seconds) * _options.Rate);
    }

    /// <summary>Runs the load and prints what came of it as one line of JSON.</summary>
    /// <returns>0; what went wrong is in the figures.</returns>
    public static int Run(LoadOptions options)
    {
        EpollTransport.RaiseDescriptorLimit();
        using var slow = new SlowReaders(options);
        slow.Start();
        using var transport = new EpollTransport(1);
        var finished = new TaskCompletionSource<LoadRun>(TaskCreationOptions.RunContinuationsAsynchronously);
        Lane lane = transport.Lanes[0];
        lane.Escaped = exception => finished.TrySetException(exception);
        lane.Post(new LaneAction(() => _ = RunOnLaneAsync(new Target(transport, options), finished)));
        transport.Start();
        LoadRun run = finished.Task.GetAwaiter().GetResult();
        Console.WriteLine(run.Report(slow));
        return 0;
    }

    private static async Task RunOnLaneAsync(Target target, TaskCompletionSource<LoadRun> finished)
    {
        try
        {
            var run = new LoadRun(target);
            Pacer? pacer = target.Options.Rate > 0 ? new Pacer(target.Lane, run.GiveTurns, run.NextDue) : null;
            pacer?.Start();
            await Task.WhenAll(Enumerable.Range(0, target.Options.Connections).Select(_ => run.ServeAsync().AsTask()).ToArray());
            pacer?.End();
            finished.TrySetResult(run);
        }
        catch (Exception exception)
        {
            finished.TrySetException(exception);
        }
    }

    private async LaneTask ServeAsync()
    {
        var client = new Client(_target);
        while (await NextAsync(client) is var due and >= 0)
        {
            if (_options.Rate > 0 && due >= _measured)
            {
                _late.Add(Stopwatch.GetTimestamp() - due);
            }
            Outcome outcome = await client.ExchangeAsync(_target.Requests[_sent++ % _target.Requests.Length]);
            _outcomes[(int)outcome]++;
            if (outcome == Outcome.Answered)
            {
                if (due >= _measured)
                {
                    _latency.Add(Stopwatch.GetTimestamp() - due);
                }
            }
            else
            {
                // A connect that fails does so at once: the others must have their turn.
                await _target.Lane.Yield();
            }
        }
        client.Close();
    }

    /// <summary>When the client's next request was or is due; -1 when there is none any more.</summary>
    private LaneTask<long> NextAsync(Client client)
    {
        long now = Stopwatch.GetTimestamp();
        if (_options.Rate <= 0)
        {
            return new LaneTask<long>(now < _end ? now : -1);
        }
        if (TryTake(now, out long due) || IsOver(now))
        {
            return new LaneTask<long>(due);
        }
        _idle.Enqueue(client);
        return client.Turn.Begin();
    }

    private bool TryTake(long now, out long due)
    {
        due = DueOf(_issued);
        if (_issued < _planned && due <= now && now < _end + GraceNanoseconds)
        {
            _issued++;
            return true;
        }
        due = -1;
        return false;
    }

    private bool IsOver(long now) => _issued >= _planned || now >= _end + GraceNanoseconds;

    /// <summary>A request that falls due goes to the client that has been idle longest.</summary>
    private void GiveTurns()
    {
        long now = Stopwatch.GetTimestamp();
        while (_idle.Count > 0 && (TryTake(now, out long due) || IsOver(now)))
        {
            _idle.Dequeue().Turn.CompleteInline(due);
        }
    }

    private long DueOf(long index) => _start + (long)(index * (1e9 / _options.Rate));

    private long NextDue(long after) => DueOf((long)Math.Ceiling((after - _start) * _options.Rate / 1e9));

    private string Report(SlowReaders slow) => JsonSerializer.Serialize(new
    {
        requests = _outcomes[(int)Outcome.Answered],
        measured = _latency.Count,
        seconds = _options.Seconds,
        p50_us = _latency.Percentile(0.5) / 1e3,
        p99_us = _latency.Percentile(0.99) / 1e3,
        p999_us = _latency.Percentile(0.999) / 1e3,
        max_us = _latency.Max / 1e3,
        late_p99_us = _late.Percentile(0.99) / 1e3,
        not_connected = _outcomes[(int)Outcome.NotConnected],
        wrong_status = _outcomes[(int)Outcome.WrongStatus],
        wrong_length = _outcomes[(int)Outcome.WrongLength],
        broken = _outcomes[(int)Outcome.Broken],
        unanswered = _outcomes[(int)Outcome.Unanswered] + Math.Max(0, _planned - _issued),
        slow_broken = slow.Broken,
        slow_bytes = slow.BytesRead,
    });
}
