using System.Diagnostics;
using System.IO.Pipelines;
using FastGate.Net;
using FastGate.Net.Linux;
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
        await TransportBed.PassAsync(lane, 2);
        await SpeakAsync(_clients);
        await client.WriteAsync([1]);
        await AllBegunAsync(lane);
        await reading;
        Assert.Equal(0, begunBefore);
    });

    [Fact]
    public void Who_comes_first_begins_first_and_not_all_in_one_turn() => _bed.Run(async lane =>
    {
        await RestAsync(lane, 3 * EpollLane.BeginsMax);
        await TransportBed.PassAsync(lane, 2);
        await SpeakAsync(_clients);
        await AllBegunAsync(lane);
        Assert.Equal(Enumerable.Range(0, _clients.Count), _begun);
        Assert.Equal(3, _turns.Distinct().Count());
        Assert.All(_turns.CountBy(static turn => turn), static each => Assert.Equal(EpollLane.BeginsMax, each.Value));
    });

    [Fact]
    public void What_comes_meanwhile_for_those_that_have_begun_goes_on_before_the_others_begin() => _bed.Run(async lane =>
    {
        (Connection client, Connection server) = await _bed.PairAsync(lane);
        int begunBefore = -1;
        Task reading = ReadOneAsync(server, () => begunBefore = _begun.Count);
        await RestAsync(lane, 3 * EpollLane.BeginsMax, first: () => client.WriteAsync([1]));
        await TransportBed.PassAsync(lane, 2);
        await SpeakAsync(_clients);
        await AllBegunAsync(lane);
        await reading;
        Assert.Equal(EpollLane.BeginsMax, begunBefore);
    });

    [Fact]
    public void Who_is_closed_while_it_waits_leaves_nothing_to_who_has_its_place_next() => _bed.Run(async lane =>
    {
        Task<Connection> next = null!;
        await RestAsync(lane, 2 * EpollLane.BeginsMax, first: () =>
        {
            // Its reset waits, which a newcomer must not take for its own.
            _resting[^1].Close();
            next = _bed.PairOnAnyLaneAsync(lane);
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

    [Fact]
    public void A_deadline_that_passes_while_it_waits_wakes_it_once_and_its_bytes_are_there() => _bed.Run(async lane =>
    {
        await RestAsync(lane, EpollLane.BeginsMax + 1, first: () =>
        {
            long until = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 100);
            SpinWait.SpinUntil(() => Stopwatch.GetTimestamp() > until);
            return Task.CompletedTask;
        });
        await TransportBed.PassAsync(lane, 2);
        await SpeakAsync(_clients);
        _resting[^1].SetReadDeadline(lane.Now + 1);
        await AllBegunAsync(lane);
        Assert.True(_resting[^1].Input.TryRead(out ReadResult read));
        Assert.True(read.IsCanceled);
        Assert.True(_resting[^1].Input.TryRead(out ReadResult late));
        Assert.Equal(1, late.Buffer.Length);
        await TransportBed.PassAsync(lane, 5);
        Assert.Equal(_clients.Count, _begun.Count);
    });

    public void Dispose() => _bed.Dispose();

    /// <summary>So many pairs, one end of each at rest: who wakes is noted, and the first of them does something.
    /// </summary>
    private async Task RestAsync(Lane lane, int count, Func<Task>? first = null)
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
                if (number == 0)
                {
                    _ = first?.Invoke();
                }
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

    private Task AllBegunAsync(Lane lane) => TransportBed.UntilAsync(lane, () => _begun.Count >= _clients.Count);

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
