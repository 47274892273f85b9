using System.Text;
using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Proxy;

/// <summary>An exchange allocates nothing, with one connection and with 256 that are suspended together at the same wait.
/// All of it runs on the test's own thread, whose count nobody else changes.</summary>
[Collection(Alone.Name)]
public sealed class ZeroBytesTests
{
    private const int Warmups = 50;
    private const int Rounds = 20;

    private static readonly byte[] s_get = Bytes("GET /a HTTP/1.1\r\nHost: h\r\nUser-Agent: t\r\n\r\n");
    private static readonly byte[] s_post = Bytes("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
    private static readonly byte[] s_chunkedPost =
        Bytes("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    private static readonly byte[] s_put = Bytes("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n");
    private static readonly byte[] s_chunkedPut =
        Bytes("PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    private static readonly byte[] s_answer = Bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    private static readonly byte[] s_chunkedHead = Bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Get_held_at_the_answer(int connections) => Measure(connections, [s_get], [s_answer]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Get_held_within_the_request_s_head(int connections) =>
        Measure(connections, [s_get[..20], s_get[20..]], [s_answer]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Get_held_within_the_answer_s_head(int connections) =>
        Measure(connections, [s_get], [s_answer[..20], s_answer[20..]]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Get_held_within_the_answer_s_body(int connections) =>
        Measure(connections, [s_get], [s_answer[..^3], s_answer[^3..]]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Post_with_length_held_within_the_body(int connections) =>
        Measure(connections, [s_post, Bytes("01234"), Bytes("56789")], [s_answer]);

    /// <summary>Its body is kept for another try.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Put_held_within_the_body(int connections) =>
        Measure(connections, [s_put, Bytes("01234"), Bytes("56789")], [s_answer]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Put_chunked_held_within_the_body(int connections) =>
        Measure(connections, [s_chunkedPut, Bytes("5\r\n01234\r\n"), Bytes("0\r\n\r\n")], [s_answer]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Post_chunked_held_within_the_body(int connections) =>
        Measure(connections, [s_chunkedPost, Bytes("5\r\n01234\r\n"), Bytes("0\r\n\r\n")], [s_answer]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Streamed_answer_held_between_chunks(int connections) =>
        Measure(connections, [s_get], [s_chunkedHead, Bytes("5\r\nhello\r\n"), Bytes("0\r\n\r\n")]);

    [Theory]
    [InlineData("p2c_ewma")]
    [InlineData("p2c")]
    [InlineData("least")]
    [InlineData("round_robin")]
    [InlineData("hash\"\nhash = [\"cookie:sid\", \"query:q\", \"host\", \"ip\"]\n#")]
    public void Get_to_one_of_several_servers(string balance)
    {
        using var gate = new GateInMemory(GateInMemory.Plain.Replace("servers = [\"demo:\"]", $"""
            servers = ["demo:", "unix:/a", {"{"} address = "unix:/b", weight = 3 {"}"}]
            slow_start = "1h"
            balance = "{balance}"
            """, StringComparison.Ordinal));
        gate.Listen("/a", gate.Upstream);
        gate.Listen("/b", gate.Upstream);
        foreach (Server server in gate.Gate.Upstreams[0].Servers)
        {
            server.SetState(StateVoice.Health, ServerState.Down, "test", gate.Lane.Now);
            server.SetState(StateVoice.Health, ServerState.Up, "test", gate.Lane.Now);
        }
        Peer[] clients = [.. Enumerable.Range(0, 64).Select(_ => gate.Connect())];
        byte[][] request = [Bytes("GET /a?q=%20x HTTP/1.1\r\nHost: h\r\nCookie: sid=1\r\n\r\n")];
        byte[][] answer = [s_answer];
        for (int i = 0; i < Warmups; i++)
        {
            Exchange(gate, clients, request, answer);
        }
        AssertNone(() => Exchange(gate, clients, request, answer), tries: 100);
    }

    /// <summary>All clients take each step together, then all upstream connections do: at every step all exchanges are
    /// suspended at once.</summary>
    private static void Measure(int connections, byte[][] request, byte[][] answer)
    {
        using var gate = new GateInMemory();
        Peer[] clients = [.. Enumerable.Range(0, connections).Select(_ => gate.Connect())];
        for (int i = 0; i < Warmups; i++)
        {
            Exchange(gate, clients, request, answer);
        }
        Assert.Equal(connections, gate.Upstream.Count);
        AssertNone(() => Exchange(gate, clients, request, answer));
    }

    /// <param name="exchange">All exchanges once.</param>
    /// <param name="tries">More than one where chance decides: a server that gets more at once than ever before costs a
    /// connection. What every exchange allocates shows in every try.</param>
    private static void AssertNone(Action exchange, int tries = 1)
    {
        long fewest = long.MaxValue;
        for (int attempt = 0; attempt < tries && fewest > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Rounds; i++)
            {
                exchange();
            }
            fewest = Math.Min(fewest, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, fewest);
    }

    private static void Exchange(GateInMemory gate, Peer[] clients, byte[][] request, byte[][] answer)
    {
        foreach (byte[] piece in request)
        {
            for (int i = 0; i < clients.Length; i++)
            {
                clients[i].Queue(piece);
            }
            gate.Run();
        }
        foreach (byte[] piece in answer)
        {
            for (int i = 0; i < gate.Upstream.Count; i++)
            {
                if (gate.Upstream[i].ReceivedBytes > 0)
                {
                    gate.Upstream[i].Queue(piece);
                }
            }
            gate.Run();
        }
        for (int i = 0; i < clients.Length; i++)
        {
            if (clients[i].ReceivedBytes == 0)
            {
                Assert.Fail("no answer");
            }
            clients[i].Forget();
        }
        for (int i = 0; i < gate.Upstream.Count; i++)
        {
            gate.Upstream[i].Forget();
        }
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
}
