using FastGate.Net;

namespace FastGate.Tests.Net;

/// <summary>A cut, in each phase: results complete, the fault says why, nothing throws. A Unix socket cannot say that it
/// was cut, so this is for the others.</summary>
public abstract class ResetContract(TransportBed bed) : IDisposable
{
    [Fact]
    public void While_reading() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var read = server.Input.ReadAsync();
        client.Abort();
        Assert.Equal(ConnectionFault.Aborted, client.Fault);
        var result = await read;
        Assert.True(result.IsCompleted && result.Buffer.IsEmpty);
        Assert.Equal(ConnectionFault.Reset, server.Fault);
    });

    [Fact]
    public void While_writing() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        Task writing = EndContract.FillAsync(server);
        await TransportBed.UntilAsync(lane, () => server.Output.IsWaiting);
        client.Abort();
        await writing;
        Assert.Equal(ConnectionFault.Reset, server.Fault);
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void While_reading_and_writing() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        Task writing = EndContract.FillAsync(server);
        Task<byte[]> reading = server.ReadToEndAsync();
        await TransportBed.UntilAsync(lane, () => server.Output.IsWaiting);
        client.Abort();
        await writing;
        Assert.Empty(await reading);
        Assert.Equal(ConnectionFault.Reset, server.Fault);
    });

    [Fact]
    public void While_idle_under_a_watch() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        var watch = new RecordingWatch();
        server.Watch(watch);
        client.Abort();
        await TransportBed.UntilAsync(lane, () => watch.Broken > 0);
        Assert.Equal(ConnectionFault.Reset, server.Fault);
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
        Assert.Equal(ConnectionFault.Reset, server.Fault);
    });

    [Fact]
    public void With_unread_data() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync([1, 2, 3]);
        await TransportBed.PassAsync(lane, 10);
        client.Abort();
        await TransportBed.PassAsync(lane, 10);
        await server.ReadToEndAsync();
        Assert.Equal(ConnectionFault.Reset, server.Fault);
    });

    [Fact]
    public void With_data_received_and_not_consumed() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync([1, 2, 3]);
        var read = await server.Input.ReadAsync();
        server.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        var next = server.Input.ReadAsync();
        client.Abort();
        read = await next;
        Assert.True(read.IsCompleted);
        Assert.Equal(3, read.Buffer.Length);
        Assert.Equal(ConnectionFault.Reset, server.Fault);
        server.Input.AdvanceTo(read.Buffer.End);
    });

    [Fact]
    public void Before_the_first_read() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Abort();
        await TransportBed.PassAsync(lane, 10);
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
        Assert.Equal(ConnectionFault.Reset, server.Fault);
    });

    [Fact]
    public void Before_the_first_write() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.Abort();
        await TransportBed.PassAsync(lane, 10);
        server.Output.Append([1]);
        Assert.True((await server.Output.FlushAsync()).IsCompleted);
        Assert.Equal(ConnectionFault.Reset, server.Fault);
        Assert.False(server.Output.HasBytes);
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void After_our_own_end() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        server.EndOutput();
        Task<byte[]> reading = server.ReadToEndAsync();
        await client.ReadToEndAsync();
        client.Abort();
        Assert.Empty(await reading);
        Assert.Equal(ConnectionFault.Reset, server.Fault);
    });

    [Fact]
    public void A_close_with_unread_data_resets() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        await client.WriteAsync([1, 2, 3]);
        await TransportBed.PassAsync(lane, 10);
        server.Close();
        await client.ReadToEndAsync();
        Assert.Equal(ConnectionFault.Reset, client.Fault);
    });

    [Fact]
    public void A_close_with_unsent_bytes_cuts_and_does_not_end() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        Task writing = EndContract.FillAsync(server);
        await TransportBed.UntilAsync(lane, () => server.Output.IsWaiting);
        server.Close();
        await writing;
        await client.ReadToEndAsync();
        Assert.Equal(ConnectionFault.Reset, client.Fault);
    });

    [Fact]
    public void An_end_behind_unsent_bytes_cuts() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        server.Output.Append([1, 2, 3]);
        server.EndOutput();
        await client.ReadToEndAsync();
        Assert.Equal(ConnectionFault.Reset, client.Fault);
    });

    [Fact]
    public void Our_own_abort_completes_what_waits_from_the_queue() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        bool readDone = false;
        Task reading = ReadAsync();
        Task writing = EndContract.FillAsync(client);
        await TransportBed.UntilAsync(lane, () => client.Output.IsWaiting);
        client.Abort();
        client.Abort();
        Assert.False(readDone, "a waiter ran inside of Abort");
        await reading;
        await writing;
        Assert.Equal(ConnectionFault.Aborted, client.Fault);
        Assert.False(client.IsClosed);
        client.Output.Append([1]);
        Assert.True((await client.Output.FlushAsync()).IsCompleted);

        async Task ReadAsync()
        {
            Assert.True((await client.Input.ReadAsync()).IsCompleted);
            readDone = true;
        }
    });

    [Fact]
    public void An_abort_after_a_failed_write_still_cuts() => bed.Run(async lane =>
    {
        var (client, server) = await bed.PairAsync(lane);
        client.EndOutput();
        client.Output.Append([1]);
        Assert.True((await client.Output.FlushAsync()).IsCompleted);
        Assert.NotEqual(ConnectionFault.None, client.Fault);
        var read = server.Input.ReadAsync();
        Assert.True((await read).IsCompleted);
        Assert.Equal(ConnectionFault.None, server.Fault);
        client.Abort();
        await TransportBed.PassAsync(lane, 10);
        server.Output.Append([1]);
        await server.Output.FlushAsync();
        Assert.Equal(ConnectionFault.Reset, server.Fault);
    });

    public void Dispose()
    {
        bed.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>Counts what it is told.</summary>
internal sealed class RecordingWatch : ConnectionWatch
{
    public int Active;
    public int Broken;
    public Action<Connection>? Then;

    protected internal override void OnActivity(Connection connection, bool broken)
    {
        Active++;
        Broken += broken ? 1 : 0;
        Then?.Invoke(connection);
    }
}
