using System.Runtime.CompilerServices;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Tests.Net;

/// <summary>Requests and responses of a few bytes, with methods nested as a gateway nests them, for counting what an
/// exchange allocates.</summary>
internal sealed class Exchanges
{
    private static readonly byte[] s_request = new byte[100];
    private static readonly byte[] s_response = new byte[200];
    private int _left;

    /// <summary>Exchanges that are done; any thread.</summary>
    public int Done;

    /// <summary>A client asks until <paramref name="count"/> exchanges of all clients are done, a server answers.</summary>
    public void Begin(Connection client, Connection server, int count)
    {
        _left = count;
        _ = AskAsync(client);
        _ = AnswerAsync(server);
    }

    private async LaneTask AskAsync(Connection client)
    {
        while (_left > 0)
        {
            _left--;
            client.SetReadDeadline(client.Lane.Now + 60_000);
            client.Output.Append(s_request);
            await client.Output.SendAsync();
            if (!await TakeAsync(client, s_response.Length))
            {
                return;
            }
            Volatile.Write(ref Done, Done + 1);
        }
    }

    private static async LaneTask AnswerAsync(Connection server)
    {
        while (await TakeAsync(server, s_request.Length))
        {
            server.Output.Append(s_response);
            await server.Output.FlushSoonAsync();
            await server.Lane.Yield();
        }
    }

    private static async LaneTask<bool> TakeAsync(Connection connection, int count)
    {
        while (true)
        {
            var read = await connection.Input.ReceiveAsync();
            if (read.IsCompleted)
            {
                return false;
            }
            if (read.Buffer.Length >= count)
            {
                connection.Input.AdvanceTo(read.Buffer.GetPosition(count));
                return true;
            }
            connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}

/// <summary>Not a byte is allocated per exchange in the whole process, once warm.</summary>
public abstract class AllocationContract(TransportBed bed) : IDisposable
{
    private const int Warm = 20_000;
    private const int Window = 5_000;

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void An_exchange_allocates_nothing(int connections)
    {
        var exchanges = new Exchanges();
        const int Windows = 8;
        long least = long.MaxValue;
        long[] marks = new long[Windows + 1];
        int mark = 0;
        bed.Run(async lane =>
        {
            for (int i = 0; i < connections; i++)
            {
                var (client, server) = await bed.PairAsync(lane);
                exchanges.Begin(client, server, Warm + (Window * Windows));
            }
            // On the lane, between two turns of it, so that a window is a number of exchanges and nothing else.
            var watch = new Mark(lane, () =>
            {
                if (mark <= Windows && exchanges.Done >= Warm + (mark * Window))
                {
                    marks[mark++] = GC.GetTotalAllocatedBytes(precise: true);
                }
                return mark <= Windows && exchanges.Done < Warm + (Windows * Window);
            });
            lane.Enqueue(watch);
            await watch.Ended;
        });
        for (int i = 1; i < mark; i++)
        {
            least = Math.Min(least, marks[i] - marks[i - 1]);
        }
        Assert.True(mark > 2);
        Assert.Equal(0, least);
    }

    private sealed class Mark(Lane lane, Func<bool> look) : LaneWork
    {
        private readonly TaskCompletionSource _ended = new();

        public Task Ended => _ended.Task;

        protected internal override void Run()
        {
            if (look())
            {
                lane.Enqueue(this);
            }
            else
            {
                _ended.SetResult();
            }
        }
    }

    public void Dispose()
    {
        bed.Dispose();
        GC.SuppressFinalize(this);
    }
}
