using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastGate.EndToEnd.Chaos;

/// <summary>Unruly clients and an unruly upstream, at random, on two lanes and with few connections to share: whatever
/// they do to themselves, nobody gets another's answer, and nothing is left when they are gone.</summary>
public sealed class ChaosTests
{
    private const int Clients = 24;
    private const int Turns = 40;

    /// <summary>The same upstream with all the time that a busy machine may need.</summary>
    private const string Calm = """

        [[route]]
        name = "calm"
        match = "/calm/*"
        strip_prefix = "/calm"
        upstream = "u"
        """;

    [Theory]
    [InlineData(1, 4)]
    [InlineData(2, 1)]
    [InlineData(3, 64)]
    public async Task Nobody_gets_another_s_answer_and_nothing_is_left(int seed, int connectionsMax)
    {
        await using var upstream = new UnrulyUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address,
            """timeout = { first_byte = "100ms", idle = "1s" }""",
            $$"""pool = { connections_max = {{connectionsMax}}, queue_timeout = "500ms" }""") + Calm, lanes: 2);
        CancellationToken over = Soon.Token;
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(
            client => Task.Run(() => VisitAsync(gate.Port, new Random((seed * 1000) + client), over), over)));
        // Every lane still serves.
        for (int i = 0; i < 8; i++)
        {
            using HttpClient client = Soon.HttpClient(gate);
            Assert.Equal($"well{i}", await client.GetStringAsync($"/calm/length/well{i}", over));
        }
        Gateway.Upstreams.Upstream group = gate.Gate.Upstreams[0];
        Expect.Await(() => gate.Gate.Connections == 0, "a client's connection is left");
        Expect.Await(() => group.Servers[0].Active == 0, "an exchange is left");
        Expect.Await(() => group.Queue.Count == 0, "somebody waits");
        Expect.Await(() => gate.Transport.Lanes.Sum(lane => group.PoolOf(lane).IdleCount)
            == group.Servers[0].Connections, "a permit is lost");
        Expect.Await(() => gate.Transport.Lanes.All(lane => lane.Buffers.RentedBytes == 0), "a buffer is lost");
    }

    /// <summary>One client's visit: a request after the other, on new connections where one has ended.</summary>
    private static async Task VisitAsync(int port, Random random, CancellationToken over)
    {
        AsyncWire? wire = null;
        for (int turn = 0; turn < Turns; turn++)
        {
            if (wire is null)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                {
                    NoDelay = true,
                };
                await socket.ConnectAsync(IPAddress.Loopback, port, over);
                wire = new AsyncWire(socket, over);
            }
            if (!await TryTurnAsync(wire, random))
            {
                wire.Dispose();
                wire = null;
            }
        }
        wire?.Dispose();
    }

    /// <returns>Whether the connection goes on.</returns>
    private static async Task<bool> TryTurnAsync(AsyncWire wire, Random random)
    {
        Ask[] asks = [.. Enumerable.Range(0, random.Next(4) == 0 ? 3 : 1).Select(_ => Ask.Next(random))];
        string text = string.Concat(asks.Select(ask => ask.Text));
        try
        {
            int fate = random.Next(20);
            int whole = fate < 3 ? random.Next(text.Length) : text.Length;
            for (int sent = 0; sent < whole;)
            {
                int piece = Math.Min(random.Next(3) == 0 ? random.Next(1, 40) : text.Length, whole - sent);
                await wire.SendAsync(text.Substring(sent, piece));
                sent += piece;
                if (random.Next(4) == 0)
                {
                    await Task.Yield();
                }
            }
            switch (fate)
            {
                case 0 or 3:
                    wire.Reset();
                    return false;
                case 1 or 4:
                    return false;
                case 2 or 5:
                    wire.Socket.Shutdown(SocketShutdown.Send);
                    break;
            }
            foreach (Ask ask in asks)
            {
                if (!await ask.ReadAnswerAsync(wire))
                {
                    return false;
                }
            }
            return fate is not (2 or 5);
        }
        catch (Exception exception) when (exception is SocketException or EndOfStreamException)
        {
            // Cut: a client's right, an upstream's fault, or the gate's answer to either.
            return false;
        }
    }

    /// <summary>One request, and what may come of it.</summary>
    private sealed record Ask(string Id, string Behaviour, bool IsHead, string Text)
    {
        public static Ask Next(Random random)
        {
            string id = random.NextInt64().ToString("x16", CultureInfo.InvariantCulture);
            string[] behaviours = random.Next(3) == 0 ? UnrulyUpstream.Bad : UnrulyUpstream.Good;
            string behaviour = behaviours[random.Next(behaviours.Length)];
            string target = $"/{behaviour}/{id}";
            var body = new StringBuilder();
            switch (random.Next(4))
            {
                case 0:
                    body.Append('x', random.Next(1, 5000));
                    return new Ask(id, behaviour, false,
                        $"POST {target} HTTP/1.1\r\nHost: h\r\nContent-Length: {body.Length}\r\n\r\n{body}");
                case 1:
                    for (int i = random.Next(4); i > 0; i--)
                    {
                        int length = random.Next(1, 300);
                        body.Append(CultureInfo.InvariantCulture, $"{length:x}\r\n").Append('y', length).Append("\r\n");
                    }
                    string trailer = random.Next(2) == 0 ? "" : "T: v\r\n";
                    return new Ask(id, behaviour, false,
                        $"PUT {target} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n{trailer}\r\n");
                case 2:
                    return new Ask(id, behaviour, true, $"HEAD {target} HTTP/1.1\r\nHost: h\r\n\r\n");
                default:
                    return new Ask(id, behaviour, false, $"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
            }
        }

        /// <returns>Whether another answer may follow.</returns>
        public async Task<bool> ReadAnswerAsync(AsyncWire wire)
        {
            string? head = await wire.ReadHeadAsync();
            while (head is not null && Wire.StatusOf(head) == 103)
            {
                Assert.Equal("hints", Behaviour);
                head = await wire.ReadHeadAsync();
            }
            if (head is null)
            {
                return false;
            }
            string body = await ReadBodyAsync(wire, head);
            int status = Wire.StatusOf(head);
            if (status == 200)
            {
                // To HEAD a head is a whole answer.
                Assert.True(IsHead || UnrulyUpstream.Good.Contains(Behaviour) || Behaviour == "twice",
                    $"{Behaviour}: {head}");
                Assert.Equal(IsHead ? "" : Id, body);
            }
            else
            {
                Assert.True(status is 408 or 502 or 503 or 504, head);
                Assert.Contains("\r\nProxy-Status: fastgate; error=", head, StringComparison.Ordinal);
                Assert.DoesNotContain("nobody", body, StringComparison.Ordinal);
            }
            return !head.Contains("\r\nConnection: close\r\n", StringComparison.Ordinal);
        }

        private async Task<string> ReadBodyAsync(AsyncWire wire, string head)
        {
            if (IsHead)
            {
                return "";
            }
            if (!head.Contains("\r\nTransfer-Encoding: chunked\r\n", StringComparison.Ordinal))
            {
                return await wire.ReadAsync((int)Wire.LengthOf(head));
            }
            var body = new StringBuilder();
            while (true)
            {
                int length = int.Parse(
                    await wire.ReadLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                if (length == 0)
                {
                    while (await wire.ReadLineAsync() != "")
                    {
                    }
                    return body.ToString();
                }
                body.Append((await wire.ReadAsync(length + 2))[..^2]);
            }
        }
    }
}
