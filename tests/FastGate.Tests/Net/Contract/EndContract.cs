using FastGate.Net;

namespace FastGate.Tests.Net;

/// <summary>An orderly end: each direction by itself, never before the bytes in front of it, never a fault.</summary>
public abstract class EndContract(TransportBed bed) : IDisposable
{
    [Fact]
    public void The_clients_end_leaves_the_other_direction_open() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await HalfCloseAsync(client, server);
    });

    [Fact]
    public void The_servers_end_leaves_the_other_direction_open() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await HalfCloseAsync(server, client);
    });

    private static async Task HalfCloseAsync(Connection first, Connection second)
    {
        Task<byte[]> reading = second.ReadToEndAsync();
        await first.WriteAsync([1, 2, 3]);
        first.EndOutput();
        first.EndOutput();
        Assert.True(first.OutputEnded);
        Assert.Equal([1, 2, 3], await reading);
        Assert.True(second.Input.IsEnded);
        Task<byte[]> answer = first.ReadToEndAsync();
        await second.WriteAsync([4, 5]);
        second.EndOutput();
        Assert.Equal([4, 5], await answer);
        Assert.Equal(ConnectionFault.None, first.Fault);
        Assert.Equal(ConnectionFault.None, second.Fault);
    }

    [Fact]
    public void A_head_and_an_end_that_came_before_the_first_read_are_both_seen() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
        client.EndOutput();
        await TransportBed.PassAsync(lane, 10);
        var read = await server.Input.ReadAsync();
        Assert.Equal(18, read.Buffer.Length);
        server.Input.AdvanceTo(read.Buffer.End);
        read = await server.Input.ReadAsync();
        Assert.True(read.IsCompleted && read.Buffer.IsEmpty);
        Assert.Equal(ConnectionFault.None, server.Fault);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(16 * 1024)]
    [InlineData(40_000)]
    public void A_body_and_an_end_that_came_as_one_edge_are_both_seen(int count) => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        Task<byte[]> reading = server.ReadToEndAsync();
        byte[] body = Ends.Pattern(count);
        // Without a turn of the lane in between: one edge tells of both.
        client.Output.Append(body);
        var flush = client.Output.FlushAsync();
        Assert.True(flush.IsCompleted);
        client.EndOutput();
        Assert.Equal(body, await reading);
        Assert.Equal(ConnectionFault.None, server.Fault);
    });

    [Fact]
    public void What_was_examined_before_the_end_comes_once_more_with_it() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync("half a he"u8.ToArray());
        var read = await server.Input.ReadAsync();
        server.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        var next = server.Input.ReadAsync();
        client.EndOutput();
        read = await next;
        Assert.True(read.IsCompleted);
        Assert.Equal(9, read.Buffer.Length);
        server.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        Assert.True(server.Input.TryRead(out read) && read.IsCompleted);
        server.Input.AdvanceTo(read.Buffer.End);
    });

    [Fact]
    public void A_close_after_everything_was_read_is_an_orderly_end() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        Task<byte[]> reading = client.ReadToEndAsync();
        await server.WriteAsync([9, 9]);
        server.Close();
        Assert.Equal([9, 9], await reading);
        Assert.Equal(ConnectionFault.None, client.Fault);
    });

    [Fact]
    public void A_closed_connection_reads_as_ended_and_refuses_writes_and_ignores_the_rest() => bed.Run(async lane =>
    {
        var (client, _) = await bed.PairAsync(lane);
        client.Close();
        client.Close();
        Assert.True(client.IsClosed);
        var read = await client.Input.ReadAsync();
        Assert.True(read.IsCompleted && read.Buffer.IsEmpty);
        client.Input.AdvanceTo(read.Buffer.End);
        client.Output.Append([1, 2, 3]);
        Assert.True((await client.Output.FlushAsync()).IsCompleted);
        Assert.False(client.Output.HasBytes);
        client.EndOutput();
        client.Abort();
        int timers = lane.Deadlines.Count;
        client.SetReadDeadline(lane.Now + 1);
        client.SetWriteDeadline(lane.Now + 1);
        Assert.Equal(timers, lane.Deadlines.Count);
        await TransportBed.PassAsync(lane, 5);
    });

    [Fact]
    public void Closing_under_a_read_and_a_write_that_wait_completes_both() => bed.Run(async lane =>
    {
        var (client, _) = await bed.PairAsync(lane);
        Task write = FillAsync(client);
        await TransportBed.UntilAsync(lane, () => client.Output.IsWaiting);
        var read = client.Input.ReadAsync();
        client.Close();
        Assert.True((await read).IsCompleted);
        await write;
    });

    [Fact]
    public void A_result_that_was_queued_before_a_close_shows_no_bytes_that_went_back() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync([1, 2, 3]);
        var read = await server.Input.ReadAsync();
        server.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        Task<bool> waiter = EmptyAndCompletedAsync(server);
        server.Input.CancelPendingRead();
        server.Close();
        Assert.True(await waiter);

        static async Task<bool> EmptyAndCompletedAsync(Connection connection)
        {
            var read = await connection.Input.ReadAsync();
            connection.Input.AdvanceTo(read.Buffer.End);
            return read.Buffer.IsEmpty && read.IsCompleted;
        }
    });

    [Theory]
    [InlineData("end")]
    [InlineData("bytes")]
    [InlineData("bytes and end")]
    [InlineData("cut")]
    [InlineData("cancel")]
    public void A_read_that_is_taken_only_after_its_close_is_empty_and_completed(string what) => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var taken = server.Input.ReadAsync();
        if (what.StartsWith("bytes", StringComparison.Ordinal))
        {
            await client.WriteAsync([1, 2, 3]);
        }
        switch (what)
        {
            case "end" or "bytes and end":
                client.EndOutput();
                break;
            case "cut":
                client.Abort();
                break;
            case "cancel":
                server.Input.CancelPendingRead();
                break;
        }
        await TransportBed.UntilAsync(lane, () => !server.Input.IsWaiting);
        server.Close();
        Assert.Equal(0, lane.Buffers.Rented);
        // Its descriptor, its slot on the lane and its buffer are now those of another connection.
        var (other, next) = await bed.PairAsync(lane);
        await other.WriteAsync([4, 5]);
        var theirs = await next.Input.ReadAsync();
        Assert.True(taken.IsCompletedSuccessfully);
        var read = await taken;
        Assert.True(read.Buffer.IsEmpty && read.IsCompleted && !read.IsCanceled);
        server.Input.AdvanceTo(read.Buffer.End);
        server.Input.CancelPendingRead();
        server.Abort();
        server.Close();
        Assert.Equal([4, 5], theirs.Buffer.FirstSpan.ToArray());
        next.Input.AdvanceTo(theirs.Buffer.End);
        await other.WriteAsync([6]);
        Assert.Equal([6], await next.ReadExactlyAsync(1));
        Assert.Equal(ConnectionFault.None, next.Fault);
    });

    [Fact]
    public void Positions_of_a_read_from_before_a_close_are_harmless_after_it() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync([1, 2, 3]);
        var read = await server.Input.ReadAsync();
        var end = read.Buffer.End;
        server.Close();
        server.Input.AdvanceTo(end);
        Assert.Equal(0, lane.Buffers.Rented);
    });

    [Fact]
    public void Nobody_there_is_a_refused_connection_and_not_an_exception() => bed.Run(async lane =>
    {
        NetAddress address = bed.Listener.Address;
        bed.Listener.Stop();
        Assert.Null(await bed.Listener.AcceptAsync(lane));
        Connection connection = bed.Track(await bed.Transport.ConnectAsync(lane, address, lane.Now + 5_000));
        Assert.Equal(ConnectionFault.Refused, connection.Fault);
        Assert.True((await connection.Input.ReadAsync()).IsCompleted);
        connection.Output.Append([1]);
        Assert.True((await connection.Output.FlushAsync()).IsCompleted);
        connection.Close();
    });

    [Fact]
    public void Stopping_gives_out_what_was_queued_and_then_null() => bed.Run(async lane =>
    {
        var listener = bed.Listener;
        var clients = new List<Connection>();
        for (int i = 0; i < 5; i++)
        {
            clients.Add(bed.Track(await bed.Transport.ConnectAsync(lane, listener.Address, lane.Now + 5_000)));
        }
        listener.Stop();
        listener.Stop();
        int accepted = 0;
        while (await listener.AcceptAsync(lane) is { } server)
        {
            bed.Track(server);
            accepted++;
        }
        Assert.Equal(5, accepted);
        Assert.Null(await listener.AcceptAsync(lane));
    });

    internal static async Task FillAsync(Connection connection)
    {
        byte[] piece = new byte[100_000];
        while (true)
        {
            var result = await connection.Output.WriteAsync(piece.AsMemory());
            if (result.IsCompleted || result.IsCanceled)
            {
                return;
            }
        }
    }

    public void Dispose()
    {
        bed.Dispose();
        GC.SuppressFinalize(this);
    }
}
