using System.Text;
using FastGate.Tests;

namespace FastGate.EndToEnd.Allocation;

/// <summary>An exchange over real sockets allocates nothing, process-wide and with the access log on, with one connection
/// and with 256 that are suspended together at the same wait.</summary>
[Collection(Alone.Name)]
public sealed class ZeroBytesTests
{
    private const int Warmups = 30;
    private const int Rounds = 10;

    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\nUser-Agent: t\r\n\r\n";
    private const string Post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n";
    private const string ChunkedPost = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    private const string Answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    private const string ChunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    private const string Chunk = "5\r\n01234\r\n";
    private const string LastChunk = "0\r\n\r\n";

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Get_held_at_the_answer(int connections) =>
        Measure(connections, [Step.Head(Get)], [Step.Head(Answer, 5)]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Get_held_within_the_request_s_head(int connections) =>
        Measure(connections, [Step.Nothing(Get[..20]), Step.Head(Get[20..])], [Step.Head(Answer, 5)]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Get_held_within_the_answer_s_head(int connections) => Measure(connections, [Step.Head(Get)],
        [Step.Nothing(Answer[..20]), Step.Head(Answer[20..], 5)]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Get_held_within_the_answer_s_body(int connections) => Measure(connections, [Step.Head(Get)],
        [Step.Head(Answer[..^3], 2), Step.Bytes(Answer[^3..])]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Post_with_length_held_within_the_body(int connections) => Measure(connections,
        [Step.Head(Post), Step.Bytes("01234"), Step.Bytes("56789")], [Step.Head(Answer, 5)]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Post_chunked_held_within_the_body(int connections) => Measure(connections,
        [Step.Head(ChunkedPost), Step.Bytes(Chunk), Step.Bytes(LastChunk)], [Step.Head(Answer, 5)]);

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Streamed_answer_held_between_chunks(int connections) => Measure(connections, [Step.Head(Get)],
        [Step.Head(ChunkedHead), Step.Bytes(Chunk), Step.Bytes(LastChunk)]);

    /// <summary>Most gates stand behind a load balancer, and its word on the client is read for every request.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    public void Get_through_a_trusted_proxy_routed_by_its_client(int connections) => Measure(connections,
        [Step.Head(Get.Replace("User-Agent: t", "X-Forwarded-For: 2001:db8::1, 127.0.0.9, 127.0.0.8:80"))],
        [Step.Head(Answer, 5)],
        route: """when = { ip = "2001:db8::", method = "GET", host = "h", "path:rest" = "a" }""",
        rest: """
            [server]
            trusted_proxies = ["127.0.0.0/8"]
            """);

    /// <summary>All clients take each step together, then all upstream connections do.</summary>
    private static void Measure(int connections, Step[] request, Step[] answer, string route = "", string rest = "")
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, route, rest: rest) + """

            [[route]]
            name = "fence"
            match = "/fence"
            respond = { status = 200, body = "ok" }
            """);
        Wire[] clients = [.. Enumerable.Range(0, connections).Select(_ => gate.Connect())];
        var servers = new Wire[connections];
        using Wire fence = gate.Connect();
        foreach (Wire client in clients)
        {
            foreach (Step step in request)
            {
                client.Send(step.Send);
            }
        }
        for (int i = 0; i < connections; i++)
        {
            servers[i] = upstream.Accept();
        }
        Round(clients, servers, fence, request, answer, requestIsSent: true);
        for (int i = 1; i < Warmups; i++)
        {
            Round(clients, servers, fence, request, answer);
        }
        // The runtime's own threads may allocate now and then, for longer on a busy machine; a leak of ours would show in
        // every try.
        long fewest = long.MaxValue;
        long until = Environment.TickCount64 + Wire.BoundMs;
        while (fewest > 0 && Environment.TickCount64 < until)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < Rounds; i++)
            {
                Round(clients, servers, fence, request, answer);
            }
            fewest = Math.Min(fewest, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        foreach (Wire wire in clients.Concat(servers))
        {
            wire.Dispose();
        }
        Assert.Equal(0, fewest);
    }

    private static void Round(Wire[] clients, Wire[] servers, Wire fence, Step[] request, Step[] answer,
        bool requestIsSent = false)
    {
        foreach (Step step in request)
        {
            Take(step, requestIsSent ? [] : clients, servers, fence);
        }
        foreach (Step step in answer)
        {
            Take(step, servers, clients, fence);
        }
    }

    private static void Take(Step step, Wire[] from, Wire[] to, Wire fence)
    {
        foreach (Wire wire in from)
        {
            wire.Send(step.Send);
        }
        if (step.Arrives == Step.None)
        {
            // Answered by the gate alone, and so behind what it has read of the others by then.
            fence.Send(s_fence);
            fence.SkipHead(2);
            return;
        }
        foreach (Wire wire in to)
        {
            if (step.Arrives == Step.WholeHead)
            {
                wire.SkipHead(step.Behind);
            }
            else
            {
                wire.Skip(step.Arrives);
            }
        }
    }

    private static readonly byte[] s_fence = "GET /fence HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray();

    /// <summary>Bytes that one side sends, and what the other side must receive before the next step.</summary>
    private sealed record Step(byte[] Send, int Arrives, int Behind)
    {
        public const int None = -1;
        public const int WholeHead = 0;

        public static Step Nothing(string text) => new(Encoding.ASCII.GetBytes(text), None, 0);

        /// <param name="text">What completes a head.</param>
        /// <param name="behind">Bytes of body that come with it.</param>
        public static Step Head(string text, int behind = 0) => new(Encoding.ASCII.GetBytes(text), WholeHead, behind);

        public static Step Bytes(string text) => new(Encoding.ASCII.GetBytes(text), text.Length, 0);
    }
}
