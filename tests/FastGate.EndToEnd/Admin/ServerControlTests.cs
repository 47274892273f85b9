using System.Text.Json;

namespace FastGate.EndToEnd.Admin;

/// <summary>Servers that an operator takes out of use while lanes of their own threads send requests to them.</summary>
public sealed class ServerControlTests
{
    private const int Lanes = 3;
    private const string AnswerA = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    private const string AnswerB = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb";

    [Theory]
    [InlineData("drain", "draining")]
    [InlineData("down", "down")]
    public async Task Once_it_is_answered_no_lane_sends_anything_to_the_server(string said, string state)
    {
        using var a = new AnsweringUpstream(AnswerA);
        using var b = new AnsweringUpstream(AnswerB);
        using var gate = new GateOnLoopback(Two(a.Address, b.Address), Lanes);
        using var admin = new AdminOnLoopback(gate);
        List<Wire> clients = OnEveryLane(gate);
        Assert.Equal(['a', 'b'], Asked(clients, times: 4).Distinct().Order());
        for (int round = 0; round < 5; round++)
        {
            JsonElement shown = admin.Post($"/upstreams/u/servers?address={a.Address}&state={said}").At("server");
            Assert.Equal(state, shown.At("state").GetString());
            long before = shown.Number("requests");
            Assert.Equal(['b'], Asked(clients, times: 2).Distinct());
            JsonElement server = (await admin.StatsAsync()).At("upstreams/0/servers/0");
            Assert.Equal((state, "operator", before, 0), (server.At("state").GetString(),
                server.At("state_reason").GetString(), server.Number("requests"), server.Number("active")));
            Assert.True(server.At("state_since").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-1));
            admin.Post($"/upstreams/u/servers?address={a.Address}&state=up");
            Assert.Equal(['a', 'b'], Asked(clients, times: 4).Distinct().Order());
        }
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public void What_the_server_has_is_finished_and_its_connection_ends_then()
    {
        using var server = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(server.Address));
        using var admin = new AdminOnLoopback(gate);
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire asked = server.Accept();
        asked.ReadHead();
        JsonElement shown = admin.Post($"/upstreams/u/servers?address={server.Address}&state=drain").At("server");
        Assert.Equal(("draining", 1), (shown.At("state").GetString(), shown.Number("active")));
        using Wire late = gate.Connect();
        late.Send(Expect.Get);
        late.Problem(503, "destination_unavailable");
        asked.Send(Expect.Ok);
        client.Fine();
        asked.AssertEnded();
        admin.Post($"/upstreams/u/servers?address={server.Address}&state=up");
        late.Send(Expect.Get);
        using Wire again = server.Accept();
        again.ReadHead();
        again.Send(Expect.Ok);
        late.Fine();
    }

    [Fact]
    public async Task A_weight_holds_at_once_on_every_lane()
    {
        using var a = new AnsweringUpstream(AnswerA);
        using var b = new AnsweringUpstream(AnswerB);
        using var gate = new GateOnLoopback(Two(a.Address, b.Address), Lanes);
        using var admin = new AdminOnLoopback(gate);
        List<Wire> clients = OnEveryLane(gate);
        Asked(clients, times: 2);
        Assert.Equal(9, admin.Post($"/upstreams/u/servers?address={a.Address}&weight=9").Number("server/weight"));
        // Each lane has its own turns: whichever lanes the clients are on, nine of ten are the heavy server's.
        char[] answers = Asked(clients, times: 50);
        Assert.InRange(answers.Count(answer => answer == 'a') / (double)answers.Length, 0.85, 0.95);
        JsonElement servers = (await admin.StatsAsync()).At("upstreams/0/servers");
        Assert.Equal((9, 1), (servers.Number("0/weight"), servers.Number("1/weight")));
        clients.ForEach(client => client.Dispose());
    }

    /// <summary>States and weights change as fast as an operator's script can, and no request is lost by it.</summary>
    [Fact]
    public async Task Changes_cost_no_request()
    {
        using var a = new AnsweringUpstream(AnswerA);
        using var b = new AnsweringUpstream(AnswerB);
        using var gate = new GateOnLoopback(Two(a.Address, b.Address), Lanes);
        using var admin = new AdminOnLoopback(gate);
        List<Wire> clients = OnEveryLane(gate);
        bool stop = false;
        long sent = 0;
        var traffic = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                Interlocked.Add(ref sent, Asked(clients, times: 1).Length);
            }
        });
        traffic.Start();
        try
        {
            for (int i = 0; i < 200; i++)
            {
                string state = (i % 3) switch { 0 => "down", 1 => "drain", _ => "up" };
                admin.Post($"/upstreams/u/servers?address={a.Address}&state={state}&weight={1 + (i % 256)}");
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            Assert.True(traffic.Join(Wire.BoundMs));
        }
        gate.AwaitExchanges((int)sent);
        JsonElement stats = await admin.StatsAsync();
        Assert.Equal([("200", sent)], stats.Counts("requests/by_status").Select(count => (count.Key, count.Value)));
        Assert.Equal((0, 0), (stats.Number("upstreams/0/servers/0/errors"), stats.Number("upstreams/0/servers/0/active")));
        clients.ForEach(client => client.Dispose());
    }

    private static string Two(string a, string b) => $$"""
        [upstream.u]
        servers = ["{{a}}", "{{b}}"]
        balance = "round_robin"
        [[route]]
        name = "all"
        match = "/*"
        upstream = "u"
        """;

    /// <summary>Clients until each lane serves some of them.</summary>
    internal static List<Wire> OnEveryLane(GateOnLoopback gate)
    {
        List<Wire> clients = [];
        do
        {
            Assert.True(clients.Count < 300, "a lane gets no client");
            clients.AddRange(Enumerable.Range(0, 6).Select(_ => gate.Connect()));
            Expect.Await(() => gate.Gate.Connections == clients.Count, "not all are connected");
        }
        while (gate.Transport.Lanes.Any(lane => lane.Connections == 0));
        return clients;
    }

    /// <returns>What each request was answered with.</returns>
    private static char[] Asked(List<Wire> clients, int times)
    {
        List<char> answers = [];
        for (int i = 0; i < times; i++)
        {
            clients.ForEach(client => client.Send(Expect.Get));
            answers.AddRange(clients.Select(client => client.ReadMessage().Body.Single()));
        }
        return [.. answers];
    }
}
