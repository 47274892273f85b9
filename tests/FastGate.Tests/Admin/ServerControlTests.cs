using System.Net;
using System.Text.Json;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Upstreams;
using FastGate.Tests.Proxy;

namespace FastGate.Tests.Admin;

/// <summary>What an operator may say of a server, and what becomes of it.</summary>
public sealed class ServerControlTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const string A = "/upstreams/u.1/servers?address=unix:/a";

    private const string Config = """
        version = 1
        [log]
        access = "off"
        [[listener]]
        name = "web"
        bind = "127.0.0.1:8080"
        [upstream."u.1"]
        servers = ["unix:/a", "unix:/b"]
        balance = "round_robin"
        [upstream.many]
        servers = ["10.0.0.1:80", "B.example.com:80", "[::1]:80", "10.0.0.4:80"]
        [[route]]
        name = "all"
        match = "/*"
        upstream = "u.1"
        """;

    private static readonly AdminOptions s_loopback = new();

    [Theory]
    [InlineData("down", "down")]
    [InlineData("drain", "draining")]
    public void Who_is_taken_out_gets_nothing_new_and_finishes_what_he_has(string said, string state)
    {
        using var gate = new GateInMemory(Config);
        (List<Peer> a, List<Peer> b) = (gate.Listen("/a"), gate.Listen("/b"));
        using AdminInMemory admin = Of(gate);
        Peer[] clients = [gate.Connect(), gate.Connect()];
        clients[0].Send(Get);
        clients[1].Send(Get);
        Assert.Equal((1, 1), (a.Count, b.Count));
        JsonElement server = Done(admin.Ask(Post($"{A}&state={said}")));
        Assert.Equal((state, "operator"), (server.At("state").GetString(), server.At("state_reason").GetString()));
        Assert.Equal(1, server.Number("active"));
        for (int i = 0; i < 6; i++)
        {
            gate.Connect().Send(Get);
        }
        Assert.Equal((1, 7), (a.Count, b.Count));
        a[0].Send(Ok);
        Assert.Contains(clients, client => client.Received.EndsWith("ok", StringComparison.Ordinal));
        // What it had is finished, and its connection is not kept.
        Assert.True(a[0].Ended);
        server = Done(admin.Ask(Post($"{A}&state=up")));
        Assert.Equal(("up", 0), (server.At("state").GetString(), server.Number("active")));
        gate.Connect().Send(Get);
        gate.Connect().Send(Get);
        Assert.Equal(2, a.Count);
    }

    [Fact]
    public void What_is_said_is_logged_once_and_said_again_it_changes_nothing()
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        Done(admin.Ask(Post($"{A}&state=drain&weight=7")));
        Assert.Contains(
            " info an operator changed a server upstream=u.1 server=unix:/a said=draining state=draining weight=7 peer=",
            Assert.Single(admin.TakeLog()), StringComparison.Ordinal);
        JsonElement before = Done(admin.Ask(Post($"{A}&state=drain&weight=7")));
        admin.Advance(5_000);
        JsonElement after = Done(admin.Ask(Post($"{A}&weight=7")));
        Assert.Equal(before.GetRawText(), after.GetRawText());
        Assert.Empty(admin.TakeLog());
        Done(admin.Ask(Post($"{A}&weight=8")));
        Assert.Contains("said=- state=draining weight=8", Assert.Single(admin.TakeLog()), StringComparison.Ordinal);
        Done(admin.Ask(Post($"{A}&state=down")));
        Assert.Contains("said=down state=down weight=8", Assert.Single(admin.TakeLog()), StringComparison.Ordinal);
    }

    /// <summary>Nobody but the operator takes back what the operator said, and he takes back nothing else.</summary>
    [Fact]
    public void Up_takes_back_what_the_operator_said_and_leaves_the_others_their_word()
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        Server server = gate.Gate.Upstreams[0].Servers[0];
        server.SetState(StateVoice.Health, ServerState.Down, "health", 1);
        Done(admin.Ask(Post($"{A}&state=drain")));
        server.SetState(StateVoice.Health, ServerState.Up, "health", 2);
        Assert.Equal(ServerState.Draining, server.Status.State);
        server.SetState(StateVoice.Ejection, ServerState.Ejected, "consecutive", 3);
        JsonElement shown = Done(admin.Ask(Post($"{A}&state=up")));
        Assert.Equal(("ejected", "consecutive"), (shown.At("state").GetString(), shown.At("state_reason").GetString()));
    }

    [Theory]
    [InlineData(Balance.RoundRobin)]
    [InlineData(Balance.P2c)]
    [InlineData(Balance.Least)]
    [InlineData(Balance.Hash)]
    public void A_weight_holds_from_the_next_choice_on(Balance balance)
    {
        var bed = new Upstreams.Balancing.ChoiceBed(balance, "1 1", lanes: 3);
        Assert.InRange(Shares(bed)[0], 0.4, 0.6);
        Assert.True(bed.Group.Order(bed.Servers[0], null, 9, bed.Now));
        Assert.All(Enumerable.Range(0, 3), lane => Assert.InRange(Shares(bed, lane)[0], 0.82, 0.96));
        Assert.True(bed.Group.Order(bed.Servers[1], null, 256, bed.Now));
        Assert.True(bed.Group.Order(bed.Servers[0], null, 1, bed.Now));
        Assert.InRange(Shares(bed, lane: 2)[0], 0, 0.02);
        Assert.False(bed.Group.Order(bed.Servers[0], null, 1, bed.Now));
    }

    [Fact]
    public void State_and_weight_are_there_together()
    {
        var bed = new Upstreams.Balancing.ChoiceBed(Balance.RoundRobin, "1 1 1");
        Assert.True(bed.Group.Order(bed.Servers[0], ServerState.Down, 5, bed.Now));
        Assert.Equal((ServerState.Down, 5), (bed.Servers[0].Status.State, bed.Servers[0].Weight));
        Assert.Equal([0, 50, 50], bed.Counts(100));
        Assert.True(bed.Group.Order(bed.Servers[0], ServerState.Up, null, bed.Now));
        Assert.Equal([500, 100, 100], bed.Counts(700));
    }

    [Theory]
    [InlineData("", "which server?")]
    [InlineData("state=up", "which server?")]
    [InlineData("address=unix:/a", "what is to change?")]
    [InlineData("address=unix:/a&state=Up", "state is up, down or drain, not 'Up'")]
    [InlineData("address=unix:/a&state=", "state is up, down or drain, not ''")]
    [InlineData("address=unix:/a&weight=0", "weight is a whole number from 1 to 256, not '0'")]
    [InlineData("address=unix:/a&weight=257", "not '257'")]
    [InlineData("address=unix:/a&weight=-1", "not '-1'")]
    [InlineData("address=unix:/a&weight=1.5", "not '1.5'")]
    [InlineData("address=unix:/a&weight=99999999999999999999", "not '99999999999999999999'")]
    [InlineData("address=unix:/a&state=up&wieght=2", "there is no parameter 'wieght'")]
    [InlineData("address=unix:/a&state=up&state=down", "'state' stands twice")]
    [InlineData("address=unix:/a&address=unix:/b&state=up", "'address' stands twice")]
    [InlineData("address=unix:%2Fa%&state=up", "'address' has a broken escape")]
    [InlineData("address=unix:%2a%zz&state=up", "'address' has a broken escape")]
    [InlineData("address=10.0.0.1&state=up", "address: ")]
    [InlineData("address=%22%3Cscript%3E%0A&state=up", "address: ")]
    [InlineData("address=unix:/a&state=%22%5C%0A%F0%9F%92%A5%FF", "not '\"\\\n\U0001F4A5\uFFFD'")]
    public void What_cannot_be_read_is_400_and_says_why(string query, string says)
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        Refused(400, "bad_request", says, admin.Ask(Post($"/upstreams/u.1/servers?{query}")));
        Assert.Empty(admin.TakeLog());
        Assert.All(gate.Gate.Upstreams[0].Servers, server => Assert.Equal(ServerState.Up, server.Status.State));
    }

    [Theory]
    [InlineData("/upstreams/u/servers?address=unix:/a&state=up", "there is no upstream 'u'")]
    [InlineData("/upstreams/u.1%00/servers?address=unix:/a&state=up", "there is no upstream 'u.1%00'")]
    [InlineData("/upstreams/u.1/servers?address=unix:/c&state=up",
        "upstream 'u.1' has no server 'unix:/c': it has unix:/a, unix:/b")]
    [InlineData("/upstreams/many/servers?address=10.0.0.2:80&state=up",
        "'10.0.0.2:80': it has 10.0.0.1:80, b.example.com:80, [::1]:80, ...")]
    [InlineData("/upstreams//servers?address=unix:/a&state=up", "")]
    [InlineData("/upstreams/u.1/x/servers?address=unix:/a&state=up", "")]
    [InlineData("/upstreams/servers?address=unix:/a&state=up", "")]
    [InlineData("/upstreams/u.1/servers/?address=unix:/a&state=up", "")]
    public void What_is_not_there_is_404_and_says_what_is(string target, string says)
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        Refused(404, "no_route", says, admin.Ask(Post(target)));
    }

    [Theory]
    [InlineData("/upstreams/%75%2e1/servers?address=unix%3A%2Fa&&state=%64own&", "unix:/a")]
    [InlineData("/upstreams/many/servers?address=b.EXAMPLE.com:80&state=down", "b.example.com:80")]
    [InlineData("/upstreams/many/servers?state=down&address=[0:0::1]:80", "[::1]:80")]
    [InlineData("http://localhost/upstreams/many/servers?state=down&address=10.0.0.4:80", "10.0.0.4:80")]
    public void Names_and_addresses_may_be_written_as_people_do(string target, string address)
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        JsonElement server = Done(admin.Ask(Post(target)));
        Assert.Equal((address, "down"), (server.At("address").GetString(), server.At("state").GetString()));
    }

    /// <summary>The longest that a head may hold, with characters that six bytes stand for in JSON.</summary>
    [Fact]
    public void Huge_values_are_refused_with_short_answers()
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        string huge = string.Concat(Enumerable.Repeat("%F0%9F%92%A5%3C", 500));
        foreach (string target in (ReadOnlySpan<string>)[$"{A}&state={huge}", $"{A}&{huge}=1",
            $"/upstreams/{huge}/servers?address=unix:/a&state=up", $"/upstreams/u.1/servers?address=unix:/{huge}&state=up",
            $"/upstreams/u.1/servers?address={huge}:80&state=up"])
        {
            string answer = admin.Ask(Post(target));
            Assert.InRange(answer.Length, 100, 3_000);
            Assert.True(int.Parse(answer.AsSpan(9, 3)) is 400 or 404, answer);
            using JsonDocument document = JsonDocument.Parse(BodyOf(answer));
            Assert.InRange(document.RootElement.At("detail").GetString()!.Length, 10, 400);
        }
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    public void Only_POST_changes_anything(string method)
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        string answer = admin.Ask($"{method} {A}&state=down HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 405 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nAllow: POST\r\n", answer, StringComparison.Ordinal);
        Assert.Equal(ServerState.Up, gate.Gate.Upstreams[0].Servers[0].Status.State);
    }

    [Fact]
    public void A_body_is_not_passed_over_in_silence()
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        Refused(400, "bad_request", "this takes no body",
            admin.Ask($"POST {A}&state=down HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nweight=2"));
        Assert.Equal(ServerState.Up, gate.Gate.Upstreams[0].Servers[0].Status.State);
        Done(admin.Ask($"POST {A}&state=down HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
    }

    /// <summary>What a page in an operator's browser can send, on an address that asks for no token.</summary>
    [Theory]
    [InlineData("localhost", "Origin: http://evil.example\r\n")]
    [InlineData("localhost", "Origin: null\r\n")]
    [InlineData("localhost:9901", "Origin: http://localhost:3000\r\n")]
    [InlineData("localhost", "Sec-Fetch-Site: cross-site\r\n")]
    [InlineData("localhost", "sec-fetch-site: same-site\r\n")]
    [InlineData("localhost", "Sec-Fetch-Site:\r\n")]
    [InlineData("evil.example", "")]
    [InlineData("evil.example:9901", "Origin: http://evil.example:9901\r\n")]
    [InlineData("127.0.0.1.evil.example", "")]
    public void A_page_of_another_site_cannot_change_anything(string host, string fields)
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        Refused(403, "denied", "Host must be", admin.Ask(Post($"{A}&state=down", fields, host)));
        Assert.Equal(ServerState.Up, gate.Gate.Upstreams[0].Servers[0].Status.State);
    }

    [Theory]
    [InlineData("localhost", "")]
    [InlineData("localhost:9901", "Origin: http://localhost:9901\r\nSec-Fetch-Site: same-origin\r\n")]
    [InlineData("localhost", "Sec-Fetch-Site: none\r\n")]
    public void Its_own_pages_and_programs_may(string host, string fields)
    {
        using var gate = new GateInMemory(Config);
        using AdminInMemory admin = Of(gate);
        Done(admin.Ask(Post($"{A}&state=down", fields, host)));
    }

    [Fact]
    public void With_a_token_it_is_asked_for_and_beyond_loopback_without_one_nobody_may()
    {
        using var gate = new GateInMemory(Config);
        using (AdminInMemory admin = Of(gate, s_loopback with { Token = "t0ken" }))
        {
            Refused(401, "unauthenticated", "", admin.Ask(Post($"{A}&state=down")));
            Peer guesser = admin.Connect();
            guesser.Send(Post($"{A}&state=down", "Authorization: Bearer guess\r\n"));
            admin.Advance(AdminLimits.WrongTokenMs);
            Refused(401, "unauthenticated", "", guesser.Received);
            Assert.Equal(ServerState.Up, gate.Gate.Upstreams[0].Servers[0].Status.State);
            Done(admin.Ask(Post($"{A}&state=down", "Authorization: Bearer t0ken\r\n")));
        }
        using AdminInMemory open = Of(gate, s_loopback with { Listen = BindAddress.OfIp(IPAddress.Any, 9901) });
        Refused(403, "denied", "bound beyond loopback", open.Ask(Post($"{A}&state=up")));
        Assert.Equal(ServerState.Down, gate.Gate.Upstreams[0].Servers[0].Status.State);
    }

    [Fact]
    public void Who_waits_in_the_queue_is_told_when_the_last_server_is_taken_out()
    {
        using var gate = new GateInMemory(Config.Replace("balance =",
            "pool = { connections_max = 1, queue_timeout = \"1m\" }\nbalance =", StringComparison.Ordinal));
        (List<Peer> a, List<Peer> b) = (gate.Listen("/a"), gate.Listen("/b"));
        using AdminInMemory admin = Of(gate);
        Peer[] clients = [gate.Connect(), gate.Connect(), gate.Connect()];
        Array.ForEach(clients, client => client.Send(Get));
        Assert.Equal(1, gate.Gate.Upstreams[0].Queue.Count);
        Done(admin.Ask(Post($"{A}&state=down")));
        Assert.Equal("", clients[2].Received);
        Done(admin.Ask(Post("/upstreams/u.1/servers?address=unix:/b&state=drain")));
        gate.Run();
        Assert.StartsWith("HTTP/1.1 503 ", clients[2].Received, StringComparison.Ordinal);
        Assert.Contains("destination_unavailable", clients[2].Received, StringComparison.Ordinal);
        a[0].Send(Ok);
        b[0].Send(Ok);
        Assert.All(clients[..2], client => Assert.EndsWith("ok", client.Received, StringComparison.Ordinal));
    }

    private static AdminInMemory Of(GateInMemory gate, AdminOptions? options = null) =>
        new(options, StatsDocument.Page(gate.Gate), gate.Gate);

    private static string Post(string target, string fields = "", string host = "localhost") =>
        $"POST {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n";

    private static double[] Shares(Upstreams.Balancing.ChoiceBed bed, int lane = 0)
    {
        const int Picks = 4_000;
        int[] counts = new int[bed.Servers.Length];
        for (ulong i = 1; i <= Picks; i++)
        {
            counts[bed.Pick(lane, i * 0x9E3779B97F4A7C15)!.Index]++;
        }
        return Array.ConvertAll(counts, static count => (double)count / Picks);
    }

    private static JsonElement Done(string answer)
    {
        Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", answer, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(BodyOf(answer));
        return document.RootElement.At("server").Clone();
    }

    private static void Refused(int status, string reason, string says, string answer)
    {
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(BodyOf(answer));
        Assert.Equal((status, reason), (document.RootElement.Number("status"),
            document.RootElement.At("reason").GetString()));
        if (says.Length > 0)
        {
            Assert.Contains(says, document.RootElement.At("detail").GetString(), StringComparison.Ordinal);
        }
    }

    private static string BodyOf(string answer) =>
        answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
}
