using System.Diagnostics;
using System.IO.Pipelines;
using FastGate.Net;
using FastGate.Net.Linux;
using FastGate.Net.Time;
using FastGate.Tests.Net;

namespace FastGate.EndToEnd.Net;

/// <summary>Of what has happened before a lane looks, what is under way goes on first, and no more begins in one turn
/// than <see cref="EpollLane.BeginsMax"/>.</summary>
public sealed class EventOrderTests : IDisposable
{
    private readonly SocketBed _bed = new();
    private readonly List<int> _begun = [];
    private readonly List<long> _turns = [];
    private readonly List<Connection> _clients = [];
    private readonly List<Connection> _resting = [];

    [Fact]
    public void What_is_under_way_goes_on_before_anything_begins() => _bed.Run(async lane =>
    {
        await RestAsync(lane, 2);
        (Connection client, Connection server) = await _bed.PairAsync(lane);
        int begunBefore = -1;
        Task reading = ReadOneAsync(server, () => begunBefore = _begun.Count);
        await AllSpeakAsync(lane, andAtLast: client);
        await reading;
        Assert.Equal(0, begunBefore);
    });

    [Fact]
    public void Who_comes_first_begins_first_and_not_all_in_one_turn() => _bed.Run(async lane =>
    {
        await RestAsync(lane, 3 * EpollLane.BeginsMax);
        await AllSpeakAsync(lane);
        Assert.Equal(Enumerable.Range(0, _clients.Count), _begun);
        Assert.Equal(3, _turns.Distinct().Count());
        Assert.All(_turns.CountBy(static turn => turn), static each => Assert.Equal(EpollLane.BeginsMax, each.Value));
    });

    [Fact]
    public void What_comes_meanwhile_for_something_under_way_goes_on_before_the_others_begin() => _bed.Run(async lane =>
    {
        (Connection client, Connection server) = await _bed.PairAsync(lane);
        int begunBefore = -1;
        Task reading = ReadOneAsync(server, () => begunBefore = _begun.Count);
        await RestAsync(lane, 3 * EpollLane.BeginsMax, number => number == 0 ? client.WriteAsync([1]) : Task.CompletedTask);
        await AllSpeakAsync(lane);
        await reading;
        Assert.Equal(EpollLane.BeginsMax, begunBefore);
    });

    /// <summary>Whatever woke it: its peer, or a deadline.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_has_begun_is_under_way(bool bySpeaking) => _bed.Run(async lane =>
    {
        (Connection client, Connection server) = await _bed.PairAsync(lane);
        int begunBefore = -1;
        var woken = new TaskCompletionSource<Task>();
        server.Rest(new LaneAction(() =>
        {
            if (server.Input.TryRead(out ReadResult read))
            {
                server.Input.AdvanceTo(read.Buffer.End);
            }
            woken.SetResult(ReadOneAsync(server, () => begunBefore = _begun.Count));
        }));
        if (bySpeaking)
        {
            await client.WriteAsync([1]);
        }
        else
        {
            server.SetReadDeadline(lane.Now + 1);
        }
        Task reading = await woken.Task;
        server.SetReadDeadline(LaneTimer.Never);
        await RestAsync(lane, 2 * EpollLane.BeginsMax);
        await AllSpeakAsync(lane, andAtLast: client);
        await reading;
        Assert.Equal(0, begunBefore);
    });

    [Fact]
    public void A_lane_with_nothing_else_to_do_does_not_sleep_while_some_wait()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _bed.On(_bed.Lane, async () =>
        {
            await RestAsync(_bed.Lane, 3 * EpollLane.BeginsMax, _ =>
            {
                if (_begun.Count == 3 * EpollLane.BeginsMax)
                {
                    done.SetResult();
                }
                return Task.CompletedTask;
            });
            await SpeakAsync(_clients);
        });
        SocketBed.Wait(done.Task);
        _bed.Run(static _ => Task.CompletedTask);
    }

    [Fact]
    public void How_long_they_wait_is_lag_of_the_loop() => _bed.Run(async lane =>
    {
        await RestAsync(lane, EpollLane.BeginsMax + 1, number =>
        {
            if (number == 0)
            {
                KeepBusy(milliseconds: 20);
            }
            else if (number == EpollLane.BeginsMax)
            {
                // That of the long turn before; what is left is this one's.
                lane.TakeLoopLag();
            }
            return Task.CompletedTask;
        });
        await AllSpeakAsync(lane);
        await TransportBed.TurnAsync(lane);
        Assert.InRange(lane.TakeLoopLag(), 19_000, 20_000_000);
    });

    [Fact]
    public void Who_is_closed_while_it_waits_leaves_nothing_to_who_has_its_place_next() => _bed.Run(async lane =>
    {
        Task<Connection> next = null!;
        await RestAsync(lane, 2 * EpollLane.BeginsMax, number =>
        {
            if (number == 0)
            {
                // Its reset waits, which a newcomer must not take for its own.
                _resting[^1].Close();
                next = _bed.PairOnAnyLaneAsync(lane);
            }
            return Task.CompletedTask;
        });
        await TransportBed.PassAsync(lane, 2);
        await SpeakAsync(_clients.SkipLast(1));
        _clients[^1].Abort();
        Connection? accepted = await _bed.Listener.AcceptAsync(lane);
        Connection newcomer = await next;
        await AllBegunAsync(lane);
        Assert.Equal(ConnectionFault.None, newcomer.Fault);
        var told = new Told();
        newcomer.Watch(told);
        await TransportBed.PassAsync(lane, 2);
        Assert.False(told.Was);
        await _bed.Track(accepted!).WriteAsync([9]);
        Assert.Equal([9], await newcomer.ReadExactlyAsync(1));
    });

    /// <summary>Who wants its place, or its time, comes before its turn: what it said is not lost for that.</summary>
    [Theory]
    [InlineData("deadline")]
    [InlineData("room")]
    public void Who_is_called_off_while_it_waits_is_woken_once_and_what_it_said_is_there(string what) => _bed.Run(async lane =>
    {
        int wakes = 0;
        bool wasWaitedFor = true;
        ReadResult first = default;
        long late = -1;
        await RestAsync(lane, EpollLane.BeginsMax + 1, number =>
        {
            Connection last = _resting[^1];
            if (number == 0)
            {
                wasWaitedFor = last.IsWaitingForPeer;
                if (what == "deadline")
                {
                    last.SetReadDeadline(lane.Now);
                }
                else
                {
                    last.Input.CancelPendingRead();
                }
            }
            else if (number == EpollLane.BeginsMax)
            {
                wakes++;
                last.Input.TryRead(out first);
                late = last.Input.TryRead(out ReadResult read) ? read.Buffer.Length : -1;
            }
            return Task.CompletedTask;
        });
        await AllSpeakAsync(lane);
        await TransportBed.PassAsync(lane, 5);
        Assert.Equal(1, wakes);
        Assert.False(wasWaitedFor, "as if nothing of it were here");
        Assert.True(first.IsCanceled);
        Assert.Equal(1, late);
    });

    public void Dispose() => _bed.Dispose();

    /// <summary>So many pairs, one end of each at rest: who wakes is noted, and does something.</summary>
    private async Task RestAsync(Lane lane, int count, Func<int, Task>? then = null)
    {
        for (int i = 0; i < count; i++)
        {
            (Connection client, Connection server) = await _bed.PairAsync(lane);
            int number = i;
            _clients.Add(client);
            _resting.Add(server);
            server.Rest(new LaneAction(() =>
            {
                _begun.Add(number);
                _turns.Add(lane.Turn);
                _ = then?.Invoke(number);
            }));
        }
    }

    /// <summary>The lane stands still meanwhile: it sees all of it at once.</summary>
    private static async Task SpeakAsync(IEnumerable<Connection> clients)
    {
        foreach (Connection client in clients)
        {
            await client.WriteAsync([1]);
        }
    }

    /// <summary>All at once, when nothing else is to be dispatched, until each of those at rest has begun.</summary>
    private async Task AllSpeakAsync(Lane lane, Connection? andAtLast = null)
    {
        await TransportBed.PassAsync(lane, 2);
        await SpeakAsync(andAtLast is null ? _clients : _clients.Append(andAtLast));
        await AllBegunAsync(lane);
    }

    private Task AllBegunAsync(Lane lane) => TransportBed.UntilAsync(lane, () => _begun.Count >= _clients.Count);

    private static void KeepBusy(int milliseconds)
    {
        var watch = Stopwatch.StartNew();
        SpinWait.SpinUntil(() => watch.ElapsedMilliseconds >= milliseconds);
    }

    private static async Task ReadOneAsync(Connection connection, Action then)
    {
        ReadResult read = await connection.Input.ReadAsync();
        then();
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    private sealed class Told : ConnectionWatch
    {
        public bool Was { get; private set; }

        protected internal override void OnActivity(Connection connection, bool broken) => Was = true;
    }
}
