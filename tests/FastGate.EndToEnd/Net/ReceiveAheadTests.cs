using System.IO.Pipelines;
using FastGate.Net;
using FastGate.Net.Linux;
using FastGate.Tests.Net;

namespace FastGate.EndToEnd.Net;

/// <summary>One batch of events tells of several connections: what all of them wait for is received before the first
/// of their readers goes on, who may do to the others whatever he likes.</summary>
public sealed class ReceiveAheadTests : IDisposable
{
    private readonly SocketBed _bed = new();

    [Fact]
    public void What_the_whole_batch_waits_for_is_received_first() => _bed.Run(async lane =>
    {
        (Connection first, Connection second) = await TwoAsync(lane);
        long before = -1;
        Task<byte[]> one = ReadOneAsync(first, () => before = second.BytesReceived);
        Task<byte[]> other = ReadOneAsync(second, () => { });
        await TransportBed.UntilAsync(lane, () => one.IsCompleted && other.IsCompleted);
        Assert.Equal(2, before);
        Assert.Equal([1, 2], await one);
        Assert.Equal([1, 2], await other);
        Assert.Equal(0, lane.Buffers.Rented);
    });

    [Fact]
    public void A_reader_whose_connection_is_closed_meanwhile_gets_nothing() => _bed.Run(async lane =>
    {
        (Connection first, Connection second) = await TwoAsync(lane);
        ValueTask<ReadResult> other = second.Input.ReadAsync();
        await ReadOneAsync(first, () =>
        {
            Assert.Equal(2, second.BytesReceived);
            second.Close();
        });
        ReadResult read = await other;
        Assert.True(read.IsCompleted);
        Assert.True(read.Buffer.IsEmpty);
        Assert.Equal(0, lane.Buffers.Rented);
    });

    [Fact]
    public void A_reader_who_is_called_off_meanwhile_is_told_once() => _bed.Run(async lane =>
    {
        (Connection first, Connection second) = await TwoAsync(lane);
        ValueTask<ReadResult> other = second.Input.ReadAsync();
        await ReadOneAsync(first, () =>
        {
            Assert.Equal(2, second.BytesReceived);
            second.Input.CancelPendingRead();
        });
        ReadResult read = await other;
        Assert.True(read.IsCanceled);
        Assert.Equal(2, read.Buffer.Length);
        second.Input.AdvanceTo(read.Buffer.End);
        ValueTask<ReadResult> next = second.Input.ReadAsync();
        await TransportBed.PassAsync(lane, 5);
        Assert.False(next.IsCompleted, "the read of what came after was told of what came before");
        second.Abort();
        Assert.True((await next).IsCompleted);
    });

    [Fact]
    public void Bytes_and_the_end_behind_them_are_both_seen() => _bed.Run(async lane =>
    {
        (Connection client, Connection first) = await _bed.PairAsync(lane);
        (Connection otherClient, Connection second) = await _bed.PairAsync(lane);
        Task<byte[]> one = first.ReadToEndAsync();
        Task<byte[]> other = second.ReadToEndAsync();
        // The lane stands still here: one batch.
        await SendAsync(client);
        await SendAsync(otherClient);
        client.EndOutput();
        otherClient.EndOutput();
        Assert.Equal([1, 2], await one);
        Assert.Equal([1, 2], await other);
    });

    /// <summary>A batch of hundreds holds buffers for a part of it only, and where memory is nearly short for one
    /// reader at a time: nobody is refused for want of it who was not before.</summary>
    [Theory]
    [InlineData(long.MaxValue, EpollLane.AheadMax)]
    [InlineData(1, 1)]
    public void Hundreds_are_not_received_at_once(long memoryMax, int heldMost) => _bed.Run(async lane =>
    {
        const int Count = 4 * EpollLane.AheadMax;
        lane.Memory.Max = memoryMax;
        var clients = new List<Connection>();
        var reads = new List<Task<byte[]>>();
        int most = 0;
        for (int i = 0; i < Count; i++)
        {
            (Connection client, Connection server) = await _bed.PairAsync(lane);
            clients.Add(client);
            reads.Add(ReadOneAsync(server, () => most = Math.Max(most, lane.Buffers.Rented)));
        }
        await TransportBed.PassAsync(lane, 2);
        foreach (Connection client in clients)
        {
            await SendAsync(client);
        }
        await TransportBed.UntilAsync(lane, () => reads.TrueForAll(static read => read.IsCompleted));
        Assert.Equal(heldMost, most);
        Assert.All(reads, static read => Assert.Equal([1, 2], read.Result));
        lane.Memory.Max = long.MaxValue;
    });

    public void Dispose() => _bed.Dispose();

    /// <summary>Two to whom bytes have come since the lane looked last.</summary>
    private async Task<(Connection First, Connection Second)> TwoAsync(Lane lane)
    {
        (Connection client, Connection first) = await _bed.PairAsync(lane);
        (Connection otherClient, Connection second) = await _bed.PairAsync(lane);
        await TransportBed.PassAsync(lane, 2);
        Assert.True(first.IsSilent() && second.IsSilent());
        await SendAsync(client);
        await SendAsync(otherClient);
        return (first, second);
    }

    private static async Task SendAsync(Connection connection)
    {
        connection.Output.Append([1, 2]);
        Assert.True((await connection.Output.FlushAsync()) is { IsCompleted: false, IsCanceled: false });
    }

    private static async Task<byte[]> ReadOneAsync(Connection connection, Action then)
    {
        ReadResult read = await connection.Input.ReadAsync();
        then();
        byte[] bytes = System.Buffers.BuffersExtensions.ToArray(read.Buffer);
        connection.Input.AdvanceTo(read.Buffer.End);
        return bytes;
    }
}
