using System.Buffers;
using System.Text;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Http;
using FastGate.Net;

namespace FastGate.Tests.Proxy;

/// <summary><c>memory_max</c> where it is reached: who waits and has cost most makes room, and everything that was
/// charged is given back.</summary>
public sealed class MemoryRoomTests
{
    private const long Max = 16 << 20;
    /// <summary>What is made free besides what it is over.</summary>
    private const long Spare = Max / 64;
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string Upgrade = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    private const string Switched = "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";

    private readonly GateInMemory _gate = GateInMemory.With(server: "memory_max = \"16MiB\"", pool:
        "pool = { connections_max = 10000, idle = \"1h\" }");
    private long _filled;

    [Fact]
    public void Who_leaves_an_answer_unread_makes_room_before_those_that_idle()
    {
        Peer[] idle = [.. Enumerable.Range(0, 10).Select(_ => _gate.Connect())];
        Peer[] greedy = [.. Enumerable.Range(0, 10).Select(_ => Unread(100_000))];
        _gate.Advance(1_000);
        Fill();
        int cut = greedy.Count(peer => peer.Broken);
        Assert.InRange(cut, 1, 9);
        Assert.All(idle, peer => Assert.False(peer.Ended));
        GiveBack();
        Assert.Equal(cut, _gate.Gate.Stats.Sum().WithReason(Reason.Overloaded));
        Assert.Equal(cut, _gate.Gate.Stats.Sum().WithStatus(200));
        _gate.Dispose();
    }

    [Fact]
    public void Who_idles_for_long_makes_room_before_one_that_has_just_come()
    {
        Peer[] old = [.. Enumerable.Range(0, 400).Select(_ => _gate.Connect())];
        _gate.Advance(60_000);
        Peer[] young = [.. Enumerable.Range(0, 10).Select(_ => _gate.Connect())];
        Fill();
        Assert.InRange(old.Count(peer => peer.Ended), (int)Spare / ClientCost.ObjectBytes, old.Length - 1);
        Assert.All(young, peer => Assert.False(peer.Ended));
        GiveBack();
        _gate.Dispose();
    }

    [Fact]
    public void A_tunnel_whose_end_does_not_read_makes_room()
    {
        Peer client = _gate.Connect();
        client.Send(Upgrade);
        Peer upstream = _gate.Upstream[^1];
        upstream.Send(Switched);
        client.Hold();
        upstream.Send(new byte[500_000]);
        _gate.Advance(1_000);
        Fill();
        Assert.True(client.Broken);
        Assert.True(upstream.Broken);
        GiveBack();
        Assert.Equal(0, _gate.Gate.Connections);
        _gate.Dispose();
    }

    [Fact]
    public void An_upload_that_its_upstream_does_not_take_makes_room_with_an_answer()
    {
        Peer client = _gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
        Peer upstream = _gate.Upstream[^1];
        upstream.Hold();
        client.Send(new byte[500_000]);
        _gate.Advance(1_000);
        Fill();
        Assert.StartsWith("HTTP/1.1 503 ", client.Received);
        Assert.Contains("error=overloaded", client.Received);
        Assert.True(upstream.Broken);
        GiveBack();
        _gate.Dispose();
    }

    /// <summary>Its client stalls, and all that it sent is kept for another try.</summary>
    [Fact]
    public void A_body_that_is_kept_makes_room()
    {
        Peer client = _gate.Connect();
        client.Send("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n");
        client.Send(new byte[50_000]);
        Peer upstream = _gate.Upstream[^1];
        _gate.Advance(1_000);
        Fill();
        Assert.StartsWith("HTTP/1.1 503 ", client.Received);
        Assert.True(upstream.Broken);
        GiveBack();
        _gate.Dispose();
    }

    [Fact]
    public void Who_only_waits_for_an_upstream_is_left_alone()
    {
        Peer client = _gate.Connect();
        client.Send(Get);
        Peer upstream = _gate.Upstream[^1];
        _gate.Advance(10_000);
        Fill();
        upstream.Send(Ok);
        Assert.EndsWith("ok", client.Received);
        GiveBack();
        _gate.Dispose();
    }

    /// <summary>The bound is kept by those who read nothing, one after the other, however many they are.</summary>
    [Fact]
    public void A_crowd_that_reads_nothing_stays_within_the_bound()
    {
        long most = 0;
        for (int i = 0; i < 300; i++)
        {
            Peer peer = _gate.Connect();
            peer.Hold();
            peer.Send(Get);
            if (_gate.Upstream[^1].Connection is { BytesReceived: > 0, OutputInUse: not { IsWaiting: true } })
            {
                _gate.Upstream[^1].Send("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
                _gate.Upstream[^1].Send(new byte[200_000]);
            }
            most = Math.Max(most, _gate.Lane.Memory.Used);
            _gate.Advance(10);
        }
        // A 64th until the next alarm, and what one turn brings.
        Assert.InRange(most, Max / 2, Max + (Max / 64) + (1 << 20));
        Assert.InRange(_gate.Lane.Buffers.SlabBytesTotal, Max / 2, Max + (4 << 20));
        _gate.Dispose();
    }

    [Fact]
    public void Everything_that_was_charged_is_given_back()
    {
        string longValue = new('x', 20_000);
        for (int i = 0; i < 3; i++)
        {
            Peer client = _gate.Connect();
            client.Send($"GET /{longValue} HTTP/1.1\r\nHost: h\r\nX: {longValue[..5_000]}");
            client.Send("\r\n\r\n");
            _gate.Upstream[^1].Send($"HTTP/1.1 200 OK\r\nX: {longValue}");
            _gate.Upstream[^1].Send("\r\nContent-Length: 2\r\n\r\nok");
            Assert.EndsWith("ok", client.Received);
            client.End();
            Unread(100_000).Reset();
            Peer bad = _gate.Connect();
            bad.Send("nonsense\r\n\r\n");
            bad.End();
        }
        _gate.Upstream.ForEach(peer => peer.Reset());
        Assert.Equal(0, _gate.Gate.Connections);
        Assert.Equal(0, _gate.Lane.Buffers.RentedBytes);
        // What is left is of the exchanges that are kept: two were in use at once.
        Assert.InRange(_gate.Lane.Memory.Used, 1, 2 * 32 * 1024);
        _gate.Dispose();
    }

    /// <summary>A line of four bytes takes 28 in the table that says where its name and its value are.</summary>
    [Fact]
    public void Very_many_fields_are_charged_and_their_room_is_not_kept()
    {
        const int Lines = 5_000;
        using GateInMemory gate = GateInMemory.With(client: "headers_max = 10000");
        string lines = string.Concat(Enumerable.Repeat("a:\r\n", Lines));
        Peer client = gate.Connect();
        client.Send($"GET /a HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
        Assert.InRange(gate.Lane.Memory.Used, Lines * 28, 512 * 1024);
        gate.Upstream[^1].Send($"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{lines}\r\n");
        Assert.InRange(gate.Lane.Memory.Used, Lines * 28 * 2, 768 * 1024);
        gate.Upstream[^1].Send("ok");
        Assert.EndsWith("ok", client.Received);
        Assert.InRange(gate.Lane.Memory.Used, 1, 16 * 1024);
        client.Send(Get);
        Assert.InRange(gate.Lane.Memory.Used, 1, 16 * 1024);
        client.Reset();
    }

    /// <summary>Their table grows as lines are read: whoever holds back the end of his head, or breaks a rule in the
    /// last line, has its room as well.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("no colon\r\n")]
    public void Very_many_fields_are_charged_in_a_head_that_is_not_complete_or_is_refused(string end)
    {
        const int Lines = 3_000;
        using GateInMemory gate = GateInMemory.With(client: "headers_max = 10000");
        string lines = string.Concat(Enumerable.Repeat("a:\r\n", Lines));
        Peer client = gate.Connect();
        client.Send($"GET /a HTTP/1.1\r\nHost: h\r\n{lines}{end}");
        Assert.Equal(end.Length > 0, client.Received.StartsWith("HTTP/1.1 400", StringComparison.Ordinal));
        Assert.InRange(gate.Lane.Memory.Used, Lines * 28, 512 * 1024);
        client.Reset();
        Assert.InRange(gate.Lane.Memory.Used, 0, 16 * 1024);
    }

    /// <summary>Their table is the lane's and not charged, whether they come at once or not all of them.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Very_many_trailers_leave_no_room_behind(bool isWhole)
    {
        const int Lines = 5_000;
        byte[] end = Encoding.ASCII.GetBytes($"0\r\n{string.Concat(Enumerable.Repeat("a:\r\n", Lines))}\r\n");
        var trailers = new HeaderTable();
        _gate.On(() =>
        {
            Connection upstream = _gate.ConnectNow(NetAddress.Memory("demo:"));
            var body = new ChunkedBody(new HeadLimits(HeadBytesMax: 32 * 1024, HeadersMax: 2 * Lines));
            ChunkedBody.Progress progress = body.Copy(
                new ReadOnlySequence<byte>(end, 0, isWhole ? end.Length : end.Length / 2), upstream.Output, trailers);
            Assert.Equal(isWhole ? ChunkedBody.State.Ended : ChunkedBody.State.More, progress.State);
            Assert.Equal(0, trailers.ExtraBytes);
            upstream.Abort();
        });
        _gate.Dispose();
    }

    [Fact]
    public void Exchanges_are_kept_up_to_a_part_of_the_bound()
    {
        const int Many = 400;
        string value = new('x', 7_000);
        Peer[] clients = [.. Enumerable.Range(0, Many).Select(_ => _gate.Connect())];
        foreach (Peer client in clients)
        {
            client.Send($"GET / HTTP/1.1\r\nHost: h\r\nX: {value}\r\n\r\n");
        }
        Assert.InRange(_gate.Lane.Memory.Used, Many * 15_000, Max);
        foreach (Peer client in clients)
        {
            client.Reset();
        }
        Assert.Equal(0, _gate.Gate.Connections);
        _gate.Upstream.ForEach(peer => peer.Reset());
        Assert.InRange(_gate.Lane.Memory.Used, Max / 16, Max / 8);
        _gate.Dispose();
    }

    /// <summary>A client that has asked for much and reads nothing.</summary>
    private Peer Unread(int bytes)
    {
        Peer client = _gate.Connect();
        client.Hold();
        client.Send(Get);
        Peer upstream = _gate.Upstream[^1];
        upstream.Send($"HTTP/1.1 200 OK\r\nContent-Length: {bytes * 10}\r\n\r\n");
        upstream.Send(new byte[bytes]);
        return client;
    }

    /// <summary>Takes memory until the bound is passed.</summary>
    private void Fill() => _gate.On(() => _gate.Lane.Memory.Take(_filled = Max - _gate.Lane.Memory.Used + 1));

    private void GiveBack() => _gate.On(() => _gate.Lane.Memory.Give(_filled));
}
