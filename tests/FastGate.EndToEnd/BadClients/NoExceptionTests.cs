using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using FastGate.EndToEnd.Resources;
using FastGate.Http;
using FastGate.Net;
using FastGate.Tests;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.BadClients;

/// <summary>Nothing that a peer can send or do is an exception on a lane, not even one that is caught: unwinding costs
/// more than serving, so a flood of it would be an attack.</summary>
[Collection(Alone.Name)]
public sealed class NoExceptionTests : IDisposable
{
    private readonly ConcurrentQueue<string> _thrown = new();
    private readonly HandUpstream _upstream = new();
    private readonly GateOnLoopback _gate;

    public NoExceptionTests()
    {
        _gate = new GateOnLoopback(GateOnLoopback.To(_upstream.Address, rest: $"""
            [client]
            head_bytes_max = "{MessageCases.Limits.HeadBytesMax}B"
            headers_max = {MessageCases.Limits.HeadersMax}
            """));
        AppDomain.CurrentDomain.FirstChanceException += OnThrown;
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.FirstChanceException -= OnThrown;
        _gate.Dispose();
        _upstream.Dispose();
    }

    [Fact]
    public void An_exception_on_a_lane_is_counted()
    {
        _gate.Transport.Lanes[0].Post(new LaneAction(() => throw new InvalidOperationException("a bug")));
        Expect.Await(() => !_thrown.IsEmpty, "it is not seen");
    }

    [Fact]
    public void No_request_throws()
    {
        Assert.NotEmpty(MessageCases.Requests);
        foreach (MessageCase each in MessageCases.Requests)
        {
            using Wire client = _gate.Connect();
            if (each.Expected is ParseStatus.Complete or ParseStatus.Incomplete)
            {
                // It may reach the upstream or stay half a head: it is left in the middle either way.
                client.TrySend(each.Bytes);
                client.Reset();
                continue;
            }
            client.TrySend(each.Bytes);
            Assert.InRange(Wire.StatusOf(client.ReadHead()), 400, 505);
            client.ReadToEnd(out _);
        }
        AssertNoneThrown();
    }

    [Fact]
    public void No_chunked_body_throws()
    {
        foreach (MessageCase each in MessageCases.Chunks)
        {
            using Wire client = _gate.Connect();
            client.Send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
            using Wire connection = _upstream.Accept();
            connection.ReadHead();
            client.TrySend(each.Bytes);
            client.Fin();
            connection.Fin();
            client.ReadToEnd(out _);
            connection.ReadToEnd(out _);
        }
        AssertNoneThrown();
    }

    [Fact]
    public void No_answer_throws()
    {
        foreach (MessageCase each in MessageCases.Responses)
        {
            using Wire client = _gate.Connect();
            client.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
            using Wire connection = _upstream.Accept();
            connection.ReadHead();
            connection.TrySend(each.Bytes);
            connection.Fin();
            client.ReadToEnd(out _);
        }
        AssertNoneThrown();
    }

    [Fact]
    public void No_break_throws()
    {
        Visit.All(_gate.Port, _upstream);
        AssertNoneThrown();
    }

    private void AssertNoneThrown()
    {
        Expect.Await(() => _gate.Gate.Connections == 0, "a connection is left");
        Assert.Empty(_thrown);
    }

    private void OnThrown(object? sender, FirstChanceExceptionEventArgs thrown)
    {
        // Lanes of other gates of this process have ended: these tests run alone.
        if (Lane.Current is not null)
        {
            _thrown.Enqueue(thrown.Exception.ToString());
        }
    }
}
