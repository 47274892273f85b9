using FastGate.Net;
using FastGate.Net.Time;

namespace FastGate.Tests.Net;

/// <summary>How work shares a lane.</summary>
public abstract class LaneContract(TransportBed bed) : IDisposable
{
    protected virtual int PingPongs => 5_000;

    [Fact]
    public void A_download_that_always_has_more_gives_the_lane_back_every_turn() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var (asker, answerer) = await bed.PairAsync(lane);
        Task filling = EndContract.FillAsync(server);
        int rounds = 0;
        Task asking = AskAsync();
        long turn = -1;
        long inTurn = 0;
        long inTurnMax = 0;
        long total = 0;
        while (rounds < 200)
        {
            var read = await client.Input.ReadAsync();
            if (turn != lane.Turn)
            {
                turn = lane.Turn;
                inTurn = 0;
            }
            inTurn += read.Buffer.Length;
            inTurnMax = Math.Max(inTurn, inTurnMax);
            total += read.Buffer.Length;
            client.Input.AdvanceTo(read.Buffer.End);
            Assert.True(total < 4L * 1024 * 1024 * 1024, "the other connection of the lane starves");
        }
        await asking;
        // The receive that reaches the budget is the last of its turn.
        Assert.InRange(inTurnMax, 1, ConnectionReader.TurnBytesMax + FastGate.Net.Buffers.BufferPool.LargeBytes);
        client.Abort();
        await filling;

        async Task AskAsync()
        {
            while (rounds < 200)
            {
                await asker.WriteAsync([1]);
                await answerer.ReadExactlyAsync(1);
                await answerer.WriteAsync([2]);
                await asker.ReadExactlyAsync(1);
                rounds++;
            }
        }
    });

    [Fact]
    public void A_long_chain_of_answers_does_not_grow_the_stack() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        Task echo = PassOnAsync(server, PingPongs, first: false);
        await PassOnAsync(client, PingPongs, first: true);
        await echo;

        static async Task PassOnAsync(Connection connection, int count, bool first)
        {
            byte[] one = [1];
            for (int i = 0; i < count; i++)
            {
                if (first)
                {
                    await connection.Output.WriteAsync(one.AsMemory());
                }
                var read = await connection.Input.ReadAsync();
                connection.Input.AdvanceTo(read.Buffer.End);
                if (!first)
                {
                    await connection.Output.WriteAsync(one.AsMemory());
                }
            }
        }
    });

    [Fact]
    public void Yielding_goes_behind_everything_that_is_ready() => bed.Run(async lane =>
    {
        var order = new List<string>();
        Task first = TwiceAsync("a");
        Task second = TwiceAsync("b");
        lane.Enqueue(new LaneAction(() => order.Add("c")));
        await first;
        await second;
        Assert.Equal(["a1", "b1", "a2", "b2", "c", "a3", "b3"], order);

        async Task TwiceAsync(string name)
        {
            order.Add(name + "1");
            await lane.Yield();
            order.Add(name + "2");
            await lane.Yield();
            order.Add(name + "3");
        }
    });

    [Fact]
    public void Yielding_lets_a_turn_pass() => bed.Run(async lane =>
    {
        long turn = lane.Turn;
        await lane.Yield();
        Assert.NotEqual(turn, lane.Turn);
    });

    [Fact]
    public void Work_that_throws_is_reported_and_the_next_work_runs() => bed.Run(async lane =>
    {
        bool ran = false;
        lane.Enqueue(new LaneAction(() => throw new InvalidOperationException("ready")));
        lane.Post(new LaneAction(() => throw new InvalidOperationException("posted")));
        lane.Enqueue(new LaneAction(() => ran = true));
        await lane.Yield();
        await lane.Yield();
        Assert.True(ran);
        Assert.Equal(["ready", "posted"], bed.TakeEscaped().Select(exception => exception.Message));
    });

    /// <summary>Thousands of connections that end together must not keep the others waiting.</summary>
    [Theory]
    [InlineData("ready")]
    [InlineData("posted")]
    [InlineData("due")]
    public void One_turn_does_a_bounded_part_of_what_there_is_to_do_and_in_order(string kind) => bed.Run(async lane =>
    {
        const int Many = 5_000;
        var turns = new List<long>();
        var order = new List<int>();
        for (int i = 0; i < Many; i++)
        {
            int number = i;
            var work = new LaneAction(() =>
            {
                turns.Add(lane.Turn);
                order.Add(number);
            });
            switch (kind)
            {
                case "ready":
                    lane.Enqueue(work);
                    break;
                case "posted":
                    lane.Post(work);
                    break;
                default:
                    lane.Deadlines.Set(new Due(work), lane.Now + 1);
                    break;
            }
        }
        await TransportBed.UntilAsync(lane, () => turns.Count == Many);
        Assert.InRange(turns.GroupBy(turn => turn).Max(turn => turn.Count()), 1, Lane.TurnWorkMax);
        if (kind != "due")
        {
            Assert.Equal(Enumerable.Range(0, Many), order);
        }
    });

    [Fact]
    public void A_reporter_that_throws_does_not_end_the_loop() => bed.Run(async lane =>
    {
        var before = lane.Escaped;
        bool told = false;
        lane.Escaped = _ =>
        {
            told = true;
            throw new InvalidOperationException("twice");
        };
        lane.Enqueue(new LaneAction(() => throw new InvalidOperationException("once")));
        await lane.Yield();
        Assert.True(told);
        lane.Escaped = before;
    });

    public void Dispose()
    {
        bed.Dispose();
        GC.SuppressFinalize(this);
    }

    private sealed class Due(LaneAction work) : LaneTimer
    {
        protected internal override void OnDue() => work.Run();
    }
}
